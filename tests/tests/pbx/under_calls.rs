//! Limits that change while calls are in progress: none is cut, nothing is started anew, the next attempt is judged by the new limit.

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};

use super::extensions::talk;

const CALLS: u32 = 20;

#[tokio::test]
async fn a_limit_is_lowered_and_raised_under_twenty_calls() {
    let mut pbx = Pbx::start(Files::of(CALLS + 1)).await.unwrap();
    let asterisk = pbx.process("asterisk").unwrap();
    let phones = Phone::first(CALLS + 1);
    let calls = Attempt::new("talk", &phones[..20]).calling("*43").lasting(Duration::from_secs(20));
    let calls = pbx.begin(&calls).unwrap();
    let up = async || Ok(pbx.status().await?.usage.active_calls == CALLS);
    pbx.eventually("all calls are up", up).await.unwrap();

    let lowered = Files::of(CALLS + 1).licensed(|limits| limits.ip_phone_extension = 5);
    let time = pbx.apply(lowered).await.unwrap();
    println!("lowered to 5 under {CALLS} calls: in force after {} ms", time.as_millis());
    let sixth = pbx.attempt(&talk(&phones[5], "*43", 1)).await.unwrap();
    assert_eq!(sixth.answers, [403], "above the new limit: {sixth:?}");
    let fifth = pbx.attempt(&talk(&phones[4], "*43", 1)).await.unwrap();
    assert_eq!(fifth.answers, [200], "within it: {fifth:?}");
    assert_eq!(pbx.status().await.unwrap().usage.active_calls, CALLS, "no call is cut");

    let time = pbx.apply(Files::of(CALLS + 1)).await.unwrap();
    println!("raised again: in force after {} ms", time.as_millis());
    let last = pbx.attempt(&talk(&phones[20], "*43", 1)).await.unwrap();
    assert_eq!(last.answers, [200], "{last:?}");
    let outcome = calls.ended().await.unwrap();
    assert!(outcome.success && outcome.count(200) == 20, "no call was cut: {outcome:?}");
    assert_eq!(pbx.process("asterisk").unwrap(), asterisk, "and nothing was started anew");
}

#[tokio::test]
async fn ports_that_are_taken_away_go_on_and_nobody_else_is_let_in_until_it_fits() {
    let conference = |ports| Files::of(8).licensed(|limits| limits.audio_conference = ports);
    let mut pbx = Pbx::start(conference(4)).await.unwrap();
    let phones = Phone::first(8);
    let room =
        |phones: &[Phone], seconds| Attempt::new("race", phones).calling("801").lasting(Duration::from_secs(seconds));
    let long = pbx.begin(&room(&phones[..2], 12)).unwrap();
    let short = pbx.begin(&room(&phones[2..4], 6)).unwrap();
    let four = async || Ok(pbx.status().await?.usage.conference_participants == 4);
    pbx.eventually("four are in", four).await.unwrap();
    pbx.apply(conference(3)).await.unwrap();
    assert_eq!(pbx.status().await.unwrap().usage.conference_participants, 4, "nobody is put out");
    let fifth = pbx.attempt(&room(&phones[4..5], 1)).await.unwrap();
    assert_eq!(fifth.answers, [486], "{fifth:?}");
    assert_eq!(short.ended().await.unwrap().count(200), 2);
    let fits = pbx.attempt(&room(&phones[5..7], 1)).await.unwrap();
    assert_eq!((fits.count(200), fits.count(486)), (1, 1), "one place of three is free: {fits:?}");
    let outcome = long.ended().await.unwrap();
    assert!(outcome.success && outcome.count(200) == 2, "{outcome:?}");
}

#[tokio::test]
async fn a_suspended_pbx_lets_calls_finish_and_no_new_one_in() {
    let mut pbx = Pbx::start(Files::of(2)).await.unwrap();
    let phones = Phone::first(2);
    let call = pbx.begin(&talk(&phones[0], "*43", 6)).unwrap();
    pbx.eventually("the call is up", async || Ok(pbx.status().await?.usage.active_calls == 1)).await.unwrap();
    let mut suspended = Files::of(2);
    suspended.limits.suspended = true;
    pbx.apply(suspended).await.unwrap();
    let next = pbx.attempt(&talk(&phones[1], "*43", 1)).await.unwrap();
    assert_eq!(next.answers, [403], "{next:?}");
    let outcome = call.ended().await.unwrap();
    assert!(outcome.success && outcome.answers == [200], "{outcome:?}");
}

/// The least that a session may last (RFC 4028, section 4), so that this need not last longer.
const LEAST_SESSION: Duration = Duration::from_secs(90);

#[tokio::test]
async fn the_call_of_a_phone_that_has_vanished_ends_within_the_session() {
    let seconds = format!("ECQX_SESSION_SECONDS={}", LEAST_SESSION.as_secs());
    let pbx = Pbx::start_with(Files::of(1), &[&seconds]).await.unwrap();
    let phone = pbx.begin(&talk(&Phone::of("101"), "*43", 600)).unwrap();
    pbx.eventually("the call is up", async || Ok(pbx.status().await?.usage.active_calls == 1)).await.unwrap();
    let begun = std::time::Instant::now();
    drop(phone);
    while pbx.status().await.unwrap().usage.active_calls > 0 {
        assert!(begun.elapsed() < LEAST_SESSION + Duration::from_secs(40), "the call lasts for ever");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(5), "it was not told of its end");
}
