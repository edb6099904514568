//! What is kept, through crashes and a disk that cannot be written.

use std::time::{Duration, Instant};

use super::*;
use crate::{
    metrics::State,
    store::{document::tests::kept, entry::tests::entry},
};

const ZONE: &str = "epygicloud.com";

fn place() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("zone"));
    (folder, store)
}

/// A journal that goes on where the disk is, and has written what it was told.
async fn keep(store: &Store, changes: &[Entry]) {
    let (mut journal, ended) = begin(store, std::sync::Arc::default());
    for change in changes {
        journal.keep(change.clone()).await;
    }
    drop(journal);
    ended.await.unwrap();
}

fn begin(store: &Store, state: std::sync::Arc<State>) -> (Journal, Ended) {
    Journal::begin(store.clone(), &store.load(ZONE).unwrap(), state).unwrap()
}

/// A journal over a disk that had this.
fn begin_with(store: &Store, kept: &Kept, state: std::sync::Arc<State>) -> (Journal, Ended) {
    let loaded = Loaded { kept: Some(kept.clone()), ..Loaded::default() };
    Journal::begin(store.clone(), &loaded, state).unwrap()
}

fn on_disk(store: &Store) -> Option<Kept> {
    store.load(ZONE).unwrap().kept
}

fn first(kept: Kept) -> Entry {
    Entry { before: None, keys: kept.held.keys().cloned().collect(), kept }
}

#[test]
fn what_is_saved_is_loaded_again_and_a_later_one_takes_its_place() {
    let (_folder, store) = place();
    assert_eq!(on_disk(&store), None);
    store.save(&kept(1, &["a"])).unwrap();
    store.save(&kept(2, &["a", "b"])).unwrap();
    assert_eq!(on_disk(&store), Some(kept(2, &["a", "b"])));
}

#[test]
fn a_file_that_was_half_written_at_a_crash_leaves_the_last_whole_one() {
    let (folder, store) = place();
    store.save(&kept(1, &["a"])).unwrap();
    std::fs::write(folder.path().join("zone.new"), "ecqx-dns 1\nzone").unwrap();
    assert_eq!(on_disk(&store), Some(kept(1, &["a"])));
    store.save(&kept(2, &[])).unwrap();
    assert_eq!(on_disk(&store), Some(kept(2, &[])));
}

#[tokio::test]
async fn a_change_can_be_loaded_as_soon_as_it_may_be_served() {
    let (_folder, store) = place();
    let mut last = kept(1, &["a"]);
    keep(&store, &[first(last.clone())]).await;
    // The thread is never told of an end here, as in a crash.
    let (mut journal, _ended) = begin(&store, std::sync::Arc::default());
    for serial in 2..=200 {
        let next = kept(serial, if serial % 2 == 0 { &["b"] } else { &["a", "c"] });
        journal.keep(entry(&last, &next)).await;
        assert_eq!(on_disk(&store).as_ref(), Some(&next), "at serial {serial}");
        last = next;
    }
}

#[tokio::test]
async fn after_a_crash_the_log_goes_on_after_its_last_whole_change() {
    let (folder, store) = place();
    let zones = [kept(1, &["a"]), kept(2, &["a", "b"]), kept(3, &["b"])];
    keep(&store, &[first(zones[0].clone())]).await;
    let log = folder.path().join("zone.log");
    let text = entry(&zones[0], &zones[1]).text().unwrap();
    std::fs::write(&log, format!("{text}change 2 3 40")).unwrap();
    assert_eq!(on_disk(&store).as_ref(), Some(&zones[1]), "what was half written was not served");
    keep(&store, &[entry(&zones[1], &zones[2])]).await;
    assert_eq!(on_disk(&store).as_ref(), Some(&zones[2]));
    assert!(!std::fs::read_to_string(&log).unwrap().contains("change 2 3 40\n"), "what was cut off is gone");
}

#[tokio::test]
async fn a_log_is_written_on_where_the_whole_file_cannot_be() {
    let (folder, store) = place();
    let mut last = kept(1, &["a"]);
    keep(&store, &[first(last.clone())]).await;
    // Nobody can write a file where a folder is.
    std::fs::create_dir(folder.path().join("zone.new")).unwrap();
    let names: Vec<String> = (0..1000).map(|n| format!("pbx-{n}")).collect();
    let many: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut journal, _ended) = begin(&store, std::sync::Arc::default());
    for serial in 2..=60 {
        let next = kept(serial, if serial % 2 == 0 { &many } else { &["a"] });
        journal.keep(entry(&last, &next)).await;
        assert_eq!(on_disk(&store).as_ref(), Some(&next), "at serial {serial}");
        last = next;
    }
    assert!(std::fs::metadata(folder.path().join("zone.log")).unwrap().len() > 2 * (1 << 20), "it was to be folded");
}

