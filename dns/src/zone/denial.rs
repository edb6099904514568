//! What every denial begins with, the SOA and its signatures, written once for each state of the zone. Pure.

use super::{RrSet, ZoneSettings};
use crate::wire::{HEADER, Section, Writer, kind, name};

/// What it may take at most: two signatures are some hundred octets.
const LONGEST: usize = 1024;
/// The most labels of the zone's own name, and of what a question has before it, for which a writer certainly remembers the zone's own
/// name in the question, and so points there.
const LABELS: usize = 16;

/// The records with which the authority section of a denial begins, as they follow the question.
///
/// What is pointed to stands in the question, at the zone's own name, or in the records themselves. So in another message of ours
/// all pointers are as much higher as its question is longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    octets: Box<[u8]>,
    pointers: Box<[usize]>,
    records: u16,
    /// The labels right below the zone in names of the records: a question with one of them could be pointed to in another way.
    labels: Vec<Box<[u8]>>,
}

impl Denial {
    /// With these sets of the zone's own name, the SOA first; none where other rules would be needed.
    pub fn new(settings: &ZoneSettings, sets: &[&RrSet]) -> Option<Self> {
        let origin = settings.wire_origin().as_bytes();
        if name::labels(origin).count() > LABELS {
            return None;
        }
        let mut message = [&[0; HEADER][..], origin, &[0; 4]].concat();
        let begin = message.len();
        let mut writer = Writer::after_question(&mut message, LONGEST).noting_pointers();
        if !sets.iter().all(|set| writer.set(Section::Authority, origin, set)) {
            return None;
        }
        let pointers = writer.pointers().iter().map(|at| at - begin).collect();
        let records = u16::from_be_bytes([message[8], message[9]]);
        let labels = sets.iter().flat_map(|set| names(set)).filter_map(|name| label(&name, origin)).collect();
        Some(Self { octets: message[begin..].into(), pointers, records, labels })
    }

    /// Writes it after a question, `part` of whose name stands before the zone's own, in lower case; says how many records it has.
    /// Nothing is written, and none said, where the question could be pointed to in another way.
    pub fn write(&self, part: &[u8], out: &mut Vec<u8>) -> Option<u16> {
        let label = name::last(part).unwrap_or_default();
        if name::labels(part).count() > LABELS || self.labels.iter().any(|own| **own == *label) {
            return None;
        }
        let begin = out.len();
        out.extend_from_slice(&self.octets);
        for at in &self.pointers {
            let pointer = out.get_mut(begin + at..begin + at + 2)?;
            let target = u16::from_be_bytes([pointer[0], pointer[1]]).checked_add(u16::try_from(part.len()).ok()?)?;
            pointer.copy_from_slice(&target.to_be_bytes());
        }
        Some(self.records)
    }
}

/// The names in a SOA, in lower case.
fn names(set: &RrSet) -> Vec<Vec<u8>> {
    let length = |data: &[u8]| name::labels(data).map(|label| label.len() + 1).sum::<usize>() + 1;
    let two = |data: &[u8]| {
        let (first, rest) = data.split_at(length(data));
        [first, &rest[..length(rest)]].map(<[u8]>::to_ascii_lowercase)
    };
    set.data().filter(|_| set.kind() == kind::SOA).flat_map(two).collect()
}

/// The label right below the zone in a name of it.
fn label(name: &[u8], origin: &[u8]) -> Option<Box<[u8]>> {
    let part = name::below(name, origin)?;
    Some(name::last(part)?.into())
}
