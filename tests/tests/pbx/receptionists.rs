//! Receptionists' seats: who may watch the others (dialog-info, RFC 4235).

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};

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
async fn a_receptionist_sees_a_call_begin_and_end() {
    let pbx = Pbx::start(Files::of(3).licensed(|limits| limits.eqall_receptionist = 1)).await.unwrap();
    let phones = Phone::first(3);
    pbx.register(&phones[1..2]).await.unwrap();
    let watch = pbx.begin(&Attempt::new("watch", &phones[..1]).key("watched", "102")).unwrap();
    pbx.eventually("the subscription is there", async || {
        Ok(pbx.asterisk("pjsip show subscriptions inbound").await?.contains("102"))
    })
    .await
    .unwrap();
    let call = pbx.attempt(&talk(&phones[1], "*43", 1)).await.unwrap();
    assert!(call.success, "{call:?}");
    let outcome = tokio::time::timeout(Duration::from_secs(20), watch.ended()).await.unwrap().unwrap();
    let states: Vec<&str> = outcome.log.lines().filter_map(|line| line.trim().strip_prefix("state ")).collect();
    assert_eq!(states, ["terminated", "confirmed", "terminated"], "{outcome:?}");
}
