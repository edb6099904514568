//! Records in the one form over which they are signed (RFC 4034, section 6). Pure.

use crate::{
    wire::{CLASS_IN, kind, name},
    zone::RrSet,
};

/// The numbers that end a SOA.
const SOA_NUMBERS: usize = 20;

/// Appends a set as it is signed: its records in order, names in lower case, with the TTL that is signed.
pub fn append(out: &mut Vec<u8>, owner: &[u8], set: &RrSet) {
    let mut data: Vec<Vec<u8>> = set.data().map(|data| lower(set.kind(), data)).collect();
    data.sort();
    data.dedup();
    for data in data {
        out.extend_from_slice(owner);
        out.extend(set.kind().to_be_bytes());
        out.extend(CLASS_IN.to_be_bytes());
        out.extend(set.ttl().to_be_bytes());
        // It stood behind such a length before.
        out.extend(u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
        out.extend(data);
    }
}

/// Lower case for the names in the data of the types that are listed in RFC 4034, section 6.2, as far as a zone file can hold
/// them. Lengths of labels are below all letters, so they stay as they are.
fn lower(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let (begin, end) = match kind {
        kind::NS | kind::CNAME | kind::PTR => (0, data.len()),
        kind::MX => (2, data.len()),
        kind::SRV => (6, data.len()),
        kind::SOA => (0, data.len().saturating_sub(SOA_NUMBERS)),
        kind::NAPTR => (replacement(&data), data.len()),
        _ => (0, 0),
    };
    if let Some(names) = data.get_mut(begin..end) {
        names.make_ascii_lowercase();
    }
    data
}

/// Where the name stands in a NAPTR: after two numbers and three texts.
fn replacement(data: &[u8]) -> usize {
    (0..3).fold(4, |at, _| at + 1 + data.get(at).copied().map_or(0, usize::from))
}

/// How many labels a name has, without the root and a wildcard's `*` (RFC 4034, section 3.1.3).
pub fn labels(owner: &[u8]) -> u8 {
    let count = name::labels(owner).count() - usize::from(owner.starts_with(b"\x01*"));
    // A name has at most 127.
    u8::try_from(count).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(kind::MX, b"\x00\x41\x04MAIL\x00", b"\x00\x41\x04mail\x00")]
    #[case(kind::SRV, b"AAAAAA\x02Xy\x00", b"AAAAAA\x02xy\x00")]
    #[case(
        kind::NAPTR,
        b"\x00\x01\x00\x01\x01S\x07SIP+D2U\x00\x04_SIP\x00",
        b"\x00\x01\x00\x01\x01S\x07SIP+D2U\x00\x04_sip\x00"
    )]
    #[case(16, b"\x03ABC", b"\x03ABC")]
    fn only_names_are_put_in_lower_case(#[case] kind: u16, #[case] data: &[u8], #[case] expected: &[u8]) {
        assert_eq!(lower(kind, data), expected);
    }

    #[test]
    fn a_wildcard_does_not_count_as_a_label() {
        assert_eq!(labels(b"\x01*\x01a\x00"), 1);
        assert_eq!(labels(b"\x01a\x01b\x00"), 2);
        assert_eq!(labels(b"\x00"), 0);
    }
}
