//! Where receptionists' phones may look: contexts of hints, so made that what a seat watches ends with it. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use sha2::{Digest as _, Sha256};

use super::text;
use crate::wanted::Phone;

/// The most hints in all contexts together: each is looked up at every reload of the dialplan.
const MOST_HINTS: usize = 4000;

/// The context of each extension that has a seat.
///
/// Asterisk asks for the right to subscribe once only, but ends the subscriptions to a hint that has gone. So each seat has a context of
/// its own; where that would be too many hints, the last ones share one, whose name changes with who they are: then the others' end
/// too, and their phones subscribe again (RFC 6665, section 4.1.3).
pub fn contexts(phones: &[Phone]) -> BTreeMap<&str, String> {
    let enabled = phones.iter().filter(|phone| phone.enabled);
    let seats: Vec<&str> = enabled.clone().filter(|phone| phone.watches).map(|phone| phone.number.as_str()).collect();
    let contexts = (MOST_HINTS / enabled.count().max(1)).max(1);
    let alone = if seats.len() <= contexts { seats.len() } else { contexts - 1 };
    let (alone, together) = seats.split_at(alone);
    let shared = name(together);
    alone.iter().map(|seat| (*seat, name(&[seat]))).chain(together.iter().map(|seat| (*seat, shared.clone()))).collect()
}

fn name(seats: &[&str]) -> String {
    match seats {
        [one] => format!("seat-{one}"),
        several => {
            let digest = Sha256::digest(several.join(" ").as_bytes());
            format!("seats-{}", text::hex(digest.get(..8).unwrap_or_default()))
        }
    }
}

/// Renders the contexts: the state of each extension.
pub fn render(phones: &[Phone]) -> String {
    let contexts: BTreeSet<String> = contexts(phones).into_values().collect();
    let mut out = String::new();
    for context in contexts {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n[{context}]");
        for number in phones.iter().filter(|phone| phone.enabled).map(|phone| &phone.number) {
            let _ = writeln!(out, "exten => {number},hint,PJSIP/{number}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::phones;

    /// Phones from 1001 up, of which these have a seat.
    fn with_seats(count: usize, seats: impl Fn(usize) -> bool) -> Vec<Phone> {
        let mut phones = phones(count);
        for (index, phone) in phones.iter_mut().enumerate() {
            phone.watches = seats(index);
        }
        phones
    }

    fn lines(phones: &[Phone]) -> usize {
        render(phones).lines().filter(|line| line.contains(",hint,")).count()
    }

    #[test]
    fn each_seat_has_a_context_of_its_own_and_only_enabled_extensions_are_there() {
        let mut phones = with_seats(4, |index| index < 2);
        phones[3].enabled = false;
        let names: Vec<String> = contexts(&phones).into_values().collect();
        assert_eq!(names, ["seat-1001", "seat-1002"]);
        assert_eq!(lines(&phones), 6);
        phones[1].enabled = false;
        assert_eq!(contexts(&phones).into_keys().collect::<Vec<_>>(), ["1001"], "a disabled extension has no seat");
        assert_eq!(render(&with_seats(4, |_| false)), "");
    }

    #[test]
    fn the_last_of_many_seats_share_a_context_whose_name_changes_with_who_they_are() {
        for (extensions, seats) in [(300, 152), (3000, 300), (3000, 3000)] {
            let phones = with_seats(extensions, |index| index < seats);
            assert!(lines(&phones) <= MOST_HINTS, "{extensions} with {seats}");
            assert_eq!(contexts(&phones).len(), seats);
        }
        let (thirteen, fourteen) = (with_seats(300, |index| index < 13), with_seats(300, |index| index < 14));
        let (thirteen, fourteen) = (contexts(&thirteen), contexts(&fourteen));
        let kept = thirteen.iter().filter(|(seat, context)| fourteen[**seat] == **context).count();
        assert_eq!(kept, 12, "one seat more moves one of those before it");
        let (before, after) =
            (with_seats(3000, |index| index < 300), with_seats(3000, |index| index > 0 && index < 301));
        let (before, after) = (contexts(&before), contexts(&after));
        let names: BTreeSet<&String> = before.values().collect();
        assert!(after.values().all(|name| !names.contains(name)), "what the lost seat watches ends");
    }
}
