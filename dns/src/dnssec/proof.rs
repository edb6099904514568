//! An answer for somebody who checks signatures: with them, and with proofs of what does not exist (RFC 4035, section 3.1;
//! RFC 5155, section 7.2). Pure.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;

use super::{chain, names};
use crate::{
    answer::{Answer, Question, additional::Named},
    wire::{kind, name},
    zone::{Closest, Place, RrSet, Zone},
};

/// The most NSEC3 records of one answer: of the name above, of what would be the next below it, and of the wildcard.
const PROOFS: usize = 3;

/// The answer with signatures and proofs. From a zone without signatures it stays as it is.
pub fn complete<'z>(zone: &'z Zone, question: Question<'_>, answer: Answer<'z>) -> Answer<'z> {
    if !zone.is_signed() || !answer.is_from_zone() {
        return answer;
    }
    let mut writer = Completion::of(zone);
    let mut whole = Answer { answers: Vec::new(), authority: Vec::new(), additional: Vec::new(), ..answer };
    let mut last: Box<[u8]> = question.name.into();
    for (owner, set) in answer.answers {
        if let Some(target) = set.data().next().filter(|_| set.kind() == kind::CNAME) {
            last = target.to_ascii_lowercase().into();
        }
        writer.positive(owner, set, &mut whole.answers);
    }
    for (owner, set) in answer.authority {
        match set.kind() {
            kind::SOA => writer.negative(&last, owner, set, &mut whole.authority),
            _ => writer.referral(owner, set, &mut whole.authority),
        }
    }
    for (owner, set) in answer.additional {
        let signature = zone.signature(&owner, set);
        whole.additional.push((owner.clone(), set));
        whole.additional.extend(signature.map(|signature| (owner, signature)));
    }
    whole.authority.extend(writer.sets());
    whole
}

/// What a question for signatures themselves gets: those of one set, the smallest, as for ANY (RFC 8482, section 4.1).
pub fn signatures<'z>(zone: &'z Zone, question: Question<'_>, answer: Answer<'z>) -> Answer<'z> {
    if !zone.is_signed() || !answer.is_from_zone() {
        return answer;
    }
    // An alias has signatures of its own, so it is not followed for them (RFC 4035, section 2.5).
    let (Place::Here(node) | Place::Wildcard(node)) = zone.find(question.name) else { return answer };
    let Some(set) = node.wanted(kind::ANY) else { return answer };
    let stored = stored(zone, question.name);
    let Some(signature) = zone.signature(stored.as_deref().unwrap_or(question.name), set) else { return answer };
    Answer {
        code: ResponseCode::NoError,
        answers: vec![(question.name.into(), signature)],
        authority: Vec::new(),
        additional: Vec::new(),
        ..answer
    }
}

/// What says that a name right below the zone's own, or one below a name without cuts, aliases and wildcards, does not exist, or
/// does not hold a type: the authority section of the answer.
pub fn negative<'z>(zone: &'z Zone, name: &[u8]) -> Vec<Named<'z>> {
    let mut writer = Completion::of(zone);
    let mut authority = Vec::with_capacity(2 + 2 * PROOFS);
    writer.negative(name, zone.wire_origin().as_bytes().into(), zone.negative_soa(), &mut authority);
    authority.extend(writer.sets());
    authority
}

/// The links of the same answer, in order.
pub fn denying<'z>(zone: &'z Zone, name: &[u8]) -> Vec<Proof<'z>> {
    let mut writer = Completion::of(zone);
    writer.denied(name);
    writer.proofs
}

/// A link of the chain, which proves something.
pub type Proof<'z> = (&'z chain::Hash, &'z Arc<chain::Link>);

struct Completion<'z> {
    zone: &'z Zone,
    /// Each once, in the order in which they were needed.
    proofs: Vec<Proof<'z>>,
}

impl<'z> Completion<'z> {
    fn of(zone: &'z Zone) -> Self {
        Self { zone, proofs: Vec::with_capacity(PROOFS) }
    }

