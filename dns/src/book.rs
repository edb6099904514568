//! The book of served instances: watch events go in, changed names come out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ecqx_domain::hostname::Label;
use sha2::{Digest, Sha256};

use crate::{published::Published, store::Held};

/// Namespace and name of an instance.
pub type Key = (String, String);

/// A point in the history of Kubernetes (`resourceVersion`): greater for each later write.
pub type Revision = u64;

/// What changed for a name: its new content, or none when it goes.
pub type Change = (Label, Option<Published>);

/// One event of the watch, reduced to what matters here.
#[derive(Clone, Debug)]
pub enum Event {
    /// A list begins; what stands is kept until it is complete.
    ListBegins,
    /// An instance of the list.
    Listed(Key, Sight),
    /// The list is complete, and shows the state at this revision: what it did not name has gone.
    ListEnds(Revision),
    /// An instance was added or changed.
    Changed(Key, Sight, Revision),
    /// An instance was deleted.
    Deleted(Key, Revision),
}

/// How an instance was seen.
#[derive(Clone, Debug)]
pub enum Sight {
    /// To be served.
    Served(Published),
    /// Not to be served.
    Hidden,
    /// Not of the expected shape: what was known of it stays.
    Unreadable,
}

/// All instances that are served, by object and by name.
#[derive(Debug, Default)]
pub struct Book {
    held: Held,
    /// More than one object can claim a name only by mistake; the first in order is served, so all replicas agree.
    holders: BTreeMap<Label, BTreeSet<Key>>,
    list: Option<BTreeMap<Key, Sight>>,
    touched: BTreeSet<Label>,
    moved: BTreeSet<Key>,
    /// The revision of the last event that changed what is served. It counts events, not their sum: a server that sees two at
    /// once is to have the serial of one that saw them apart, even where the second undid the first.
    revision: Option<Revision>,
    complete: bool,
    /// The sum of the digests of all that is held: the same for the same objects, in whatever order they came.
    digest: u128,
}

impl Book {
    /// A book as it was left at a revision, to be compared with the first list.
    pub fn resumed(held: &Held, revision: Option<Revision>) -> Self {
        let mut book = Self::default();
        for (key, published) in held {
            book.set(key.clone(), Some(published.clone()));
        }
        book.touched.clear();
        book.moved.clear();
        Self { revision, ..book }
    }

    /// Enters an event.
    pub fn enter(&mut self, event: Event) {
        match event {
            Event::ListBegins => self.list = Some(BTreeMap::new()),
            Event::Listed(key, sight) => drop(self.list.get_or_insert_default().insert(key, sight)),
            Event::ListEnds(revision) => self.replace(revision),
            Event::Changed(key, sight, revision) => self.see(key, sight, revision),
            Event::Deleted(key, revision) => self.see(key, Sight::Hidden, revision),
        }
    }

    /// Whether a first list has been completed: before that, nothing new may be said of any name.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The revision of the last event that changed what is served; of the first list when there was none since.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// A digest of what is held.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// What is served, by object.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// What has changed since this was last asked, by name.
    pub fn changes(&mut self) -> Vec<Change> {
        let touched = std::mem::take(&mut self.touched);
        touched.into_iter().map(|label| (label.clone(), self.served(&label).cloned())).collect()
    }

