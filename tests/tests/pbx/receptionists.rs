//! Receptionists' seats: who may watch the others (dialog-info, RFC 4235).

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Outcome, Pbx, Phone};

use super::{extensions::talk, races};

#[tokio::test]
async fn of_seven_who_subscribe_at_once_two_may_and_five_get_403_each_time() {
    let pbx = Pbx::start(Files::of(7).licensed(|limits| limits.eqall_receptionist = 2)).await.unwrap();
    for race in 1..=races() {
        let outcome = pbx.attempt(&Attempt::new("subscribe", &Phone::first(7)).key("watched", "107")).await.unwrap();
        assert_eq!((outcome.count(200), outcome.count(403)), (2, 5), "race {race}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_stranger_has_nothing_to_watch() {
    let pbx = Pbx::start(Files::of(2).licensed(|limits| limits.eqall_receptionist = 2)).await.unwrap();
    let outcome = pbx.attempt(&Attempt::new("subscribe", &[Phone::of("999")]).key("watched", "102")).await.unwrap();
    assert_eq!(outcome.count(403), 1, "{outcome:?}");
    are_watching(&pbx, &[]).await;
}

#[tokio::test]
async fn a_receptionist_sees_a_call_begin_and_end() {
    let pbx = Pbx::start(Files::of(3).licensed(|limits| limits.eqall_receptionist = 1)).await.unwrap();
    let phones = Phone::first(3);
    pbx.register(&phones[1..2]).await.unwrap();
    let watch = pbx.begin(&Attempt::new("watch", &phones[..1]).key("watched", "102")).unwrap();
    are_watching(&pbx, &["101"]).await;
    let call = pbx.attempt(&talk(&phones[1], "*43", 1)).await.unwrap();
    assert!(call.success, "{call:?}");
    let outcome = tokio::time::timeout(Duration::from_secs(20), watch.ended()).await.unwrap().unwrap();
    assert_eq!(told(&outcome, "state"), ["terminated", "confirmed", "terminated"], "{outcome:?}");
}

#[tokio::test]
async fn what_a_seat_watches_ends_when_the_seat_is_moved_and_goes_on_for_who_keeps_his() {
    let with = |seats: [&str; 2]| {
        let files = Files::of(4).licensed(|limits| limits.eqall_receptionist = 2);
        seats.into_iter().fold(files, |files, seat| files.with(seat, |extension| extension.receptionist = true))
    };
    let mut pbx = Pbx::start(with(["101", "102"])).await.unwrap();
    let phones = Phone::first(4);
    pbx.register(&phones[3..]).await.unwrap();
    let watching = |scenario, phone| pbx.begin(&Attempt::new(scenario, &[phone]).key("watched", "104")).unwrap();
    let keeps = watching("watch", phones[0].clone());
    let loses = watching("watch_to_the_end", phones[1].clone());
    are_watching(&pbx, &["101", "102"]).await;
    pbx.apply(with(["101", "103"])).await.unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(20), loses.ended()).await.unwrap().unwrap();
    assert_eq!(told(&outcome, "subscription"), ["active", "terminated"], "{outcome:?}");
    are_watching(&pbx, &["101"]).await;
    for (phone, answer) in [(&phones[1], 403), (&phones[2], 200)] {
        let attempt = Attempt::new("subscribe", std::slice::from_ref(phone)).key("watched", "104");
        let outcome = pbx.attempt(&attempt).await.unwrap();
        assert_eq!(outcome.count(answer), 1, "{phone:?}: {outcome:?}");
    }
    let call = pbx.attempt(&talk(&phones[3], "*43", 1)).await.unwrap();
    assert!(call.success, "{call:?}");
    let outcome = tokio::time::timeout(Duration::from_secs(20), keeps.ended()).await.unwrap().unwrap();
    assert_eq!(told(&outcome, "state"), ["terminated", "confirmed", "terminated"], "{outcome:?}");
}

/// Waits until these extensions, and no others, have a subscription.
async fn are_watching(pbx: &Pbx, extensions: &[&str]) {
    pbx.eventually(&format!("{extensions:?} are watching"), async || {
        let all = pbx.asterisk("pjsip show subscriptions inbound").await?;
        // `Endpoint: 101/CALLER`, under a first line that explains it.
        let endpoint =
            |line: &'_ str| line.strip_prefix("Endpoint: ")?.split_once('/').map(|(name, _)| name.to_owned());
        let mut watching: Vec<String> =
            all.lines().filter_map(endpoint).filter(|name| !name.starts_with('<')).collect();
        watching.sort_unstable();
        Ok(watching == extensions)
    })
    .await
    .unwrap();
}

/// The words after this one in what the phone wrote down.
fn told<'a>(outcome: &'a Outcome, word: &str) -> Vec<&'a str> {
    outcome.log.lines().filter_map(|line| line.trim().strip_prefix(word)?.split_whitespace().next()).collect()
}
