//! One change of what is kept, as a few lines of text under a checksum of their own: what is written before it is served. Pure.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Kept,
    document::{SEAL, instance, line, sealed, unsealed},
};
use crate::book::Key;

/// The word that an entry begins with.
const HEAD: &str = "change";

/// A change of the zone, on its way to the disk.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The serial of the zone that was served before it; none when it is the first.
    pub before: Option<u32>,
    /// The zone as it is to be served now.
    pub kept: Kept,
    /// The instances in which the two differ.
    pub keys: BTreeSet<Key>,
}

impl Entry {
    /// The same, when another was to be written before it and was not.
    #[must_use]
    pub fn upon(self, earlier: Option<Self>) -> Self {
        let Some(mut earlier) = earlier else { return self };
        earlier.keys.extend(self.keys);
        Self { before: earlier.before, kept: self.kept, keys: earlier.keys }
    }

    /// As text; without a zone before it, a change cannot be told.
    pub(super) fn text(&self) -> Option<String> {
        let Kept { serial, revision, settings, held, .. } = &self.kept;
        let mut text = format!("{HEAD} {} {serial} {revision} {settings}\n", self.before?);
        for key in &self.keys {
            // Writing to a text cannot fail.
            let _written = match held.get(key) {
                Some(published) => write!(text, "+{}", line(key, published)),
                None => writeln!(text, "-{}/{}", key.0, key.1),
            };
        }
        Some(sealed(text))
    }
}

/// Enters into what was kept all changes of it that a log tells of, and ends where the log was cut off by a crash: what was not
/// written whole was not served. Gives how many octets of the log are good.
///
/// A change of another zone than the one that is kept is older than it, and passed over.
pub(super) fn replay(kept: &mut Kept, log: &[u8]) -> usize {
    let mut rest = std::str::from_utf8(log).unwrap_or_else(|error| {
        // What comes before the first octet that cannot have been written.
        std::str::from_utf8(log.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
    });
    let mut good = 0;
    while let Some((entry, later)) = first(rest) {
        let Some(next) = unsealed(entry).and_then(|body| applied(kept, body)) else { break };
        (*kept, rest, good) = (next, later, good + entry.len());
    }
    good
}

/// Whether a part of a log has a whole entry, which nothing that a crash has cut off has.
pub(super) fn has_entry(rest: &[u8]) -> bool {
    String::from_utf8_lossy(rest).contains(&format!("\n{HEAD} "))
}

/// The first entry of a log, and what follows.
fn first(log: &str) -> Option<(&str, &str)> {
    let seal = if log.starts_with(SEAL) { 0 } else { log.find(&format!("\n{SEAL}"))? + 1 };
    let end = log.get(seal..)?.find('\n')?;
    log.split_at_checked(seal + end + 1)
}

/// What is kept after a change; none when it cannot be read.
fn applied(kept: &Kept, body: &str) -> Option<Kept> {
    let mut lines = body.lines();
    let mut words = lines.next()?.splitn(5, ' ');
    let mut word = || words.next();
    (word()? == HEAD).then_some(())?;
    let (before, serial, revision) = (word()?.parse::<u32>().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
    if before != kept.serial {
        return Some(kept.clone());
    }
    let mut next = Kept { serial, revision, settings: word()?.to_owned(), ..kept.clone() };
    for line in lines {
        if let Some(line) = line.strip_prefix('+') {
            let (key, published) = instance(line)?;
            next.held.insert_mut(key, published);
        } else {
            let (namespace, name) = line.strip_prefix('-')?.split_once('/')?;
            next.held.remove_mut(&(namespace.to_owned(), name.to_owned()));
        }
    }
    Some(next)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::document::tests::kept;

    /// The change from one to the other.
    pub fn entry(before: &Kept, after: &Kept) -> Entry {
        let keys = before.held.keys().chain(after.held.keys());
        let keys = keys.filter(|key| before.held.get(*key) != after.held.get(*key)).cloned().collect();
        Entry { before: Some(before.serial), kept: after.clone(), keys }
    }

    fn replayed(from: &Kept, log: &str) -> Kept {
        let mut kept = from.clone();
        replay(&mut kept, log.as_bytes());
        kept
    }

    /// Zones that follow one another, and the log of it.
    fn followed() -> (Vec<Kept>, String) {
        let mut zones = vec![kept(7, &["a"]), kept(8, &["a", "b", "c"]), kept(9, &["c"]), kept(12, &["c"])];
        zones[3].settings = "of another day".to_owned();
        let log = zones.windows(2).filter_map(|pair| entry(&pair[0], &pair[1]).text()).collect();
        (zones, log)
    }

    #[test]
    fn changes_lead_from_any_of_the_zones_to_the_last() {
        let (zones, log) = followed();
        for zone in &zones {
            assert_eq!(&replayed(zone, &log), zones.last().unwrap());
        }
        assert_eq!(replayed(&kept(99, &["x"]), &log), kept(99, &["x"]), "of another zone nothing is taken over");
    }

    #[test]
    fn a_log_that_is_cut_anywhere_gives_the_changes_that_are_whole() {
        let (zones, log) = followed();
        let ends: Vec<usize> =
            zones.windows(2).filter_map(|pair| Some(entry(&pair[0], &pair[1]).text()?.len())).collect();
        for cut in 0..=log.len() {
            let mut whole = 0;
            while whole < ends.len() && ends[..=whole].iter().sum::<usize>() <= cut {
                whole += 1;
            }
            assert_eq!(replayed(&zones[0], &log[..cut]), zones[whole], "cut at {cut}");
        }
    }

    #[test]
    fn after_a_changed_octet_nothing_is_taken_over_any_more() {
        let (zones, log) = followed();
        for at in 0..log.len() {
            let mut octets = log.clone().into_bytes();
            octets[at] ^= 1;
            let mut kept = zones[0].clone();
            replay(&mut kept, &octets);
            assert!(zones[..3].contains(&kept), "octet {at} changed");
        }
    }
}
