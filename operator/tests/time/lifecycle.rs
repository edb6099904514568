//! An instance's life, from its order to the release of its name.

use ecqx_crds::InstancePhase;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::PostParams;
use serde_json::json;

use crate::rig::{Rig, SECOND, days};

const NS: &str = "reseller-7";

#[tokio::test]
async fn a_trial_runs_from_its_start_over_its_reminders_to_its_end_and_back_by_conversion() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    let trial =
        json!({ "grants": [{ "id": "recording", "feature": "CallRecording", "quantity": 4, "term": "Trial" }] });
    rig.licenses(NS, "tried", trial).await;
    let pod = rig.running(NS, "tried", "Trial").await;
    rig.eventually("the trial has started", async || rig.status(NS, "tried").await.trial.is_some()).await;
    let status = rig.status(NS, "tried").await;
    let trial = status.trial.unwrap();
    assert_eq!(Some(&trial.started_at), status.first_ready_at.as_ref(), "its clock starts with the first readiness");
    assert_eq!(trial.ends_at.0.duration_since(trial.started_at.0), days(30));
    rig.until_limit(NS, "tried", "CallRecording", 4).await;
    let claims = rig.trial_claims().await;
    assert_eq!(claims.len(), 2, "one for the ecQX, one for the feature");
    assert!(claims.iter().all(|claim| claim.spec.ends_at.as_ref() == Some(&trial.ends_at)), "they share one clock");

    let ends_at = trial.ends_at.0;
    for (reminder, ahead) in [(1, 7), (2, 3), (3, 1)] {
        rig.jump_to(ends_at - days(ahead) - SECOND * 30).await;
        assert_eq!(rig.events(NS, "tried", "TrialReminder").await, reminder - 1, "not before its time");
        rig.jump_to(ends_at - days(ahead) + SECOND).await;
        rig.until_events(NS, "tried", "TrialReminder", reminder).await;
    }
    rig.jump_to(ends_at - SECOND * 30).await;
    assert_eq!(rig.status(NS, "tried").await.phase, Some(InstancePhase::Trial));
    assert!(rig.is_ready(NS, "tried").await);

    pod.has_calls(1);
    rig.jump_to(ends_at + SECOND).await;
    rig.until_phase(NS, "tried", InstancePhase::Ended).await;
    rig.until_events(NS, "tried", "TrialEnd", 1).await;
    assert!(!rig.is_ready(NS, "tried").await);
    assert!(rig.status(NS, "tried").await.addresses.is_empty(), "its name leaves the DNS");
    assert_eq!(rig.replicas(NS, "tried").await, Some(1), "a call in progress may finish");
    pod.has_calls(0);
    rig.until_replicas(NS, "tried", 0).await;
    pod.stop().await;

    rig.jump_to(ends_at + days(29)).await;
    assert_eq!(rig.status(NS, "tried").await.phase, Some(InstancePhase::Ended), "within the retention");
    rig.patch(NS, "tried", json!({ "term": "Paid" })).await;
    rig.until_phase(NS, "tried", InstancePhase::Paid).await;
    rig.until_replicas(NS, "tried", 1).await;
    rig.until_events(NS, "tried", "Converted", 1).await;
    assert_eq!(rig.limit(NS, "tried", "CallRecording").await, 0, "a trial that was not bought has run to its own end");
    rig.settled().await;
    assert_eq!((rig.events(NS, "tried", "TrialEnd").await, rig.events(NS, "tried", "TrialReminder").await), (1, 3));
    rig.stop().await;
}

#[tokio::test]
async fn the_drain_deadline_ends_what_no_call_does() {
    let rig = Rig::start(json!({ "lifecycle": { "suspension": { "drainDeadline": "2h" } } })).await;
    rig.namespace(NS).await;
    let pod = rig.running(NS, "talks", "Paid").await;
    pod.has_calls(2);
    rig.patch(NS, "talks", json!({ "suspended": true })).await;
    rig.until_phase(NS, "talks", InstancePhase::Suspended).await;
    let drain_until = rig.status(NS, "talks").await.out_of_service.unwrap().drain_until.0;
    rig.jump_to(drain_until - SECOND * 30).await;
    assert_eq!(rig.replicas(NS, "talks").await, Some(1));
    rig.jump_to(drain_until + SECOND).await;
    rig.until_replicas(NS, "talks", 0).await;
    rig.jump_to(drain_until - SECOND * 600).await;
    assert_eq!(rig.replicas(NS, "talks").await, Some(0), "a clock that is set back does not bring the pod back");
    rig.patch(NS, "talks", json!({ "suspended": false })).await;
    rig.until_replicas(NS, "talks", 1).await;
    rig.stop().await;
}

