//! Answers that are written once, when a branch is made, and then only copied. Pure.

use super::{Branch, Node, Ready, RrSet, ZoneSettings};
use crate::{
    answer::additional::{self, Named},
    wire::{CLASS_IN, HEADER, Section, WireName, Writer, name},
};

/// What an answer may take: more goes over TCP only, and is written then.
const LONGEST: usize = 4096;

/// The branch with a finished answer for each set that has one.
///
/// There is none where an answer depends on more than the branch itself, so that a change elsewhere never makes it wrong, and
/// none in a branch with cuts, aliases or wildcards, whose rules the full path knows.
pub fn branch(mut branch: Branch, label: &[u8], settings: &ZoneSettings) -> Branch {
    if !branch.is_plain() {
        return branch;
    }
    let top = settings.wire_origin().prefixed(&wire_label(label));
    let ready: Vec<_> = branch.nodes().map(|(part, node)| of_node(&branch, &top, part, node, settings)).collect();
    for ((_, node), ready) in branch.nodes_mut().zip(ready) {
        node.set_ready(ready);
    }
    branch
}

fn of_node(branch: &Branch, top: &WireName, part: &[u8], node: &Node, settings: &ZoneSettings) -> Vec<Option<Ready>> {
    let owner = top.prefixed(part);
    node.sets().iter().map(|set| of_set(branch, top, &owner, set, settings)).collect()
}

fn of_set(branch: &Branch, top: &WireName, owner: &WireName, set: &RrSet, settings: &ZoneSettings) -> Option<Ready> {
    write(owner, &[(owner.as_bytes().into(), set)], &additional(branch, top, set, settings)?)
}

/// The finished answer with signatures; none where there is none without.
pub fn signed(branch: &Branch, top: &WireName, part: &[u8], set: &RrSet, settings: &ZoneSettings) -> Option<Ready> {
    let owner = top.prefixed(part);
    let signature = branch.signature(top, part, set);
    let answers: Vec<_> =
        [Some(set), signature].into_iter().flatten().map(|set| (owner.as_bytes().into(), set)).collect();
    let mut more = Vec::new();
    for (target, set) in additional(branch, top, set, settings)? {
        let signature = branch.signature(top, name::below(&target, top.as_bytes())?, set);
        more.push((target.clone(), set));
        more.extend(signature.map(|signature| (target, signature)));
    }
    write(&owner, &answers, &more)
}

/// What goes along with a set, if all of it stands in the branch.
fn additional<'b>(branch: &'b Branch, top: &WireName, set: &RrSet, settings: &ZoneSettings) -> Option<Vec<Named<'b>>> {
    let within = |target: &[u8]| name::below(target, top.as_bytes()).is_some();
    let elsewhere_in_zone =
        |target: &[u8]| !within(target) && name::below(target, settings.wire_origin().as_bytes()).is_some();
    let found = additional::of(set, |target| branch.get(name::below(target, top.as_bytes())?));
    let leads_elsewhere = additional::targets(set).any(|(target, _)| elsewhere_in_zone(&target));
    let their_targets_do =
        found.iter().flat_map(|(_, set)| additional::targets(set)).any(|(target, _)| elsewhere_in_zone(&target));
    (!leads_elsewhere && !their_targets_do).then_some(found)
}

fn write(owner: &WireName, answers: &[Named<'_>], additional: &[Named<'_>]) -> Option<Ready> {
    let mut message = vec![0; HEADER];
    message.extend_from_slice(owner.as_bytes());
    message.extend([0, 0]);
    message.extend(CLASS_IN.to_be_bytes());
    let begin = message.len();
    let mut writer = Writer::after_question(&mut message, LONGEST);
    let fits = answers.iter().all(|(owner, set)| writer.set(Section::Answer, owner, set))
        && additional.iter().all(|(owner, set)| writer.set(Section::Additional, owner, set));
    let counts = message[6..HEADER].try_into().ok()?;
    fits.then(|| Ready { counts, octets: message[begin..].into() })
}

fn wire_label(label: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(label.len() + 1);
    // A label has at most 63 octets.
    wire.push(u8::try_from(label.len()).unwrap_or(63));
    wire.extend_from_slice(label);
    wire
}
