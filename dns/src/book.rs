//! The book of served instances: watch events go in, changed names come out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ecqx_domain::hostname::Label;

use crate::published::Published;

/// Namespace and name of an instance.
pub type Key = (String, String);

/// What changed for a name: its new content, or none when it goes.
pub type Change = (Label, Option<Published>);

/// One event of the watch, reduced to what matters here.
#[derive(Clone, Debug)]
pub enum Event {
    /// A list begins; what stands is kept until it is complete.
    ListBegins,
    /// An instance of the list.
    Listed(Key, Sight),
    /// The list is complete: what it did not name has gone.
    ListEnds,
    /// An instance was added or changed.
    Changed(Key, Sight),
    /// An instance was deleted.
    Deleted(Key),
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
    held: BTreeMap<Key, Published>,
    /// More than one object can claim a name only by mistake; the first in order is served, so all replicas agree.
    holders: BTreeMap<Label, BTreeSet<Key>>,
    list: Option<BTreeMap<Key, Sight>>,
    touched: BTreeSet<Label>,
    complete: bool,
}

impl Book {
    /// Enters an event.
    pub fn enter(&mut self, event: Event) {
        match event {
            Event::ListBegins => self.list = Some(BTreeMap::new()),
            Event::Listed(key, sight) => drop(self.list.get_or_insert_default().insert(key, sight)),
            Event::ListEnds => self.replace(),
            Event::Changed(key, sight) => self.see(key, sight),
            Event::Deleted(key) => self.set(key, None),
        }
    }

    /// Whether a first list has been completed: before that, nothing may be said of any name.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What has changed since this was last asked, by name.
    pub fn changes(&mut self) -> Vec<Change> {
        let content = |label: &Label| {
            let holder = self.holders.get(label).and_then(BTreeSet::first)?;
            self.held.get(holder).cloned()
        };
        let changes = self.touched.iter().map(|label| (label.clone(), content(label))).collect();
        self.touched.clear();
        changes
    }

    /// Takes over a complete list at once, touching only what differs: names do not blink when a watch starts over.
    fn replace(&mut self) {
        let list = self.list.take().unwrap_or_default();
        let gone: Vec<Key> = self.held.keys().filter(|key| !list.contains_key(*key)).cloned().collect();
        for key in gone {
            self.set(key, None);
        }
        for (key, sight) in list {
            self.see(key, sight);
        }
        self.complete = true;
    }

    fn see(&mut self, key: Key, sight: Sight) {
        match sight {
            Sight::Served(published) => self.set(key, Some(published)),
            Sight::Hidden => self.set(key, None),
            Sight::Unreadable => (),
        }
    }

    fn set(&mut self, key: Key, published: Option<Published>) {
        if self.held.get(&key) == published.as_ref() {
            return;
        }
        if let Some(old) = self.held.remove(&key) {
            if let Some(holders) = self.holders.get_mut(&old.label) {
                holders.remove(&key);
                if holders.is_empty() {
                    self.holders.remove(&old.label);
                }
            }
            self.touched.insert(old.label);
        }
        if let Some(new) = published {
            self.touched.insert(new.label.clone());
            self.holders.entry(new.label.clone()).or_default().insert(key.clone());
            self.held.insert(key, new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("reseller".to_owned(), name.to_owned())
    }

    fn served(label: &str, last: u8) -> Sight {
        Sight::Served(Published { label: Label::parse(label).unwrap(), addresses: [[203, 0, 113, last].into()].into() })
    }

    fn listed(sights: impl IntoIterator<Item = (&'static str, Sight)>) -> Vec<Event> {
        let sights = sights.into_iter().map(|(name, sight)| Event::Listed(key(name), sight));
        [Event::ListBegins].into_iter().chain(sights).chain([Event::ListEnds]).collect()
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
        assert_eq!(after(&mut book, vec![Event::ListEnds]), ["a=203.0.113.1"]);
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
        assert_eq!(after(&mut book, vec![Event::Changed(key("a"), Sight::Hidden)]), ["a="]);
        assert_eq!(after(&mut book, vec![Event::Deleted(key("b"))]), ["b="]);
    }

    #[test]
    fn an_unreadable_instance_keeps_what_was_known_of_it() {
        let mut book = book(listed([("a", served("a", 1))]));
        assert!(after(&mut book, listed([("a", Sight::Unreadable)])).is_empty());
        assert!(after(&mut book, vec![Event::Changed(key("a"), Sight::Unreadable)]).is_empty());
    }

    #[test]
    fn of_two_holders_of_a_name_the_first_is_served_and_the_second_takes_over() {
        let mut book = book(listed([("b", served("x", 2))]));
        assert_eq!(after(&mut book, vec![Event::Changed(key("a"), served("x", 1))]), ["x=203.0.113.1"]);
        assert_eq!(after(&mut book, vec![Event::Deleted(key("a"))]), ["x=203.0.113.2"]);
    }

    #[test]
    fn an_object_made_anew_with_another_name_moves() {
        let mut book = book(listed([("a", served("x", 1))]));
        assert_eq!(after(&mut book, vec![Event::Changed(key("a"), served("y", 1))]), ["x=", "y=203.0.113.1"]);
    }
}
