//! Numbers, bounds, and what is there after a restart.

use super::*;

fn connected(number: u32) -> SystemEvent {
    SystemEvent::ConsoleConnected { extension: number.to_string().into() }
}

fn started(version: u32) -> SystemEvent {
    SystemEvent::AgentStarted { version: version.to_string().into() }
}

fn numbers(page: &EventsPage) -> Vec<u64> {
    page.events.iter().map(|event| event.seq).collect()
}

#[test]
fn a_reader_goes_on_where_it_stopped() {
    let events = Events::in_memory();
    for number in 1..=5 {
        events.raise(connected(number));
    }
    let first = events.page(0, 2);
    assert_eq!((numbers(&first), first.next, first.oldest), (vec![1, 2], 2, 1));
    let second = events.page(first.next, 1000);
    assert_eq!((numbers(&second), second.next), (vec![3, 4, 5], 5));
    assert_eq!(events.page(second.next, 1000), EventsPage { events: Vec::new(), next: 5, oldest: 1 });
    assert_eq!(numbers(&events.page(99, 1000)).len(), 5, "a number of another volume");
}

#[test]
fn a_restart_keeps_the_events_and_goes_on_with_the_numbers_even_after_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let events = Events::open(dir.path());
    events.raise(started(1));
    events.flush();
    let path = dir.path().join("events.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let unknown = r#"{"seq":9,"at":"","severity":"Info","text":"","kind":"OfTheFuture","data":{}}"#;
    std::fs::write(&path, format!("{text}{unknown}\n{}", &text[..20])).unwrap();
    let again = Events::open(dir.path());
    again.raise(started(2));
    assert_eq!(numbers(&again.page(0, 1000)), [1, 10]);
    again.flush();
    assert_eq!(numbers(&Events::open(dir.path()).page(0, 1000)), [1, 10]);
}

#[test]
fn files_and_memory_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open_with(dir.path(), 1000).unwrap();
    for number in 0..200 {
        log.append(&format!("{{\"seq\":{number},\"padding\":\"{}\"}}", "x".repeat(50))).unwrap();
    }
    let size: u64 = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!((1000..2400).contains(&size), "{size}");
    assert_eq!(Log::open_with(dir.path(), 1000).unwrap().1.last, 199);

    let events = Events::in_memory();
    let mut state = events.lock();
    for number in 0..u32::try_from(KEPT).unwrap() + 10 {
        events.keep(&mut state, connected(number));
    }
    drop(state);
    assert_eq!(events.page(0, 1).oldest, 11);
}

#[test]
fn a_flood_of_one_kind_is_counted_and_pushes_out_nothing() {
    let events = Events::in_memory();
    events.raise(started(1));
    for number in 0..10_000 {
        events.raise(connected(number));
    }
    let page = events.page(0, 1000);
    assert_eq!(page.events.len(), 61);
    assert_eq!(page.events[0].event, started(1));
    assert_eq!(events.counts()["ConsoleConnected"], (Severity::Info, 10_000));
    let hour = Duration::from_hours(1);
    events.lock().windows.values_mut().for_each(|window| window.began = window.began.checked_sub(hour).unwrap());
    events.settle();
    let last = events.page(page.next, 10).events.pop().unwrap();
    assert_eq!(last.event, SystemEvent::EventsHeldBack { kind: "ConsoleConnected".into(), count: 9940 });
}

#[test]
fn without_a_volume_events_are_in_memory() {
    let events = Events::open("/proc/nowhere".as_ref());
    events.raise(started(1));
    assert_eq!(numbers(&events.page(0, 10)), [1]);
}
