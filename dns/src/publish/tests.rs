use super::*;
use crate::{
    book::Sight,
    zone::tests::{published, settings, zone_bytes},
};

fn seen(name: &str, label: &str, last: u8, revision: u64) -> Event {
    Event::Changed(key(name), Sight::Served(published(label, &[&format!("203.0.113.{last}")])), revision)
}

fn key(name: &str) -> crate::book::Key {
    ("reseller".to_owned(), name.to_owned())
}

fn list(names: &[(&str, u8)], revision: u64) -> Vec<Event> {
    let listed = names
        .iter()
        .map(|(name, last)| Event::Listed(key(name), Sight::Served(published(name, &[&format!("203.0.113.{last}")]))));
    [Event::ListBegins].into_iter().chain(listed).chain([Event::ListEnds(revision)]).collect()
}

fn publisher() -> Publisher {
    Publisher::new(settings(), Snapshot::default())
}

fn served(publisher: &Publisher) -> (u32, Vec<u8>) {
    let zone = publisher.snapshot.load_full().unwrap();
    (zone.serial(), zone_bytes(&zone))
}

#[test]
fn nothing_is_served_before_the_first_list_is_complete() {
    let mut publisher = publisher();
    publisher.enter([Event::ListBegins, Event::Listed(key("a"), Sight::Hidden)]).unwrap();
    assert!(publisher.snapshot.load().is_none());
    publisher.enter([Event::ListEnds(10)]).unwrap();
    assert_eq!(served(&publisher).0, 10);
}

#[test]
fn servers_that_see_the_same_events_in_other_batches_serve_the_same_octets() {
    let events = || {
        let mut events = list(&[("a", 1), ("b", 2)], 100);
        events.extend([seen("c", "c", 3, 104), seen("a", "a", 9, 107), seen("a", "a", 1, 108)]);
        events.extend([Event::Deleted(key("b"), 120), seen("c", "c", 3, 125)]);
        events
    };
    let (mut at_once, mut one_by_one, mut in_pairs) = (publisher(), publisher(), publisher());
    at_once.enter(events()).unwrap();
    for event in events() {
        one_by_one.enter([event]).unwrap();
    }
    for pair in events().chunks(2) {
        in_pairs.enter(pair.to_vec()).unwrap();
    }
    assert_eq!(served(&at_once).0, 120, "the last event changes nothing");
    assert_eq!(served(&at_once), served(&one_by_one));
    assert_eq!(served(&at_once), served(&in_pairs));
}

#[test]
fn the_serial_of_a_server_that_begins_with_a_list_is_never_behind_and_agrees_after_the_next_change() {
    let mut old = publisher();
    old.enter(list(&[("a", 1), ("b", 2)], 100)).unwrap();
    old.enter([Event::Deleted(key("b"), 130)]).unwrap();
    let mut new = publisher();
    new.enter(list(&[("a", 1)], 170)).unwrap();
    assert!(serial::is_after(served(&new).0, served(&old).0));
    for server in [&mut old, &mut new] {
        server.enter([seen("c", "c", 3, 180)]).unwrap();
    }
    assert_eq!(served(&new), served(&old));
}

#[test]
fn after_a_restart_the_kept_zone_is_served_stale_and_keeps_its_serial_when_the_list_tells_nothing_new() {
    let mut before = publisher();
    let kept = before.kept();
    before.enter(list(&[("a", 1), ("b", 2)], 100)).unwrap();
    before.enter([seen("a", "a", 7, 105)]).unwrap();
    let kept = kept.borrow().clone().unwrap();

    let mut after = publisher();
    after.resume(&kept).unwrap();
    assert_eq!(served(&after), served(&before));
    assert!(after.state.stale.load(Ordering::Relaxed));
    after.enter(list(&[("a", 7), ("b", 2)], 900)).unwrap();
    assert_eq!(served(&after), served(&before));
    assert!(!after.state.stale.load(Ordering::Relaxed));

    let mut changed = publisher();
    changed.resume(&kept).unwrap();
    changed.enter(list(&[("a", 7)], 900)).unwrap();
    assert_eq!(served(&changed).0, 900);
}

