//! The DNS is told ahead of a change of an instance's records, once, so that resolvers keep them for a shorter time.

use ecqx_crds::InstancePhase;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::rig::{Rig, SECOND};

const NS: &str = "reseller-7";
/// The usual TTL and the margin, as they are unless somebody sets them.
const AHEAD: SignedDuration = SignedDuration::from_secs(120);

async fn told(rig: &Rig, name: &str) -> Option<Timestamp> {
    rig.status(NS, name).await.records_change_at.map(|at| at.0)
}

fn status_writes(rig: &Rig, name: &str) -> usize {
    let path = format!("/ecqxinstances/{name}/status");
    rig.writes().iter().filter(|write| write.contains(&path)).count()
}

#[tokio::test]
async fn the_end_of_a_trial_is_told_ahead_in_one_write_and_goes_with_the_name() {
    let rig = Rig::start(json!({ "lifecycle": { "trial": { "reminders": [] } } })).await;
    rig.namespace(NS).await;
    let _pod = rig.running(NS, "tried", "Trial").await;
    rig.eventually("the trial has started", async || rig.status(NS, "tried").await.trial.is_some()).await;
    let ends_at = rig.status(NS, "tried").await.trial.unwrap().ends_at.0;
    rig.jump_to(ends_at - AHEAD - SECOND * 60).await;
    assert_eq!(told(&rig, "tried").await, None, "not before its time");
    let before = status_writes(&rig, "tried");
    rig.jump_to(ends_at - AHEAD + SECOND).await;
    rig.eventually("it is told", async || told(&rig, "tried").await == Some(ends_at)).await;
    rig.jump_to(ends_at - SECOND * 30).await;
    assert_eq!(status_writes(&rig, "tried"), before + 1, "and then there is rest");
    assert!(!rig.status(NS, "tried").await.addresses.is_empty());
    rig.jump_to(ends_at + SECOND).await;
    rig.until_phase(NS, "tried", InstancePhase::Ended).await;
    let status = rig.status(NS, "tried").await;
    assert_eq!((status.addresses.len(), status.records_change_at), (0, None), "one write takes both");
    rig.stop().await;
}

#[tokio::test]
async fn the_operator_looks_by_itself_when_a_planned_move_comes_near_and_when_its_hour_is_over() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    let _pod = rig.running(NS, "moves", "Paid").await;
    let move_at = Timestamp::from_second(Timestamp::now().as_second()).unwrap() + AHEAD + SECOND * 25;
    rig.patch(NS, "moves", json!({ "plannedMoveAt": move_at })).await;
    rig.settled().await;
    assert_eq!(told(&rig, "moves").await, None, "not before its time");
    // Its clock is not set: it comes back by its own timer.
    rig.eventually("it is told", async || told(&rig, "moves").await == Some(move_at)).await;
    rig.jump_to(move_at + SECOND * 3590).await;
    assert_eq!(told(&rig, "moves").await, Some(move_at), "whoever moves it may be late");
    rig.eventually("its hour is over", async || told(&rig, "moves").await.is_none()).await;
    rig.stop().await;
}
