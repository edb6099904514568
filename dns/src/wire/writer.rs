//! Writes messages, with names compressed whatever their case (RFC 1035, section 4.1.4). Pure.

use super::{CLASS_IN, HEADER, kind, name};
use crate::zone::RrSet;

/// The most places that are remembered for compression: more cost time, and save little.
const PLACES: usize = 64;
/// Pointers reach no further (14 bits).
const REACH: u16 = 0x3fff;

/// What points to a place in the message.
pub fn pointer(place: u16) -> [u8; 2] {
    (place | !REACH).to_be_bytes()
}

/// Writes what follows a record's name, for types whose data hold no names that may be compressed.
pub fn uncompressed(set: &RrSet, data: &[u8], out: &mut Vec<u8>) {
    out.extend(set.kind().to_be_bytes());
    out.extend(CLASS_IN.to_be_bytes());
    out.extend(set.ttl().to_be_bytes());
    out.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(data);
}

/// Which of a message's counts a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What was asked for.
    Answer,
    /// Where it comes from, or why there is nothing.
    Authority,
    /// What will be asked next.
    Additional,
}

/// A message under way.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    limit: usize,
    places: [u16; PLACES],
    used: usize,
    /// Where pointers stand, for who wants to know.
    pointers: Option<Vec<usize>>,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    length: usize,
    places: usize,
    counts: [u8; 6],
}

impl<'b> Writer<'b> {
    /// Goes on after a header and a question that stand in `out`, up to `limit` octets.
    pub fn after_question(out: &'b mut Vec<u8>, limit: usize) -> Self {
        let mut writer = Self { out, limit, places: [0; PLACES], used: 0, pointers: None };
        let mut place = HEADER;
        while let Some(&length @ 1..=63) = writer.out.get(place) {
            writer.remember(place);
            place += usize::from(length) + 1;
        }
        writer
    }

    /// The same, noting where it writes pointers.
    #[must_use]
    pub fn noting_pointers(self) -> Self {
        Self { pointers: Some(Vec::new()), ..self }
    }

    /// Where pointers were written, if that was to be noted.
    pub fn pointers(&self) -> &[usize] {
        self.pointers.as_deref().unwrap_or_default()
    }

    /// How long the message is now.
    pub fn octets(&self) -> usize {
        self.out.len()
    }

    /// Where the message stands now.
    pub fn mark(&self) -> Mark {
        let mut counts = [0; 6];
        counts.copy_from_slice(&self.out[6..HEADER]);
        Mark { length: self.out.len(), places: self.used, counts }
    }

    /// Takes back all that was written since.
    pub fn back_to(&mut self, mark: Mark) {
        self.out.truncate(mark.length);
        self.used = mark.places;
        self.out[6..HEADER].copy_from_slice(&mark.counts);
    }

    /// Writes a set whole, or, where it does not fit, nothing of it.
    pub fn set(&mut self, section: Section, owner: &[u8], set: &RrSet) -> bool {
        let mark = self.mark();
        for data in set.data() {
            self.record(section, owner, set, data);
            if self.out.len() > self.limit {
                self.back_to(mark);
                return false;
            }
        }
        true
    }

    fn record(&mut self, section: Section, owner: &[u8], set: &RrSet, data: &[u8]) {
        self.name(owner);
        self.out.extend(set.kind().to_be_bytes());
        self.out.extend(CLASS_IN.to_be_bytes());
        self.out.extend(set.ttl().to_be_bytes());
        let at = self.out.len();
        self.out.extend([0, 0]);
        self.data(set.kind(), data);
        let length = u16::try_from(self.out.len() - at - 2).unwrap_or(u16::MAX);
        self.out[at..at + 2].copy_from_slice(&length.to_be_bytes());
        self.count(section);
    }

    /// Only the types of RFC 1035 may be compressed within (RFC 3597, section 4).
    fn data(&mut self, kind: u16, data: &[u8]) {
        let (before, names) = match kind {
            kind::NS | kind::CNAME | kind::PTR => (0, 1),
            kind::MX => (2, 1),
            kind::SOA => (0, 2),
            _ => (data.len(), 0),
        };
        self.out.extend_from_slice(&data[..before]);
        let mut rest = &data[before..];
        for _ in 0..names {
            let length = name::labels(rest).map(|label| label.len() + 1).sum::<usize>() + 1;
            self.name(&rest[..length]);
            rest = &rest[length..];
        }
        self.out.extend_from_slice(rest);
    }

    fn count(&mut self, section: Section) {
        let at = match section {
            Section::Answer => 6,
            Section::Authority => 8,
            Section::Additional => 10,
        };
        let count = u16::from_be_bytes([self.out[at], self.out[at + 1]]).wrapping_add(1);
        self.out[at..at + 2].copy_from_slice(&count.to_be_bytes());
    }

    /// Writes a name: what stands in the message already is pointed to, longest part first.
    fn name(&mut self, name: &[u8]) {
        let mut rest = name;
        while let Some((&length, _)) = rest.split_first() {
            if length == 0 {
                break;
            }
            let places = self.places.iter().take(self.used);
            if let Some(place) = places.copied().find(|place| self.stands_at(usize::from(*place), rest)) {
                if let Some(pointers) = &mut self.pointers {
                    pointers.push(self.out.len());
                }
                self.out.extend(pointer(place));
                return;
            }
            self.remember(self.out.len());
            let label = usize::from(length) + 1;
            self.out.extend_from_slice(&rest[..label]);
            rest = &rest[label..];
        }
        self.out.push(0);
    }

    /// Remembers that a name begins here, where a pointer can reach.
    fn remember(&mut self, place: usize) {
        let place = u16::try_from(place).ok().filter(|place| *place <= REACH);
        if let (Some(place), Some(free)) = (place, self.places.get_mut(self.used)) {
            *free = place;
            self.used += 1;
        }
    }

    /// Whether the name that begins at a place in the message is this one. Pointers lead back only, so this ends.
    fn stands_at(&self, mut place: usize, mut name: &[u8]) -> bool {
        loop {
            let (Some(&there), Some(&length)) = (self.out.get(place), name.first()) else { return false };
            if there >= 0xc0 {
                let Some(low) = self.out.get(place + 1) else { return false };
                place = usize::from(there & 0x3f) << 8 | usize::from(*low);
                continue;
            }
            if there != length {
                return false;
            }
            if length == 0 {
                return true;
            }
            let label = usize::from(length) + 1;
            let same = self.out.get(place..place + label).zip(name.get(..label));
            if !same.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)) {
                return false;
            }
            place += label;
            name = &name[label..];
        }
    }
}