    /// The objects of which something else is held since this was last asked.
    pub fn moved(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.moved)
    }

    /// Whether any instance wants this label.
    pub fn is_wanted(&self, label: &[u8]) -> bool {
        let label = std::str::from_utf8(label).ok().and_then(|label| Label::parse(label).ok());
        label.is_some_and(|label| self.holders.contains_key(&label))
    }

    /// How many instances want a name that another one is served under.
    pub fn shared(&self) -> usize {
        self.held.size() - self.holders.len()
    }

    /// What is served under a name.
    pub fn served(&self, label: &Label) -> Option<&Published> {
        self.held.get(self.holders.get(label)?.first()?)
    }

    /// Takes over a complete list at once, touching only what differs: names do not blink when a watch starts over.
    fn replace(&mut self, revision: Revision) {
        let list = self.list.take().unwrap_or_default();
        let gone: Vec<Key> = self.held.keys().filter(|key| !list.contains_key(*key)).cloned().collect();
        for key in gone {
            self.see(key, Sight::Hidden, revision);
        }
        for (key, sight) in list {
            self.see(key, sight, revision);
        }
        self.revision.get_or_insert(revision);
        self.complete = true;
    }

    fn see(&mut self, key: Key, sight: Sight, revision: Revision) {
        let changed = match sight {
            Sight::Served(published) => self.set(key, Some(published)),
            Sight::Hidden => self.set(key, None),
            Sight::Unreadable => false,
        };
        if changed {
            self.revision = Some(revision);
        }
    }

    /// Whether it changes what is served under any name.
    fn set(&mut self, key: Key, published: Option<Published>) -> bool {
        if self.held.get(&key) == published.as_ref() {
            return false;
        }
        let old = self.held.get(&key).map(|old| old.label.clone());
        let labels: BTreeSet<Label> = old.into_iter().chain(published.iter().map(|new| new.label.clone())).collect();
        let before: Vec<_> = labels.iter().map(|label| self.served(label).cloned()).collect();
        self.replace_one(key, published);
        let is_other = |(label, before): &(&Label, &Option<Published>)| self.served(label) != before.as_ref();
        let changed: Vec<_> = labels.iter().zip(&before).filter(is_other).map(|(label, _)| label.clone()).collect();
        let any = !changed.is_empty();
        self.touched.extend(changed);
        any
    }

    fn replace_one(&mut self, key: Key, published: Option<Published>) {
        if let Some(old) = self.held.get(&key).map(|old| old.label.clone())
            && let Some(holders) = self.holders.get_mut(&old)
        {
            holders.remove(&key);
            if holders.is_empty() {
                self.holders.remove(&old);
            }
        }
        if let Some(old) = self.held.get(&key) {
            self.digest = self.digest.wrapping_sub(digest(&key, old));
        }
        self.held.remove_mut(&key);
        self.moved.insert(key.clone());
        if let Some(new) = published {
            self.holders.entry(new.label.clone()).or_default().insert(key.clone());
            self.digest = self.digest.wrapping_add(digest(&key, &new));
            self.held.insert_mut(key, new);
        }
    }
}