#[tokio::test]
async fn while_the_disk_is_away_changes_become_one_that_is_written_when_it_is_back() {
    let (folder, store) = place();
    let zones = [kept(1, &["a"]), kept(2, &["a", "b"]), kept(3, &["c"]), kept(4, &["c", "d"])];
    keep(&store, &[first(zones[0].clone())]).await;
    let (log, state) = (folder.path().join("zone.log"), std::sync::Arc::<State>::default());
    std::fs::create_dir(&log).unwrap();
    let (mut journal, _ended) = begin_with(&store, &zones[0], state.clone());
    let unkept = || state.unkept.load(std::sync::atomic::Ordering::Relaxed);
    for pair in zones.windows(2) {
        journal.keep(entry(&pair[0], &pair[1])).await;
        assert!(unkept());
    }
    std::fs::remove_dir(&log).unwrap();
    until(|| !unkept()).await;
    assert_eq!(on_disk(&store).as_ref(), Some(&zones[3]));
    assert!(std::fs::read_to_string(&log).unwrap().starts_with("change 1 4 "), "one change of all");
}

#[tokio::test]
async fn a_log_that_has_grown_long_goes_into_the_whole_file() {
    let (folder, store) = place();
    let names: Vec<String> = (0..1000).map(|n| format!("pbx-{n}")).collect();
    let many: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut changes = vec![first(kept(1, &many))];
    for serial in 2..=100 {
        let before = changes.last().unwrap().kept.clone();
        changes.push(entry(&before, &kept(serial, if serial % 2 == 0 { &["a"] } else { &many })));
    }
    let all: usize = changes.iter().filter_map(|change| Some(change.text()?.len())).sum();
    keep(&store, &changes).await;
    assert_eq!(on_disk(&store), Some(changes.last().unwrap().kept.clone()));
    let left = std::fs::metadata(folder.path().join("zone.log")).unwrap().len();
    assert!(left < 1_200_000 && all > 2_000_000, "{left} octets of {all}");
}

#[tokio::test]
async fn what_could_not_be_kept_is_kept_as_soon_as_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("later");
    let (store, state) = (Store::new(place.join("zone")), std::sync::Arc::<State>::default());
    let (mut journal, _ended) = begin(&store, state.clone());
    let unkept = || state.unkept.load(std::sync::atomic::Ordering::Relaxed);
    journal.keep(first(kept(7, &["a"]))).await;
    until(unkept).await;
    std::fs::create_dir(&place).unwrap();
    until(|| on_disk(&store).is_some()).await;
    until(|| !unkept()).await;
}

#[tokio::test]
async fn a_change_that_follows_on_one_that_was_never_written_brings_the_whole_file() {
    let (_folder, store) = place();
    keep(&store, &[first(kept(1, &["a"])), entry(&kept(2, &["a", "b"]), &kept(3, &["a", "b", "c"]))]).await;
    assert_eq!(on_disk(&store), Some(kept(3, &["a", "b", "c"])));
}

#[tokio::test]
async fn what_cannot_be_kept_at_the_end_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("never/zone"));
    let changes = [first(kept(7, &["a"]))];
    tokio::time::timeout(Duration::from_secs(20), keep(&store, &changes)).await.unwrap();
}

async fn until(holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "not within 20 seconds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_disk_that_hangs_is_waited_for_once_and_told_and_made_up_for() {
    let (folder, store) = place();
    let zones = [kept(1, &["a"]), kept(2, &["a", "b"]), kept(3, &["c"])];
    keep(&store, &[first(zones[0].clone())]).await;
    // Whoever opens a pipe waits until somebody reads from it.
    let log = folder.path().join("zone.log");
    assert!(std::process::Command::new("mkfifo").arg(&log).status().unwrap().success());
    let state = std::sync::Arc::<State>::default();
    let (mut journal, _ended) = begin_with(&store, &zones[0], state.clone());
    let unkept = || state.unkept.load(std::sync::atomic::Ordering::Relaxed);
    for pair in zones.windows(2) {
        let kept = journal.keep(entry(&pair[0], &pair[1]));
        tokio::time::timeout(Duration::from_secs(20), kept).await.unwrap();
        assert!(unkept());
    }
    let reader = std::fs::File::options().read(true).write(true).open(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    until(|| !unkept()).await;
    drop(reader);
    assert_eq!(on_disk(&store).as_ref(), Some(&zones[2]));
}
