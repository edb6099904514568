//! A domain name as octets, in lower case and uncompressed. Pure.

use std::fmt;

use hickory_proto::rr::Name;

/// The most octets of a name, its final root label included (RFC 1035, section 3.1).
pub const LONGEST: usize = 255;

/// A name in wire form, in lower case, so that equal names are equal octets (RFC 4343).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireName(Box<[u8]>);

impl WireName {
    /// The name that hickory read.
    pub fn of(name: &Name) -> Self {
        let mut octets = to_wire(name);
        octets.make_ascii_lowercase();
        Self(octets.into())
    }

    /// The name that consists of these labels in wire form, then this one. The caller sees to its length.
    #[must_use]
    pub fn prefixed(&self, labels: &[u8]) -> Self {
        Self([labels, &self.0].concat().into())
    }

    /// The octets, the root label included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stands before `origin` in this name: empty for the same name, `None` when it is not at or below it.
    pub fn below<'n>(&'n self, origin: &WireName) -> Option<&'n [u8]> {
        below(&self.0, origin.as_bytes())
    }
}

impl fmt::Debug for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in labels(&self.0) {
            write!(f, "{}.", label.escape_ascii())?;
        }
        if self.0.len() == 1 { f.write_str(".") } else { Ok(()) }
    }
}

/// A name of hickory's in wire form, its case as it is.
pub fn to_wire(name: &Name) -> Vec<u8> {
    let mut octets = Vec::with_capacity(name.len() + 1);
    for label in name {
        // A label has at most 63 octets, so its length fits.
        octets.push(u8::try_from(label.len()).unwrap_or(63));
        octets.extend_from_slice(label);
    }
    octets.push(0);
    octets
}

/// One label in wire form.
pub fn label(text: &str) -> Vec<u8> {
    let mut octets = vec![u8::try_from(text.len().min(63)).unwrap_or(63)];
    octets.extend_from_slice(&text.as_bytes()[..text.len().min(63)]);
    octets
}

/// The name that stands at the beginning, if it is whole, uncompressed and not too long.
pub fn uncompressed(octets: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match octets.get(at)? {
            0 => break,
            length @ 1..=63 => at += usize::from(*length) + 1,
            _ => return None,
        }
    }
    octets.get(..=at).filter(|name| name.len() <= LONGEST)
}

/// The name that begins at a place of a message, in full: pointers lead backward only (RFC 1035, section 4.1.4).
pub fn expanded(message: &[u8], start: usize) -> Option<Vec<u8>> {
    let (mut at, mut bound, mut octets) = (start, start, Vec::new());
    while octets.len() < LONGEST {
        match *message.get(at)? {
            0 => {
                octets.push(0);
                return Some(octets);
            }
            length @ 1..=63 => {
                let next = at + usize::from(length) + 1;
                octets.extend_from_slice(message.get(at..next)?);
                at = next;
            }
            0xc0.. => {
                at = usize::from(super::read_u16(message, at)? & 0x3fff);
                if at >= bound {
                    return None;
                }
                bound = at;
            }
            _ => return None,
        }
    }
    None
}

/// The labels of a name or of a part of one, the root left out.
pub fn labels(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = octets.split_first()?;
        if *length == 0 {
            return None;
        }
        let (label, rest) = rest.split_at_checked(usize::from(*length))?;
        octets = rest;
        Some(label)
    })
}

/// Where each label of a name begins, the root left out.
pub fn starts(octets: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    labels(octets).map(move |label| {
        let start = at;
        at += label.len() + 1;
        start
    })
}

/// What stands before `origin` in a name in lower case; `None` when the name is not at or below it.
pub fn below<'n>(name: &'n [u8], origin: &[u8]) -> Option<&'n [u8]> {
    let cut = name.len().checked_sub(origin.len())?;
    // The octets can agree in the midst of a label, so the cut must be where a label begins.
    let is_start = cut == 0 || cut + 1 == name.len() || starts(name).any(|start| start == cut);
    (is_start && name[cut..] == *origin).then_some(&name[..cut])
}

/// The last label of the left part of a name.
pub fn last(part: &[u8]) -> Option<&[u8]> {
    let start = starts(part).last()?;
    part.get(start + 1..)
}

/// The labels of the left part of a name without the first.
pub fn parent(part: &[u8]) -> &[u8] {
    part.first().and_then(|length| part.get(usize::from(*length) + 1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn wire(text: &str) -> WireName {
        WireName::of(&Name::from_ascii(text).unwrap())
    }

    #[rstest]
    #[case("a.example.com.", "example.com.", Some("a."))]
    #[case("EXAMPLE.com.", "example.com.", Some("."))]
    #[case("a.b.example.com.", "example.com.", Some("a.b."))]
    #[case::within_a_label("xexample.com.", "example.com.", None)]
    #[case("com.", "example.com.", None)]
    #[case("example.com.", ".", Some("example.com."))]
    fn a_name_stands_below_another_only_at_the_bounds_of_labels(
        #[case] name: &str,
        #[case] origin: &str,
        #[case] expected: Option<&str>,
    ) {
        let (name, origin) = (wire(name), wire(origin));
        let part = name.below(&origin).map(|part| WireName([part, &[0]].concat().into()).to_string());
        assert_eq!(part.as_deref(), expected);
    }

    #[test]
    fn octets_that_agree_in_the_midst_of_a_label_are_another_name() {
        // A label that holds the octets of the origin, its length octets included.
        let trap = WireName(b"\x0dx\x07example\x03com\x00".as_slice().into());
        assert_eq!(trap.below(&wire("example.com.")), None);
    }
}
