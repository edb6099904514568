use rstest::rstest;

use super::*;
use crate::dnssec::{Keyring, Signers, renewal::Folder, tick::TICK};

const NOW: u64 = 1_795_810_000;
const DAY: u64 = 86_400;

fn manage(folder: &Path, now: u64, words: &[&str]) -> Result<String, ManageError> {
    let folder = ["key", "--folder", folder.to_str().unwrap()];
    Manage::try_parse_from(folder.iter().chain(words)).unwrap().done(now)
}

/// The name of the file that a text tells of.
fn name(told: &str) -> String {
    told.lines().find_map(|line| line.strip_prefix("; ")?.split(".key").next()).unwrap().to_owned()
}

fn ring(folder: &Path) -> Keyring {
    Folder::new(folder, &origin("epygicloud.com").unwrap()).keyring().unwrap()
}

/// What the keys do, at a time.
fn signers(folder: &Path, time: u64) -> Signers {
    ring(folder).at(Tick::of(time).begins()).unwrap()
}

#[test]
fn a_new_key_is_in_use_at_once_and_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let told = manage(folder.path(), NOW, &["new", "epygicloud.com"]).unwrap();
    assert!(told.contains("epygicloud.com. IN DS ") && told.contains(" 15 2 "), "{told}");
    let signers = signers(folder.path(), NOW);
    assert_eq!((signers.of_zone.len(), signers.of_keys.len(), signers.announced.len()), (1, 1, 1));
    let private = folder.path().join(format!("{}.private", name(&told)));
    assert_eq!(std::fs::metadata(private).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = manage(folder.path(), NOW, &["ds", "epygicloud.com", &name(&told)]).unwrap();
    assert!(told.ends_with(&shown));
}

/// The rules of a rollover without a gap, looked at in every tick of it: whatever a cache may hold from a day before can be
/// checked now, and the other way round.
fn has_no_gap(folder: &Path, begin: u64, end: u64) {
    let tags = |keys: &[std::sync::Arc<Key>]| keys.iter().map(|key| key.tag()).collect::<Vec<_>>();
    let mut time = begin;
    while time < end {
        let (before, now) = (signers(folder, time - DAY), signers(folder, time));
        let known = tags(&before.published);
        assert!(tags(&now.of_zone).iter().all(|tag| known.contains(tag)), "signed by a key that caches cannot know");
        let held = tags(&now.published);
        assert!(tags(&before.of_zone).iter().all(|tag| held.contains(tag)), "what caches hold cannot be checked");
        assert_eq!(now.announced.len(), usize::from(!before.announced.is_empty()), "the parent is asked for one key");
        time += TICK;
    }
}

#[rstest]
#[case("csk", 0)]
#[case("ksk", 1)]
#[case("zsk", 1)]
fn a_key_is_replaced_without_a_gap(#[case] role: &str, #[case] others: usize) {
    let folder = tempfile::tempdir().unwrap();
    let make = |role| name(&manage(folder.path(), NOW, &["new", "epygicloud.com", "--role", role]).unwrap());
    let old = make(role);
    if role != "csk" {
        make(if role == "ksk" { "zsk" } else { "ksk" });
    }
    let later = NOW + 30 * DAY;
    let new = name(&manage(folder.path(), later, &["replace", "epygicloud.com", &old]).unwrap());
    has_no_gap(folder.path(), later, later + 30 * DAY);
    let published = |time| signers(folder.path(), time).published.len();
    assert_eq!((published(later), published(later + DAY)), (1 + others, 2 + others));
    if role != "zsk" {
        assert_eq!(published(later + 300 * DAY), 2 + others, "an entry point stays until it is retired");
        manage(folder.path(), later + 10 * DAY, &["retire", "epygicloud.com", &old]).unwrap();
        has_no_gap(folder.path(), later, later + 40 * DAY);
        let refused = manage(folder.path(), later, &["retire", "epygicloud.com", &new]).unwrap_err();
        assert!(refused.to_string().contains("no successor"), "{refused}");
    }
    assert_eq!(published(later + 40 * DAY), 1 + others);
}