#[tokio::test]
async fn calls_get_their_full_time_though_the_operator_was_away_over_the_end() {
    let mut rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    let pod = rig.running(NS, "late", "Trial").await;
    rig.eventually("the trial has started", async || rig.status(NS, "late").await.trial.is_some()).await;
    let ends_at = rig.status(NS, "late").await.trial.unwrap().ends_at.0;
    pod.has_calls(1);
    rig.operator_stops();
    let back_at = ends_at + days(1);
    rig.travel_to(back_at);
    rig.operator_starts();
    rig.until_phase(NS, "late", InstancePhase::Ended).await;
    rig.settled().await;
    assert_eq!(rig.replicas(NS, "late").await, Some(1), "nobody had told the PBX to let no call in");
    let out = rig.status(NS, "late").await.out_of_service.unwrap();
    assert_eq!(out.since.0, ends_at);
    let full_time = out.drain_until.0.duration_since(back_at);
    assert!((3 * 3600..=4 * 3600 + 60).contains(&full_time.as_secs()), "{full_time}");
    rig.jump_to(out.drain_until.0 + SECOND).await;
    rig.until_replicas(NS, "late", 0).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_payment_that_fails_suspends_after_the_grace_period_and_payment_resumes() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    let _pod = rig.running(NS, "owes", "Paid").await;
    let failed_at = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    rig.patch(NS, "owes", json!({ "paymentFailedAt": failed_at })).await;
    rig.until_phase(NS, "owes", InstancePhase::Grace).await;
    rig.jump_to(failed_at + days(7) - SECOND * 30).await;
    assert!(rig.is_ready(NS, "owes").await, "in service through the grace period");
    rig.jump_to(failed_at + days(7) + SECOND).await;
    rig.until_phase(NS, "owes", InstancePhase::Suspended).await;
    let (_, message) = rig.condition(NS, "owes", "Suspended").await;
    assert!(message.contains("a payment is overdue"), "{message}");
    rig.patch(NS, "owes", json!({ "paymentFailedAt": null })).await;
    rig.until_phase(NS, "owes", InstancePhase::Paid).await;
    assert_eq!(rig.events(NS, "owes", "GraceEnd").await, 1);
    rig.stop().await;
}

#[tokio::test]
async fn data_is_deleted_where_that_is_switched_on_and_was_announced_and_the_name_is_let_go_last() {
    let rig = Rig::start(json!({ "lifecycle": { "retention": { "deleteData": true } } })).await;
    rig.namespace(NS).await;
    let pod = rig.running(NS, "leaves", "Trial").await;
    rig.eventually("the trial has started", async || rig.status(NS, "leaves").await.trial.is_some()).await;
    let volumes = rig.within::<PersistentVolumeClaim>(NS);
    volumes.create(&PostParams::default(), &volume("data-ecqx-leaves-0")).await.unwrap();
    let ends_at = rig.status(NS, "leaves").await.trial.unwrap().ends_at.0;
    rig.jump_to(ends_at + SECOND).await;
    rig.until_replicas(NS, "leaves", 0).await;
    pod.stop().await;
    let announced = rig.status(NS, "leaves").await.data_deletion_at.unwrap().0;
    assert_eq!(announced, ends_at + days(30));
    rig.jump_to(announced - SECOND * 30).await;
    assert!(volumes.get_opt("data-ecqx-leaves-0").await.unwrap().is_some());
    rig.until_events(NS, "leaves", "DeletionNotice", 1).await;
    rig.jump_to(announced + SECOND).await;
    rig.eventually("the data is gone", async || {
        let left = volumes.get_opt("data-ecqx-leaves-0").await.unwrap();
        left.is_none_or(|left| left.metadata.deletion_timestamp.is_some())
    })
    .await;
    rig.until_phase(NS, "leaves", InstancePhase::Expired).await;
    let refused = rig.try_patch(NS, "leaves", json!({ "term": "Paid" })).await.unwrap_err().to_string();
    assert!(refused.contains("order a new ecQX"), "after the retention nothing converts it: {refused}");

    let claim = rig.name_claim("leaves").await.unwrap();
    let reserved_until = claim.spec.reserved_until.unwrap().0;
    assert_eq!(reserved_until, ends_at + days(90));
    assert_eq!(rig.status(NS, "leaves").await.name_release_at.unwrap().0, reserved_until, "both say the same");
    rig.jump_to(reserved_until - SECOND * 30).await;
    assert!(rig.name_claim("leaves").await.is_some());
    rig.jump_to(reserved_until + SECOND).await;
    rig.eventually("the name is let go", async || rig.name_claim("leaves").await.is_none()).await;
    rig.settled().await;
    assert!(rig.name_claim("leaves").await.is_none(), "the instance that had it does not take it again");
    rig.namespace("reseller-8").await;
    rig.instance("reseller-8", "leaves", "Paid").await;
    rig.eventually("another has the name", async || {
        rig.condition("reseller-8", "leaves", "HostnameClaimed").await.0 == "True"
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn the_name_of_a_deleted_instance_is_reserved_and_then_anybodys() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    rig.namespace("reseller-8").await;
    rig.instance(NS, "freed", "Paid").await;
    rig.eventually("it holds its name", async || rig.name_claim("freed").await.is_some()).await;
    rig.delete_instance(NS, "freed").await;
    rig.instance("reseller-8", "freed", "Paid").await;
    rig.eventually("the name is taken", async || rig.condition("reseller-8", "freed", "Stalled").await.0 == "True")
        .await;
    let reserved = async || rig.name_claim("freed").await.and_then(|claim| claim.spec.reserved_until);
    rig.eventually("the reservation is on record", async || reserved().await.is_some()).await;
    let until = reserved().await.unwrap().0;
    rig.jump_to(until - SECOND * 30).await;
    assert_eq!(rig.condition("reseller-8", "freed", "Stalled").await.0, "True");
    rig.jump_to(until + SECOND).await;
    rig.eventually("the one that waited has it", async || {
        rig.condition("reseller-8", "freed", "HostnameClaimed").await.0 == "True"
    })
    .await;
    rig.stop().await;
}

fn volume(name: &str) -> PersistentVolumeClaim {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    }))
    .unwrap()
}
