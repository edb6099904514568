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
    dnssec::{Chain, Hash, Link},
    serial,
    zone::{Branch, RrSet, Touched, Zone},
};

/// How many states are remembered.
const STATES: usize = 2000;
/// How many changed labels, and signed parts that were signed anew, they may have together: that is what they hold beside the zone, and
/// whoever missed more is better off with the whole.
const PARTS: usize = 50_000;

/// The last states of the zone, with what changed after each.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Steps>>);

#[derive(Debug, Default)]
struct Steps {
    steps: VecDeque<Step>,
    parts: usize,
}

/// One state of the zone and what came after it.
#[derive(Clone, Debug)]
struct Step {
    zone: Arc<Zone>,
    /// The labels that changed after it.
    changed: Arc<[Label]>,
    /// How many parts it does not share with its successor.
    parts: usize,
}

impl History {
    /// Remembers a state that was served, and the labels that changed on the way to the next.
    pub fn left(&self, zone: Arc<Zone>, changed: Vec<Label>, next: &Zone) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = match next.touched() {
            None => 0,
            Some(Touched::These { labels, links }) => labels.len() + links.len(),
            Some(Touched::All) => {
                // No difference leads over it, so what was before is of no use to anybody.
                *steps = Steps::default();
                return;
            }
        };
        let parts = changed.len() + signed;
        steps.parts += parts;
        steps.steps.push_back(Step { zone, changed: changed.into(), parts });
        while steps.steps.len() > STATES || steps.parts > PARTS {
            let Some(gone) = steps.steps.pop_front() else { return };
            steps.parts -= gone.parts;
        }
    }

    /// The last state with this serial, and all after it.
    fn from(&self, serial: u32) -> Option<Vec<Step>> {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = steps.steps.iter().rposition(|step| step.zone.serial() == serial)?;
        Some(steps.steps.range(from..).cloned().collect())
    }

    /// What leads from a serial to the zone: nothing but the SOA for who has it, or something newer; the changes for who has a
    /// state that is remembered; else the whole.
    pub fn since(&self, serial: u32, zone: &Arc<Zone>) -> VecDeque<Item> {
        if !serial::is_after(zone.serial(), serial) {
            return stream::soa(zone).into_iter().collect();
        }
        // Looked up under the lock, worked out after it: signatures may have to be made, and changes are not to wait for them.
        let Some(steps) = self.from(serial) else { return stream::whole(zone) };
        let [first, rest @ ..] = &*steps else { return stream::whole(zone) };
        let mut changed = Changed::default();
        changed.labels.extend(steps.iter().flat_map(|step| &*step.changed).map(|label| label.as_str().as_bytes()));
        let later = rest.iter().map(|step| &*step.zone).chain([&**zone]);
        if later.filter_map(Zone::touched).all(|touched| changed.enter(touched)) {
            changes(&first.zone, zone, &changed)
        } else {
            stream::whole(zone)
        }
    }
}

/// Where two states can differ, apart from the zone's own name.
#[derive(Default)]
struct Changed<'s> {
    labels: BTreeSet<&'s [u8]>,
    links: BTreeSet<&'s Hash>,
}

impl<'s> Changed<'s> {
    /// Whether they differ at names that can be told.
    fn enter(&mut self, touched: &'s Touched) -> bool {
        let Touched::These { labels, links } = touched else { return false };
        self.labels.extend(labels.iter().map(|label| &**label));
        self.links.extend(links);
        true
    }
}

/// The differences between two states (RFC 1995, section 4): old SOA, what went; new SOA, what came.
fn changes(old: &Arc<Zone>, new: &Arc<Zone>, changed: &Changed<'_>) -> VecDeque<Item> {
    let (gone, come) = (missing(old, new, changed), missing(new, old, changed));
    let soa = |zone| stream::soa(zone).into_iter();
    let parts = soa(new).chain(soa(old)).chain([Item::Sets(gone)]).chain(soa(new)).chain([Item::Sets(come)]);
    parts.chain(soa(new)).collect()
}

/// The records of one state that the other has not.
fn missing(zone: &Zone, other: &Zone, changed: &Changed<'_>) -> Sets {
    let mut found = Sets::new();
    if zone.is_signed() || other.is_signed() {
        found.extend(without(stream::of_apex(zone), &stream::of_apex(other)));
    }
    for label in &changed.labels {
        let [here, there] = [zone, other].map(|zone| zone.branch_of(label));
        if let Some(branch) = here {
            of_branch(zone, label, branch, there.map(|branch| &**branch), &mut found);
        }
    }
    let origin = zone.wire_origin();
    for hash in &changed.links {
        let [here, there] = [zone, other].map(|zone| zone.chain().and_then(|chain| Chain::matching(chain, hash)));
        let sets = |link: Option<(&Hash, &Arc<Link>)>| {
            link.map(|(hash, link)| stream::of_link(hash, link, origin)).unwrap_or_default()
        };
        found.extend(without(sets(here), &sets(there)));
    }
    found
}

/// The records of one branch, signatures included, that the other has not.
fn of_branch(zone: &Zone, label: &[u8], branch: &Branch, other: Option<&Branch>, found: &mut Sets) {
    let top = zone.top(label);
    for (part, node) in branch.nodes() {
        let there = other.and_then(|other| other.get(part));
        for set in node.sets() {
            let same = there.and_then(|node| node.get(set.kind()));
            let signed = same.and_then(|same| other?.signature(&top, part, same));
            let mut add = |set: Option<&RrSet>, other: Option<&RrSet>| {
                let rest = set.and_then(|set| other.map_or_else(|| Some(set.clone()), |other| set.without(other)));
                found.extend(rest.map(|rest| (top.prefixed(part), rest)));
            };
            add(Some(set), same);
            add(branch.signature(&top, part, set), signed);
        }
    }
}

/// Those sets that the others do not have, to the octet.
fn without(sets: Sets, others: &Sets) -> Sets {
    sets.into_iter().filter(|set| !others.contains(set)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        published::Published,
        zone::tests::{published, zone},
    };

    /// The items of a transfer as counts of sets.
    fn sizes(items: VecDeque<Item>) -> Vec<usize> {
        let size = |item| match item {
            Item::Sets(sets) => sets.len(),
            Item::Branch(..) | Item::Links(..) => 100,
        };
        items.into_iter().map(size).collect()
    }

    fn changed(zone: &Arc<Zone>, label: &str, address: Option<&str>, history: &History) -> Arc<Zone> {
        let content = address.map(|address| published(label, &[address]));
        let label = Label::parse(label).unwrap();
        let next = Arc::new(zone.changed([(label.clone(), content)], zone.serial() + 1).unwrap());
        history.left(Arc::clone(zone), vec![label], &next);
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
    fn a_shorter_ttl_is_a_change_of_all_records_of_the_instance() {
        let history = History::default();
        let usual = published("a", &["203.0.113.1"]);
        let first = Arc::new(zone(&[usual.clone(), published("b", &["203.0.113.2"])]));
        let content = Published { is_about_to_change: true, ..usual };
        let second = Arc::new(first.changed([(content.label.clone(), Some(content.clone()))], 1001).unwrap());
        history.left(first, vec![content.label], &second);
        assert_eq!(sizes(history.since(1000, &second)), [1, 1, 4, 1, 4, 1]);
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
