//! What a caller will ask next: NAPTR leads to SRV, SRV, MX and NS to addresses (RFC 3263, RFC 2782, RFC 1035). Pure.

use crate::{
    wire::{kind, name},
    zone::{Node, RrSet},
};

const SERVICES: &[u16] = &[kind::SRV];
const ADDRESSES: &[u16] = &[kind::A, kind::AAAA];

/// A set with its name.
pub type Named<'z> = (Box<[u8]>, &'z RrSet);

/// The sets that go along with `set`: services first, then addresses, each once.
pub fn of<'z>(set: &RrSet, held: impl Fn(&[u8]) -> Option<&'z Node>) -> Vec<Named<'z>> {
    let mut found = Vec::new();
    follow(set, &held, &mut found);
    for at in 0..found.len() {
        let (_, service) = found[at];
        follow(service, &held, &mut found);
    }
    found
}

fn follow<'z>(set: &RrSet, held: &impl Fn(&[u8]) -> Option<&'z Node>, found: &mut Vec<Named<'z>>) {
    for (target, kinds) in targets(set) {
        let Some(node) = held(&target) else { continue };
        for set in kinds.iter().filter_map(|kind| node.get(*kind)) {
            if !found.iter().any(|(_, known)| std::ptr::eq(*known, set)) {
                found.push((target.clone(), set));
            }
        }
    }
}

/// The names that a set's records lead to, in lower case, with the types that are asked for there.
pub fn targets(set: &RrSet) -> impl Iterator<Item = (Box<[u8]>, &'static [u16])> {
    let kind = set.kind();
    set.data().filter_map(move |data| {
        let (at, kinds) = match kind {
            kind::NS => (0, ADDRESSES),
            kind::MX => (2, ADDRESSES),
            kind::SRV => (6, ADDRESSES),
            kind::NAPTR => naptr(data)?,
            _ => return None,
        };
        Some((data.get(at..)?.to_ascii_lowercase().into(), kinds))
    })
}

/// Where the replacement of a NAPTR stands, and what it leads to by its flag (RFC 3404, section 4.3).
fn naptr(data: &[u8]) -> Option<(usize, &'static [u16])> {
    let flags = name::labels(data.get(4..)?).next()?;
    let kinds = match flags {
        [b's' | b'S'] => SERVICES,
        [b'a' | b'A'] => ADDRESSES,
        _ => return None,
    };
    // Flags, service and regular expression are texts after their lengths.
    let mut at = 4;
    for _ in 0..3 {
        at += usize::from(*data.get(at)?) + 1;
    }
    Some((at, kinds))
}
