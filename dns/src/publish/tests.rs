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

#[tokio::test]
async fn nothing_is_served_before_the_first_list_is_complete() {
    let mut publisher = publisher();
    publisher.enter([Event::ListBegins, Event::Listed(key("a"), Sight::Hidden)]).await.unwrap();
    assert!(publisher.snapshot.load().is_none());
    publisher.enter([Event::ListEnds(10)]).await.unwrap();
    assert_eq!(served(&publisher).0, 10);
}

#[tokio::test]
async fn servers_that_see_the_same_events_in_other_batches_serve_the_same_octets() {
    let events = || {
        let mut events = list(&[("a", 1), ("b", 2)], 100);
        events.extend([seen("c", "c", 3, 104), seen("a", "a", 9, 107), seen("a", "a", 1, 108)]);
        events.extend([Event::Deleted(key("b"), 120), seen("c", "c", 3, 125)]);
        events
    };
    let (mut at_once, mut one_by_one, mut in_pairs) = (publisher(), publisher(), publisher());
    at_once.enter(events()).await.unwrap();
    for event in events() {
        one_by_one.enter([event]).await.unwrap();
    }
    for pair in events().chunks(2) {
        in_pairs.enter(pair.to_vec()).await.unwrap();
    }
    assert_eq!(served(&at_once).0, 120, "the last event changes nothing");
    assert_eq!(served(&at_once), served(&one_by_one));
    assert_eq!(served(&at_once), served(&in_pairs));
}

#[tokio::test]
async fn the_serial_of_a_server_that_begins_with_a_list_is_never_behind_and_agrees_after_the_next_change() {
    let mut old = publisher();
    old.enter(list(&[("a", 1), ("b", 2)], 100)).await.unwrap();
    old.enter([Event::Deleted(key("b"), 130)]).await.unwrap();
    let mut new = publisher();
    new.enter(list(&[("a", 1)], 170)).await.unwrap();
    assert!(serial::is_after(served(&new).0, served(&old).0));
    for server in [&mut old, &mut new] {
        server.enter([seen("c", "c", 3, 180)]).await.unwrap();
    }
    assert_eq!(served(&new), served(&old));
}

#[tokio::test]
async fn after_a_restart_the_kept_zone_is_served_stale_and_keeps_its_serial_when_the_list_tells_nothing_new() {
    let mut before = publisher();
    let kept = before.kept();
    before.enter(list(&[("a", 1), ("b", 2)], 100)).await.unwrap();
    before.enter([seen("a", "a", 7, 105)]).await.unwrap();
    let kept = kept.borrow().clone().unwrap();

    let mut after = publisher();
    after.resume(&kept).await.unwrap();
    assert_eq!(served(&after), served(&before));
    assert!(after.state.stale.load(Ordering::Relaxed));
    after.enter(list(&[("a", 7), ("b", 2)], 900)).await.unwrap();
    assert_eq!(served(&after), served(&before));
    assert!(!after.state.stale.load(Ordering::Relaxed));

    let mut changed = publisher();
    changed.resume(&kept).await.unwrap();
    changed.enter(list(&[("a", 7)], 900)).await.unwrap();
    assert_eq!(served(&changed).0, 900);
}

#[tokio::test]
async fn a_cluster_whose_revisions_begin_anew_does_not_take_the_serial_back() {
    let mut before = publisher();
    let kept = before.kept();
    before.enter(list(&[("a", 1)], 5000)).await.unwrap();
    let kept = kept.borrow().clone().unwrap();
    let mut after = publisher();
    after.resume(&kept).await.unwrap();
    after.enter(list(&[("a", 2)], 17)).await.unwrap();
    assert_eq!(served(&after).0, 5001);
    after.enter([seen("a", "a", 3, 18)]).await.unwrap();
    assert_eq!(served(&after).0, 5002);
}

#[tokio::test]
async fn other_settings_after_a_restart_make_another_serial() {
    let mut before = publisher();
    let kept = before.kept();
    before.enter(list(&[("a", 1)], 100)).await.unwrap();
    let kept = Kept { settings: "of another day".to_owned(), ..kept.borrow().clone().unwrap() };
    let mut after = publisher();
    after.resume(&kept).await.unwrap();
    assert_eq!(served(&after).0, 101);
    after.enter(list(&[("a", 1)], 100)).await.unwrap();
    assert_eq!(served(&after).0, 102);
}

#[tokio::test]
async fn a_replica_takes_over_the_serial_of_one_that_is_ahead_with_the_same_and_of_no_other() {
    let (mut old, mut new, mut other) = (publisher(), publisher(), publisher());
    old.enter(list(&[("a", 1), ("b", 2)], 100)).await.unwrap();
    old.enter([Event::Deleted(key("b"), 130)]).await.unwrap();
    new.enter(list(&[("a", 1)], 170)).await.unwrap();
    other.enter(list(&[("c", 1)], 190)).await.unwrap();
    for theirs in [&new, &other] {
        old.agree(&theirs.version().unwrap()).await.unwrap();
    }
    assert_eq!(served(&old), served(&new));
    new.agree(&other.version().unwrap()).await.unwrap();
    assert_eq!(served(&new).0, 170);
    for server in [&mut old, &mut new] {
        server.enter([seen("c", "c", 3, 180)]).await.unwrap();
    }
    assert_eq!((served(&old).0, served(&old)), (180, served(&new)));
}

