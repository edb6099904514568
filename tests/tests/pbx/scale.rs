//! The same limits at 152, 300 and 3000: `make scale-pbx`. They take minutes, and print what the machine allows.

use std::time::{Duration, Instant};

use ecqx_tests::pbx::{Attempt, Files, Outcome, Pbx, Phone};
use pbx_contract::{Limits, Recording};

/// So many more than are licensed.
const MORE: u32 = 5;

#[tokio::test]
#[ignore = "minutes: make scale-pbx"]
async fn extensions() {
    for licensed in [152, 300, 3000] {
        let pbx = Pbx::start(Files::of(licensed + MORE).licensed(|limits| limits.ip_phone_extension = licensed)).await;
        let begun = Instant::now();
        let phones = Phone::first(licensed + MORE);
        let attempt = Attempt::new("register_race", &phones).lasting(Duration::from_mins(1));
        let outcome = pbx.unwrap().attempt(&attempt).await.unwrap();
        tell("extensions", licensed, 403, &outcome, begun);
    }
}

#[tokio::test]
#[ignore = "minutes: make scale-pbx"]
async fn receptionists() {
    for licensed in [152, 300] {
        let pbx = Pbx::start(Files::of(licensed + MORE).licensed(|limits| limits.eqall_receptionist = licensed)).await;
        let begun = Instant::now();
        let attempt = Attempt::new("subscribe", &Phone::first(licensed + MORE)).key("watched", "101");
        let outcome = pbx.unwrap().attempt(&attempt).await.unwrap();
        tell("receptionists", licensed, 403, &outcome, begun);
    }
}

#[tokio::test]
#[ignore = "minutes: make scale-pbx"]
async fn conference() {
    for licensed in [152, 300] {
        let pbx = Pbx::start(Files::of(licensed + MORE).licensed(|limits| limits.audio_conference = licensed)).await;
        let begun = Instant::now();
        let attempt = Attempt::new("race", &Phone::first(licensed + MORE)).calling("801");
        let attempt = attempt.lasting(Duration::from_secs(20)).with(&["-r", "100"]);
        let outcome = pbx.unwrap().attempt(&attempt).await.unwrap();
        tell("conference", licensed, 486, &outcome, begun);
    }
}

#[tokio::test]
#[ignore = "minutes: make scale-pbx"]
async fn recording() {
    for licensed in [152, 300] {
        let change = |limits: &mut Limits| limits.call_recording = licensed;
        let files = (0..=licensed + MORE).fold(Files::of(licensed + MORE + 1).licensed(change), |files, index| {
            files.with(&(101 + index).to_string(), |phone| phone.recording = Recording::Always)
        });
        let pbx = Pbx::start(files).await.unwrap();
        let begun = Instant::now();
        let phones = Phone::first(licensed + MORE + 1);
        let called = pbx.answering(&phones[0], Duration::from_mins(1)).await.unwrap();
        let attempt = Attempt::new("race", &phones[1..]).calling("101");
        let calls = pbx.begin(&attempt.lasting(Duration::from_secs(20)).with(&["-r", "100"])).unwrap();
        let mut most = 0;
        pbx.eventually("all calls are up", async || {
            let usage = pbx.status().await?.usage;
            most = most.max(usage.recordings);
            Ok(usage.active_calls == licensed + MORE)
        })
        .await
        .unwrap();
        let outcome = calls.ended().await.unwrap();
        println!("recording: {licensed} ports, {} calls at once: {most} recorded, all of them up", licensed + MORE);
        assert_eq!((most, outcome.answers.len()), (licensed, (licensed + MORE) as usize), "{outcome:?}");
        assert!(begun.elapsed() < Duration::from_mins(2));
        drop(called);
    }
}

#[tokio::test]
#[ignore = "minutes: make scale-pbx"]
async fn a_change_of_limits_with_3000_extensions_is_in_force_in_seconds() {
    let mut pbx = Pbx::start(Files::of(3000)).await.unwrap();
    for licensed in [2999, 1, 3000] {
        let time = pbx.apply(Files::of(3000).licensed(|limits| limits.ip_phone_extension = licensed)).await.unwrap();
        println!("3000 extensions, {licensed} of them licensed from now on: in force after {} ms", time.as_millis());
    }
}

fn tell(what: &str, licensed: u32, refusal: u16, outcome: &Outcome, begun: Instant) {
    let (taken, refused) = (outcome.count(200), outcome.count(refusal));
    println!(
        "{what}: {licensed} licensed, {MORE} more at once: {taken} let in, {refused} got {refusal}, {:.1} s",
        begun.elapsed().as_secs_f32()
    );
    assert_eq!((taken, refused), (licensed as usize, MORE as usize), "{}", outcome.errors);
}