#[test]
fn a_cluster_whose_revisions_begin_anew_does_not_take_the_serial_back() {
    let mut before = publisher();
    let kept = before.kept();
    before.enter(list(&[("a", 1)], 5000)).unwrap();
    let kept = kept.borrow().clone().unwrap();
    let mut after = publisher();
    after.resume(&kept).unwrap();
    after.enter(list(&[("a", 2)], 17)).unwrap();
    assert_eq!(served(&after).0, 5001);
    after.enter([seen("a", "a", 3, 18)]).unwrap();
    assert_eq!(served(&after).0, 5002);
}

#[test]
fn other_settings_after_a_restart_make_another_serial() {
    let mut before = publisher();
    let kept = before.kept();
    before.enter(list(&[("a", 1)], 100)).unwrap();
    let kept = Kept { settings: "of another day".to_owned(), ..kept.borrow().clone().unwrap() };
    let mut after = publisher();
    after.resume(&kept).unwrap();
    assert_eq!(served(&after).0, 101);
    after.enter(list(&[("a", 1)], 100)).unwrap();
    assert_eq!(served(&after).0, 102);
}

#[test]
fn a_replica_takes_over_the_serial_of_one_that_is_ahead_with_the_same_and_of_no_other() {
    let (mut old, mut new, mut other) = (publisher(), publisher(), publisher());
    old.enter(list(&[("a", 1), ("b", 2)], 100)).unwrap();
    old.enter([Event::Deleted(key("b"), 130)]).unwrap();
    new.enter(list(&[("a", 1)], 170)).unwrap();
    other.enter(list(&[("c", 1)], 190)).unwrap();
    for theirs in [&new, &other] {
        old.agree(&theirs.version().unwrap()).unwrap();
    }
    assert_eq!(served(&old), served(&new));
    new.agree(&other.version().unwrap()).unwrap();
    assert_eq!(served(&new).0, 170);
    for server in [&mut old, &mut new] {
        server.enter([seen("c", "c", 3, 180)]).unwrap();
    }
    assert_eq!((served(&old).0, served(&old)), (180, served(&new)));
}

#[test]
fn a_replica_that_lags_behind_still_comes_to_the_same_serial() {
    let (mut old, mut new) = (publisher(), publisher());
    old.enter(list(&[("a", 1)], 100)).unwrap();
    // Both changes happened before the other's list, and reach this one after it has agreed.
    new.enter(list(&[("a", 1)], 170)).unwrap();
    old.agree(&new.version().unwrap()).unwrap();
    old.enter([seen("a", "a", 9, 150), seen("a", "a", 1, 160)]).unwrap();
    new.agree(&old.version().unwrap()).unwrap();
    assert_eq!(served(&old), served(&new));
}

#[test]
fn who_has_the_first_zone_that_was_served_is_told_what_went_and_what_came_after_it() {
    let history = History::default();
    let mut publisher = publisher().recording(history.clone());
    publisher.enter(list(&[("a", 1), ("b", 2)], 100)).unwrap();
    publisher.enter([Event::Deleted(key("b"), 101)]).unwrap();
    let zone = publisher.snapshot.load_full().unwrap();
    let sizes: Vec<usize> = history
        .since(100, &zone)
        .into_iter()
        .map(|item| match item {
            crate::transfer::stream::Item::Sets(sets) => sets.len(),
            _ => 100,
        })
        .collect();
    assert_eq!(sizes, [1, 1, 4, 1, 0, 1], "address, NAPTR and two services of b go, and nothing comes");
}

#[test]
fn a_kept_zone_is_told_of_once_it_is_known_to_hold_and_not_before() {
    let mut before = publisher();
    before.enter(list(&[("a", 1)], 100)).unwrap();
    let kept = before.kept().borrow().clone().unwrap();
    let mut after = publisher();
    let (told, held) = (after.kept(), after.held());
    after.resume(&kept).unwrap();
    assert!(told.borrow().is_none() && held.borrow().is_none());
    after.enter(list(&[("a", 1)], 900)).unwrap();
    assert_eq!(told.borrow().as_ref(), Some(&kept), "secondaries may have missed it");
    assert!(held.borrow().is_some());
}

#[test]
fn instances_that_have_no_name_because_another_has_it_are_counted() {
    let settings = crate::zone::tests::settings_with("www A 203.0.113.80\n").unwrap();
    let mut publisher = Publisher::new(settings, Snapshot::default());
    publisher.enter(list(&[("a", 1), ("www", 2)], 100)).unwrap();
    publisher.enter([seen("second", "a", 3, 101)]).unwrap();
    assert_eq!(publisher.state.unnamed.load(Ordering::Relaxed), 2);
}

mod signed;
