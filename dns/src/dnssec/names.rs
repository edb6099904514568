//! The names of which a chain of NSEC3 records tells, with the types that each holds (RFC 5155). Pure.

use std::collections::BTreeMap;

use ring::digest;

use super::Hash;
use crate::{
    wire::{WireName, kind},
    zone::{Branch, Node},
};

/// Types as a NSEC3 record names them (RFC 4034, section 4.1.2).
pub type Types = Box<[u8]>;

/// The hash of a name in wire form and in lower case: SHA-1 without salt and without more rounds (RFC 9276, section 3.1).
pub fn hash(name: &[u8]) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, name).as_ref());
    hash
}

/// The names of a branch that are this zone's: not those below a cut.
pub fn of_branch(branch: &Branch, top: &WireName) -> BTreeMap<Hash, Types> {
    let mut names = BTreeMap::new();
    for (part, node) in branch.nodes() {
        let types = match branch.cut_at(part) {
            Some(at) if at.len() < part.len() => continue,
            Some(_) => of_cut(node),
            None => of_node(node),
        };
        names.insert(hash(top.prefixed(part).as_bytes()), types);
    }
    names
}

/// The types of a name of this zone's own.
pub fn of_node(node: &Node) -> Types {
    let signed = (!node.sets().is_empty()).then_some(kind::RRSIG);
    bitmap(node.sets().iter().map(crate::zone::RrSet::kind).chain(signed).collect())
}

/// The types of a delegation: the name servers, and the digests if there are any.
fn of_cut(node: &Node) -> Types {
    let digests = node.get(kind::DS).map(|_| [kind::DS, kind::RRSIG]);
    bitmap([kind::NS].into_iter().chain(digests.into_iter().flatten()).collect())
}

/// Blocks of 256 types each: its number, how many octets follow, and a bit for each type.
fn bitmap(mut types: Vec<u16>) -> Types {
    types.sort_unstable();
    let mut octets = Vec::new();
    for block in types.chunk_by(|a, b| a >> 8 == b >> 8) {
        let mut bits = [0_u8; 32];
        let mut used = 0;
        for kind in block {
            let [_, low] = kind.to_be_bytes();
            bits[usize::from(low / 8)] |= 0x80 >> (low % 8);
            used = usize::from(low / 8) + 1;
        }
        let [high, _] = block.first().copied().unwrap_or_default().to_be_bytes();
        // At most 32.
        octets.extend([high, u8::try_from(used).unwrap_or(32)]);
        octets.extend_from_slice(&bits[..used]);
    }
    octets.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::tests::wire;

    #[test]
    fn the_hash_is_that_of_other_programs() {
        // By `ldns-nsec3-hash -t 0 example.com`, without salt.
        let output = std::process::Command::new("ldns-nsec3-hash").args(["-t", "0", "example.com."]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let ours = String::from_utf8(super::super::chain::label(&hash(wire("example.com.").as_bytes()))[1..].to_vec());
        assert!(text.to_ascii_lowercase().starts_with(&ours.unwrap()), "{text}");
    }

    #[test]
    fn types_are_bits_in_blocks() {
        // The example of RFC 4034, section 4.3.
        let types = bitmap(vec![1234, 1, 15, 46, 47]);
        let expected = [&[0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27][..], &[0; 26], &[0x20]].concat();
        assert_eq!(&*types, &expected[..]);
        assert!(bitmap(Vec::new()).is_empty());
    }
}
