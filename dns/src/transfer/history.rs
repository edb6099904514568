//! The zone's last states, so that a secondary that has one of them gets only what changed since (IXFR, RFC 1995). Pure.
//!
//! A state shares with its successor all that stayed the same, so it costs no more than its difference.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use ecqx_domain::hostname::Label;

use super::stream::{self, Item, Sets};
use crate::{
    serial,
    wire::{WireName, name},
    zone::{Branch, RrSet, Zone},
};

/// How many states are remembered.
const STATES: usize = 2000;
/// How many changed labels they may have together: whoever missed more is better off with the whole.
const LABELS: usize = 50_000;

/// The last states of the zone, with what changed after each.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Steps>>);

#[derive(Debug, Default)]
struct Steps {
    steps: VecDeque<(Arc<Zone>, Vec<Label>)>,
    labels: usize,
}

impl History {
    /// Remembers a state, and the labels that changed after it.
    pub fn left(&self, zone: Arc<Zone>, changed: Vec<Label>) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.labels += changed.len();
        steps.steps.push_back((zone, changed));
        while steps.steps.len() > STATES || steps.labels > LABELS {
            let Some((_, gone)) = steps.steps.pop_front() else { return };
            steps.labels -= gone.len();
        }
    }

    /// What leads from a serial to the zone: nothing but the SOA for who has it, or something newer; the changes for who has a
    /// state that is remembered; else the whole.
    pub fn since(&self, serial: u32, zone: &Arc<Zone>) -> VecDeque<Item> {
        if !serial::is_after(zone.serial(), serial) {
            return stream::soa(zone).into_iter().collect();
        }
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(from) = steps.steps.iter().position(|(state, _)| state.serial() == serial) else {
            return stream::whole(zone);
        };
        let labels: BTreeSet<&Label> = steps.steps.range(from..).flat_map(|(_, labels)| labels).collect();
        changes(&steps.steps[from].0, zone, labels)
    }
}

/// The differences between two states (RFC 1995, section 4): old SOA, what went; new SOA, what came.
fn changes(old: &Arc<Zone>, new: &Arc<Zone>, labels: BTreeSet<&Label>) -> VecDeque<Item> {
    let (mut gone, mut come) = (Sets::new(), Sets::new());
    for label in labels {
        let part = name::label(label.as_str());
        let [before, after] = [old, new].map(|zone| zone.branch(&part).map(|(branch, _)| branch));
        let top = new.wire_origin().prefixed(&part);
        missing(before, after, &top, &mut gone);
        missing(after, before, &top, &mut come);
    }
    let soa = |zone| stream::soa(zone).into_iter();
    let parts = soa(new).chain(soa(old)).chain([Item::Sets(gone)]).chain(soa(new)).chain([Item::Sets(come)]);
    parts.chain(soa(new)).collect()
}

/// The records of one branch that the other has not.
fn missing(branch: Option<&Branch>, other: Option<&Branch>, top: &WireName, found: &mut Sets) {
    for (part, node) in branch.into_iter().flat_map(Branch::nodes) {
        let there = other.and_then(|other| other.get(part));
        for set in node.sets() {
            let same = there.and_then(|node| node.get(set.kind()));
            let rest = same.map_or_else(|| Some(set.clone()), |same| RrSet::without(set, same));
            found.extend(rest.map(|rest| (top.prefixed(part), rest)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::tests::{published, zone};

    /// The items of a transfer as counts of sets.
    fn sizes(items: VecDeque<Item>) -> Vec<usize> {
        let size = |item| match item {
            Item::Sets(sets) => sets.len(),
            Item::Branch(..) => 100,
        };
        items.into_iter().map(size).collect()
    }

    fn changed(zone: &Arc<Zone>, label: &str, address: Option<&str>, history: &History) -> Arc<Zone> {
        let content = address.map(|address| published(label, &[address]));
        let label = Label::parse(label).unwrap();
        let next = Arc::new(zone.changed([(label.clone(), content)], zone.serial() + 1).unwrap());
        history.left(Arc::clone(zone), vec![label]);
        next
    }

    #[test]
    fn who_has_a_remembered_state_gets_what_changed_since_and_others_the_whole() {
        let history = History::default();
        let first = Arc::new(zone(&[published("a", &["203.0.113.1"]), published("b", &["203.0.113.2"])]));
        let second = changed(&first, "a", Some("203.0.113.9"), &history);
        let third = changed(&second, "b", None, &history);
        assert_eq!(sizes(history.since(1002, &third)), [1], "who has it gets the SOA");
        assert_eq!(sizes(history.since(5000, &third)), [1], "who is ahead too");
        // The instance that went has an address, NAPTR and two services.
        assert_eq!(sizes(history.since(1001, &third)), [1, 1, 4, 1, 0, 1]);
        assert_eq!(sizes(history.since(1000, &third)), [1, 1, 5, 1, 1, 1], "of what stays nothing is sent");
        assert!(sizes(history.since(999, &third)).contains(&100), "what is not remembered leads to the whole");
    }

    #[test]
    fn what_changed_there_and_back_is_no_change() {
        let history = History::default();
        let first = Arc::new(zone(&[published("a", &["203.0.113.1"])]));
        let second = changed(&first, "a", Some("203.0.113.9"), &history);
        let third = changed(&second, "a", Some("203.0.113.1"), &history);
        assert_eq!(sizes(history.since(1000, &third)), [1, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn the_memory_of_states_is_bounded() {
        let history = History::default();
        let mut now = Arc::new(zone(&[]));
        for n in 0..u32::try_from(STATES).unwrap() + 10 {
            now = changed(&now, "a", Some(&format!("203.0.113.{}", n % 250)), &history);
        }
        assert_eq!(history.0.lock().unwrap().steps.len(), STATES);
    }
}