fn digest(key: &Key, published: &Published) -> u128 {
    let digest = Sha256::digest(format!("{key:?} {published:?}").as_bytes());
    digest.iter().take(16).fold(0, |sum, octet| sum << 8 | u128::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("reseller".to_owned(), name.to_owned())
    }

    fn served(label: &str, last: u8) -> Sight {
        Sight::Served(Published {
            label: Label::parse(label).unwrap(),
            addresses: [[203, 0, 113, last].into()].into(),
            sips: false,
            is_about_to_change: false,
        })
    }

    fn listed(sights: impl IntoIterator<Item = (&'static str, Sight)>) -> Vec<Event> {
        let sights = sights.into_iter().map(|(name, sight)| Event::Listed(key(name), sight));
        [Event::ListBegins].into_iter().chain(sights).chain([Event::ListEnds(100)]).collect()
    }

    fn book(events: Vec<Event>) -> Book {
        let mut book = Book::default();
        for event in events {
            book.enter(event);
        }
        book.changes();
        book
    }

    /// The changes as `name=last octet`, or `name=` when it goes.
    fn after(book: &mut Book, events: Vec<Event>) -> Vec<String> {
        for event in events {
            book.enter(event);
        }
        let text = |published: Published| published.addresses.iter().map(ToString::to_string).collect::<String>();
        book.changes()
            .into_iter()
            .map(|(label, new)| format!("{label}={}", new.map(text).unwrap_or_default()))
            .collect()
    }

    #[test]
    fn nothing_is_complete_before_the_end_of_the_first_list() {
        let mut book = book(vec![Event::ListBegins, Event::Listed(key("a"), served("a", 1))]);
        assert!(!book.is_complete());
        assert_eq!(after(&mut book, vec![Event::ListEnds(100)]), ["a=203.0.113.1"]);
        assert!(book.is_complete());
    }

    #[test]
    fn a_list_that_tells_nothing_new_changes_nothing() {
        let all = || listed([("a", served("a", 1)), ("b", served("b", 2))]);
        assert!(after(&mut book(all()), all()).is_empty());
    }

    #[test]
    fn a_new_list_replaces_the_old_one_and_only_what_differs_is_a_change() {
        let mut book = book(listed([("a", served("a", 1)), ("b", served("b", 2)), ("c", served("c", 3))]));
        let second = listed([("a", served("a", 1)), ("b", served("b", 9)), ("d", served("d", 4))]);
        assert_eq!(after(&mut book, second), ["b=203.0.113.9", "c=", "d=203.0.113.4"]);
    }

    #[test]
    fn names_stay_while_a_list_is_under_way() {
        let mut book = book(listed([("a", served("a", 1))]));
        assert!(after(&mut book, vec![Event::ListBegins]).is_empty());
        assert!(after(&mut book, vec![Event::ListBegins, Event::Listed(key("a"), served("a", 1))]).is_empty());
    }

    #[test]
    fn an_instance_that_is_hidden_or_deleted_takes_its_name_away() {
        let mut book = book(listed([("a", served("a", 1)), ("b", served("b", 2))]));
        assert_eq!(after(&mut book, vec![Event::Changed(key("a"), Sight::Hidden, 101)]), ["a="]);
        assert_eq!(after(&mut book, vec![Event::Deleted(key("b"), 102)]), ["b="]);
    }

    #[test]
    fn an_unreadable_instance_keeps_what_was_known_of_it() {
        let mut book = book(listed([("a", served("a", 1))]));
        assert!(after(&mut book, listed([("a", Sight::Unreadable)])).is_empty());
        assert!(after(&mut book, vec![Event::Changed(key("a"), Sight::Unreadable, 101)]).is_empty());
    }

    #[test]
    fn of_two_holders_of_a_name_the_first_is_served_and_the_second_takes_over() {
        let mut book = book(listed([("b", served("x", 2))]));
        assert_eq!(after(&mut book, vec![Event::Changed(key("a"), served("x", 1), 101)]), ["x=203.0.113.1"]);
        assert_eq!(after(&mut book, vec![Event::Deleted(key("a"), 102)]), ["x=203.0.113.2"]);
    }

    #[test]
    fn an_object_made_anew_with_another_name_moves() {
        let mut book = book(listed([("a", served("x", 1))]));
        assert_eq!(after(&mut book, vec![Event::Changed(key("a"), served("y", 1), 101)]), ["x=", "y=203.0.113.1"]);
    }

    #[test]
    fn the_revision_is_that_of_the_last_event_that_changed_what_is_served() {
        let mut book = book(listed([("a", served("x", 1)), ("b", served("x", 2))]));
        assert_eq!(book.revision(), Some(100), "the first list counts as it is");
        after(&mut book, vec![Event::Changed(key("b"), served("x", 3), 105)]);
        assert_eq!(book.revision(), Some(100), "the second holder of a name is not served");
        after(&mut book, vec![Event::Changed(key("a"), served("x", 1), 106), Event::Deleted(key("b"), 107)]);
        assert_eq!(book.revision(), Some(100), "nothing that is served has changed");
        after(&mut book, vec![Event::Deleted(key("a"), 108)]);
        assert_eq!(book.revision(), Some(108));
    }

    #[test]
    fn events_that_undo_one_another_count_whether_they_are_seen_together_or_apart() {
        let there_and_back =
            || vec![Event::Changed(key("a"), served("a", 9), 105), Event::Changed(key("a"), served("a", 1), 106)];
        let (mut together, mut apart) = (book(listed([("a", served("a", 1))])), book(listed([("a", served("a", 1))])));
        after(&mut together, there_and_back());
        for event in there_and_back() {
            after(&mut apart, vec![event]);
        }
        assert_eq!((together.revision(), apart.revision()), (Some(106), Some(106)));
    }

    #[test]
    fn a_resumed_book_keeps_its_revision_when_the_first_list_tells_nothing_new() {
        let known = book(listed([("a", served("a", 1))]));
        let resumed = || Book::resumed(known.held(), Some(50));
        let mut same = resumed();
        assert!(after(&mut same, listed([("a", served("a", 1))])).is_empty());
        assert_eq!(same.revision(), Some(50));
        let mut other = resumed();
        assert_eq!(after(&mut other, listed([("b", served("b", 2))])), ["a=", "b=203.0.113.2"]);
        assert_eq!(other.revision(), Some(100));
    }

    #[test]
    fn the_digest_is_that_of_what_is_held_whatever_the_way_there() {
        let mut here = book(listed([("a", served("a", 1)), ("b", served("b", 2))]));
        let there = book(listed([("b", served("b", 2)), ("a", served("a", 1))]));
        assert_eq!(here.digest(), there.digest());
        after(&mut here, vec![Event::Changed(key("a"), served("a", 9), 105)]);
        assert_ne!(here.digest(), there.digest());
        after(&mut here, vec![Event::Deleted(key("a"), 106), Event::Changed(key("a"), served("a", 1), 107)]);
        assert_eq!(here.digest(), there.digest());
    }
}