    /// The proofs as records.
    fn sets(&self) -> impl Iterator<Item = Named<'z>> {
        let origin = self.zone.wire_origin();
        self.proofs.iter().flat_map(move |(hash, link)| {
            let (set, signature) = link.records(hash, origin);
            let owner = chain::owner(hash, origin);
            [(owner.clone(), set), (owner, signature)]
        })
    }

    /// A set with its signatures; where a wildcard stands for the name, with the proof that the name does not exist.
    fn positive(&mut self, owner: Box<[u8]>, set: &'z RrSet, found: &mut Vec<Named<'z>>) {
        let wildcard = stored(self.zone, &owner);
        let signature = self.zone.signature(wildcard.as_deref().unwrap_or(&owner), set);
        if wildcard.is_some() {
            self.covering(next_closer(closest_encloser(self.zone, &owner), &owner));
        }
        found.push((owner.clone(), set));
        found.extend(signature.map(|signature| (owner, signature)));
    }

    /// The SOA with its signatures, and the proof that a name or a type does not exist.
    fn negative(&mut self, name: &[u8], owner: Box<[u8]>, soa: &'z RrSet, found: &mut Vec<Named<'z>>) {
        found.push((owner.clone(), soa));
        found.extend(self.zone.negative_signature().map(|signature| (owner, signature)));
        self.denied(name);
    }

    /// The proof that a name or a type does not exist.
    fn denied(&mut self, name: &[u8]) {
        match self.zone.find(name) {
            Place::Here(_) | Place::Cut(..) => self.matching(name),
            Place::Wildcard(_) => {
                let encloser = closest_encloser(self.zone, name);
                self.matching(encloser);
                self.covering(next_closer(encloser, name));
                self.matching(&[b"\x01*", encloser].concat());
            }
            Place::Nowhere => self.absent(name, closest_encloser(self.zone, name)),
            Place::Elsewhere => (),
        }
    }

    fn absent(&mut self, name: &[u8], encloser: &[u8]) {
        let closest = self.zone.closest().filter(|_| encloser.len() == self.zone.wire_origin().as_bytes().len());
        if let Some(Closest { apex, wildcard }) = closest {
            self.prove(Some((&apex.0, &apex.1)));
            self.covering(next_closer(encloser, name));
            return self.prove(Some((&wildcard.0, &wildcard.1)));
        }
        self.matching(encloser);
        self.covering(next_closer(encloser, name));
        self.covering(&[b"\x01*", encloser].concat());
    }

    /// A delegation: the digests of the other zone's keys, or the proof that there are none.
    fn referral(&mut self, cut: Box<[u8]>, servers: &'z RrSet, found: &mut Vec<Named<'z>>) {
        found.push((cut.clone(), servers));
        let Some(digests) = self.zone.held(&cut).and_then(|node| node.get(kind::DS)) else {
            return self.matching(&cut);
        };
        found.push((cut.clone(), digests));
        found.extend(self.zone.signature(&cut, digests).map(|signature| (cut, signature)));
    }

    fn matching(&mut self, name: &[u8]) {
        let found = self.zone.chain().and_then(|chain| chain.matching(&names::hash(name)));
        self.prove(found);
    }

    fn covering(&mut self, name: &[u8]) {
        let found = self.zone.chain().and_then(|chain| chain.covering(&names::hash(name)));
        self.prove(found);
    }

    fn prove(&mut self, found: Option<Proof<'z>>) {
        // One record can prove two things.
        let found = found.filter(|(_, link)| !self.proofs.iter().any(|(_, known)| Arc::ptr_eq(known, link)));
        self.proofs.extend(found);
    }
}

/// The name of the wildcard that stands for a name, if one does.
fn stored(zone: &Zone, name: &[u8]) -> Option<Box<[u8]>> {
    matches!(zone.find(name), Place::Wildcard(_)).then(|| [b"\x01*", closest_encloser(zone, name)].concat().into())
}

/// The longest part of a name that exists, to its end.
fn closest_encloser<'n>(zone: &Zone, name: &'n [u8]) -> &'n [u8] {
    let ends = name::starts(name).filter_map(|start| name.get(start..));
    ends.into_iter().find(|end| zone.held(end).is_some()).unwrap_or(name)
}

/// The same with one more label of the name: it does not exist, nor does anything below it.
fn next_closer<'n>(encloser: &[u8], name: &'n [u8]) -> &'n [u8] {
    let ends = name::starts(name).filter_map(|start| name.get(start..));
    ends.into_iter().take_while(|end| end.len() > encloser.len()).last().unwrap_or(name)
}
