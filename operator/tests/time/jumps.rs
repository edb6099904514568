//! A clock that is wrong by an hour or a month, and is put right.

use ecqx_crds::InstancePhase;
use serde_json::json;

use crate::rig::{Rig, SECOND, days};

const NS: &str = "reseller-7";

#[tokio::test]
async fn a_clock_that_was_wrong_brings_nothing_early_nothing_twice_and_undoes_nothing() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    let _pod = rig.running(NS, "steady", "Trial").await;
    rig.eventually("the trial has started", async || rig.status(NS, "steady").await.trial.is_some()).await;
    let trial = rig.status(NS, "steady").await.trial.unwrap();
    let (start, end) = (trial.started_at.0, trial.ends_at.0);
    // An hour back: before the trial's own start.
    rig.jump_to(start - SECOND * 3600).await;
    assert_eq!(rig.status(NS, "steady").await.phase, Some(InstancePhase::Trial));
    assert!(rig.is_ready(NS, "steady").await);
    // An hour on, and back.
    rig.jump_to(start + SECOND * 3600).await;
    rig.jump_to(start + SECOND * 60).await;
    assert_eq!(rig.events(NS, "steady", "TrialReminder").await, 0);
    assert_eq!(rig.status(NS, "steady").await.trial.unwrap(), trial, "the start is recorded once and never moves");
    // A month on: what is due by that clock happens, once, and stands when the clock is put right.
    rig.jump_to(end + SECOND).await;
    rig.until_phase(NS, "steady", InstancePhase::Ended).await;
    rig.until_events(NS, "steady", "TrialEnd", 1).await;
    rig.jump_to(start + days(1)).await;
    assert_eq!(rig.status(NS, "steady").await.phase, Some(InstancePhase::Ended));
    rig.jump_to(end + SECOND * 5).await;
    rig.come_round(NS).await;
    assert_eq!(rig.events(NS, "steady", "TrialEnd").await, 1);
    rig.stop().await;
}

#[tokio::test]
async fn what_was_granted_while_the_clock_was_ahead_counts_when_it_is_right() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    let today = jiff::Timestamp::now();
    rig.jump_to(today + days(31)).await;
    rig.instance(NS, "early", "Paid").await;
    let grants = json!([{ "id": "first", "feature": "CallRecording", "quantity": 3 }]);
    rig.licenses(NS, "early", json!({ "grants": grants })).await;
    rig.until_limit(NS, "early", "CallRecording", 3).await;
    rig.eventually("it is on record", async || !rig.licensed(NS, "early").await.grants.is_empty()).await;
    rig.jump_to(today).await;
    rig.come_round(NS).await;
    assert_eq!(rig.limit(NS, "early", "CallRecording").await, 3);
    let record = rig.licensed(NS, "early").await.grants.remove(0);
    assert!(record.counts_from.0 <= today + SECOND * 60, "a first sight lies in the past: {:?}", record.counts_from);
    rig.stop().await;
}