#[tokio::test]
async fn a_replica_that_lags_behind_still_comes_to_the_same_serial() {
    let (mut old, mut new) = (publisher(), publisher());
    old.enter(list(&[("a", 1)], 100)).await.unwrap();
    // Both changes happened before the other's list, and reach this one after it has agreed.
    new.enter(list(&[("a", 1)], 170)).await.unwrap();
    old.agree(&new.version().unwrap()).await.unwrap();
    old.enter([seen("a", "a", 9, 150), seen("a", "a", 1, 160)]).await.unwrap();
    new.agree(&old.version().unwrap()).await.unwrap();
    assert_eq!(served(&old), served(&new));
}

#[tokio::test]
async fn who_has_the_first_zone_that_was_served_is_told_what_went_and_what_came_after_it() {
    let history = History::default();
    let mut publisher = publisher().recording(history.clone());
    publisher.enter(list(&[("a", 1), ("b", 2)], 100)).await.unwrap();
    publisher.enter([Event::Deleted(key("b"), 101)]).await.unwrap();
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

#[tokio::test]
async fn a_kept_zone_is_told_of_once_it_is_known_to_hold_and_not_before() {
    let mut before = publisher();
    before.enter(list(&[("a", 1)], 100)).await.unwrap();
    let kept = before.kept().borrow().clone().unwrap();
    let mut after = publisher();
    let (told, held) = (after.kept(), after.held());
    after.resume(&kept).await.unwrap();
    assert!(told.borrow().is_none() && held.borrow().is_none());
    after.enter(list(&[("a", 1)], 900)).await.unwrap();
    assert_eq!(told.borrow().as_ref(), Some(&kept), "secondaries may have missed it");
    assert!(held.borrow().is_some());
}

#[tokio::test]
async fn instances_that_have_no_name_because_another_has_it_are_counted() {
    let settings = crate::zone::tests::settings_with("www A 203.0.113.80\n").unwrap();
    let mut publisher = Publisher::new(settings, Snapshot::default());
    publisher.enter(list(&[("a", 1), ("www", 2)], 100)).await.unwrap();
    publisher.enter([seen("second", "a", 3, 101)]).await.unwrap();
    assert_eq!(publisher.state.unnamed.load(Ordering::Relaxed), 2);
}

mod signed;

#[tokio::test]
async fn no_restart_leads_behind_what_was_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::new(folder.path().join("zone"));
    let load = || store.load("epygicloud.com").unwrap().kept;
    let mut publisher = publisher();
    let (journal, _ended) = Journal::begin(store.clone(), &store::Loaded::default(), Arc::default()).unwrap();
    publisher.keep_in(journal);
    publisher.enter(list(&[("a", 1), ("b", 2)], 100)).await.unwrap();
    // Who has nothing on the disk serves nothing before a list, so the first zone is not waited for; what follows it is.
    for last in 101_u8..120 {
        let revision = u64::from(last);
        let event = if revision % 3 == 0 { Event::Deleted(key("b"), revision) } else { seen("b", "b", 7, revision) };
        publisher.enter([event, seen("a", "a", last, revision)]).await.unwrap();
        let mut after = self::publisher();
        after.resume(&load().unwrap()).await.unwrap();
        assert_eq!(served(&after), served(&publisher), "at {revision}");
    }
    let theirs = Version { serial: 500, ..publisher.version().unwrap() };
    publisher.agree(&theirs).await.unwrap();
    assert_eq!((load().unwrap().serial, served(&publisher).0), (500, 500));
}

#[tokio::test]
async fn settings_that_come_and_go_while_the_api_server_is_away_take_no_serial_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::new(folder.path().join("zone"));
    let mut serials = Vec::new();
    let mut before = publisher();
    before.enter(list(&[("a", 1)], 100)).await.unwrap();
    let kept = before.kept().borrow().clone().unwrap();
    store.save(&kept).unwrap();
    for fixed in ["", "www A 203.0.113.80\n", "", "", "www A 203.0.113.80\n"] {
        let settings = crate::zone::tests::settings_with(fixed).unwrap();
        let mut publisher = Publisher::new(settings, Snapshot::default());
        let loaded = store.load("epygicloud.com").unwrap();
        let (journal, ended) = Journal::begin(store.clone(), &loaded, Arc::default()).unwrap();
        publisher.keep_in(journal);
        publisher.resume(loaded.kept.as_ref().unwrap()).await.unwrap();
        serials.push(served(&publisher).0);
        drop(publisher);
        ended.await.unwrap();
    }
    assert_eq!(serials, [100, 101, 102, 102, 103]);
}
