//! Listing, deleting and trimming, on a directory of files.

use std::fs::OpenOptions;

use super::wave::fixtures::wave;
use super::*;

/// Recordings of one second each, begun a second apart.
fn recorded(count: usize) -> (tempfile::TempDir, Recordings, Vec<Name>) {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<Name> =
        (0..count).map(|n| Name::parse(&format!("20261127T2019{n:02}Z-101-102-102-ecqx-1.{n}.wav")).unwrap()).collect();
    for name in &names {
        fs::write(dir.path().join(name.as_str()), wave(1)).unwrap();
    }
    let recordings = Recordings::new(dir.path().into());
    (dir, recordings, names)
}

const ONE: u64 = 16_044;

fn names(page: &RecordingsPage) -> Vec<&str> {
    page.recordings.iter().map(|recording| recording.name.as_str()).collect()
}

#[test]
fn pages_go_from_the_newest_to_the_oldest_and_end() {
    let (_dir, recordings, all) = recorded(5);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = recordings.page(before.as_deref(), 2).unwrap();
        assert_eq!((page.count, page.bytes), (5, 5 * ONE));
        seen.extend(page.recordings.into_iter().map(|recording| recording.name));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let newest_first: Vec<&str> = all.iter().rev().map(Name::as_str).collect();
    assert_eq!(seen, newest_first);
}

#[test]
fn a_recording_is_told_with_time_parties_length_and_size() {
    let (_dir, recordings, _) = recorded(1);
    let page = recordings.page(None, 10).unwrap();
    let [recording] = &page.recordings[..] else { panic!("{page:?}") };
    assert_eq!(recording.started_at, "2026-11-27T20:19:00Z");
    assert_eq!((recording.caller.as_deref(), recording.callee.as_deref()), (Some("101"), Some("102")));
    assert_eq!((recording.seconds, recording.bytes, recording.in_progress), (1, ONE, false));
}

#[test]
fn the_oldest_go_first_until_the_bound_is_kept() {
    let (_dir, recordings, all) = recorded(5);
    assert!(recordings.trim(5 * ONE).unwrap().is_empty());
    assert_eq!(recordings.trim(3 * ONE + 1).unwrap(), all[..2]);
    assert_eq!(names(&recordings.page(None, 10).unwrap()), [all[4].as_str(), all[3].as_str(), all[2].as_str()]);
}

#[test]
fn what_is_being_written_is_never_deleted_and_what_is_being_read_may_be() {
    let (dir, recordings, all) = recorded(3);
    let written = OpenOptions::new().append(true).open(dir.path().join(all[0].as_str())).unwrap();
    let read = File::open(dir.path().join(all[1].as_str())).unwrap();
    assert!(recordings.page(None, 10).unwrap().recordings[2].in_progress);
    assert!(matches!(recordings.delete(&all[0]), Err(RecordingsError::InProgress)));
    assert_eq!(recordings.trim(0).unwrap(), all[1..], "the bound is kept as far as it goes");
    drop((written, read));
    recordings.delete(&all[0]).unwrap();
    assert!(matches!(recordings.delete(&all[0]), Err(RecordingsError::Unknown)));
}

#[test]
fn what_is_not_ours_is_neither_shown_nor_touched() {
    let (dir, recordings, all) = recorded(1);
    let outside = dir.path().join("secret");
    fs::write(&outside, "secret").unwrap();
    let link = Name::parse("20261127T201959Z-101-102-102-ecqx-1.9.wav").unwrap();
    std::os::unix::fs::symlink(&outside, dir.path().join(link.as_str())).unwrap();
    fs::create_dir(dir.path().join("20261127T201958Z-1.wav")).unwrap();
    assert_eq!(names(&recordings.page(None, 10).unwrap()), [all[0].as_str()]);
    assert!(matches!(recordings.delete(&link), Err(RecordingsError::Unknown)));
    recordings.trim(0).unwrap();
    assert!(outside.exists() && dir.path().join(link.as_str()).is_symlink());
}

#[test]
fn a_directory_that_is_not_there_is_said_with_its_path() {
    let error = Recordings::new("/nowhere/recordings".into()).page(None, 10).unwrap_err();
    assert!(error.to_string().contains("/nowhere/recordings"));
}
