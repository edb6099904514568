//! A pod whose template has changed goes at its moment, and another comes; with stand-ins for kubelet and agent.

use ecqx_crds::condition;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::json;

use crate::{NS, rig::Rig, stand_in::StandIn};

async fn in_service(name: &str) -> (Rig, StandIn, Pod) {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, name, name).await;
    let stand_in = StandIn::start(&rig.client, NS, name).await;
    rig.until(NS, name, condition::READY, "True").await;
    let pod = stand_in.ready_pod().await;
    (rig, stand_in, pod)
}

/// A change of the pod's template.
async fn more_memory(rig: &Rig, name: &str, memory: &str) {
    let resources = json!({ "cpu": "60m", "memory": memory });
    rig.patch(NS, name, json!({ "spec": { "pbx": { "resources": resources } } })).await;
}

async fn until_pending(rig: &Rig, name: &str, words: &str) {
    rig.eventually(words, async || rig.condition(NS, name, condition::ROLLOUT_PENDING).await.1.contains(words)).await;
}

async fn until_replaced(rig: &Rig, stand_in: &StandIn, before: &Pod) {
    rig.eventually("the pod is another", async || stand_in.ready_pod().await.uid() != before.uid()).await;
}

#[tokio::test]
async fn a_pod_is_replaced_when_its_calls_are_over_and_not_before() {
    let (rig, stand_in, before) = in_service("talks").await;
    stand_in.has_calls(1);
    more_memory(&rig, "talks", "300Mi").await;
    until_pending(&rig, "talks", "calls are in progress; they are drained from").await;
    assert_eq!(rig.condition(NS, "talks", condition::READY).await.0, "True", "it takes calls meanwhile");
    let since = rig.since(NS, "talks", condition::ROLLOUT_PENDING).await;
    // The operator restarts: what is waited for, and since when, is on record.
    let rig = rig.restart().await;
    more_memory(&rig, "talks", "310Mi").await;
    rig.settled().await;
    assert_eq!(rig.since(NS, "talks", condition::ROLLOUT_PENDING).await, since);
    assert_eq!(stand_in.ready_pod().await.uid(), before.uid());

    stand_in.knows_calls(false);
    until_pending(&rig, "talks", "the agent does not say whether there are calls").await;
    rig.settled().await;
    assert_eq!(
        stand_in.ready_pod().await.uid(),
        before.uid(),
        "an agent that cannot ask Asterisk has not said that there are none"
    );
    stand_in.has_calls(0);
    stand_in.knows_calls(true);
    until_replaced(&rig, &stand_in, &before).await;
    rig.until(NS, "talks", condition::ROLLOUT_PENDING, "False").await;
    rig.until(NS, "talks", condition::READY, "True").await;
    rig.settled().await;
    let deleted: Vec<_> = rig.deleted("/pods/");
    assert_eq!(deleted.len(), 1, "one pod went, once: {deleted:?}");
    let before = rig.before_deletion_of("/pods/");
    assert!(before.contains("ecqxinstances/talks/status"), "it leaves the DNS first, and then: {before}");
    rig.stop().await;
}

#[tokio::test]
async fn a_pod_that_waits_stays_in_service_while_another_change_is_refused() {
    let (rig, stand_in, before) = in_service("mixed").await;
    rig.forbid_images().await;
    stand_in.has_calls(1);
    more_memory(&rig, "mixed", "300Mi").await;
    until_pending(&rig, "mixed", "calls are in progress").await;
    rig.patch(NS, "mixed", json!({ "spec": { "pbx": { "image": "forbidden/pbx" } } })).await;
    rig.until(NS, "mixed", condition::STALLED, "True").await;
    stand_in.has_calls(0);
    until_pending(&rig, "mixed", "the API server refuses a part of what is wanted").await;
    assert_eq!(rig.condition(NS, "mixed", condition::READY).await.0, "True");
    assert!(!rig.get(NS, "mixed").await.status.unwrap().addresses.is_empty(), "its name leads to it");
    assert_eq!(stand_in.ready_pod().await.uid(), before.uid());
    rig.patch(NS, "mixed", json!({ "spec": { "pbx": { "image": null } } })).await;
    until_replaced(&rig, &stand_in, &before).await;
    rig.until(NS, "mixed", condition::STALLED, "False").await;
    rig.stop().await;
}

#[tokio::test]
async fn with_a_window_a_pod_is_replaced_within_it_and_a_broken_one_at_once() {
    let (rig, stand_in, before) = in_service("waits").await;
    // A window that opens the day after tomorrow.
    let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().saturating_add(jiff::Span::new().days(2));
    let closed = json!({ "days": [day.strftime("%A").to_string()], "start": "02:00", "duration": "1h" });
    rig.patch(NS, "waits", json!({ "spec": { "maintenanceWindow": closed } })).await;
    more_memory(&rig, "waits", "300Mi").await;
    until_pending(&rig, "waits", &format!("the maintenance window opens at {day}T02:00:00Z")).await;
    rig.settled().await;
    assert_eq!(stand_in.ready_pod().await.uid(), before.uid());

    stand_in.breaks("CrashLoopBackOff").await;
    until_replaced(&rig, &stand_in, &before).await;

    let second = stand_in.ready_pod().await;
    more_memory(&rig, "waits", "310Mi").await;
    until_pending(&rig, "waits", "the maintenance window opens").await;
    let open = json!({ "days": null, "start": "00:00", "duration": "24h" });
    rig.patch(NS, "waits", json!({ "spec": { "maintenanceWindow": open } })).await;
    until_replaced(&rig, &stand_in, &second).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_change_of_limits_or_lists_replaces_no_pod() {
    let (rig, stand_in, before) = in_service("grows").await;
    rig.licenses(NS, "grows", 7).await;
    let groups = json!([{ "number": "600", "members": ["101"] }]);
    rig.patch(NS, "grows", json!({ "spec": { "pbx": { "ringGroups": groups } } })).await;
    rig.until(NS, "grows", condition::LICENSES_APPLIED, "True").await;
    rig.settled().await;
    assert_eq!(stand_in.ready_pod().await.uid(), before.uid());
    assert_eq!(rig.condition(NS, "grows", condition::ROLLOUT_PENDING).await.0, "False");
    rig.stop().await;
}

#[tokio::test]
async fn no_more_pods_than_may_be_are_replaced_at_one_time() {
    let rig = Rig::start_with(&json!({ "pbx": { "rolloutsAtOnce": 1 } })).await;
    rig.namespace(NS).await;
    rig.instance(NS, "first", "first").await;
    let first = StandIn::start(&rig.client, NS, "first").await;
    rig.until(NS, "first", condition::READY, "True").await;
    let before = first.ready_pod().await;
    // Another that starts, and does not come up.
    rig.instance(NS, "second", "second").await;
    let second = StandIn::start(&rig.client, NS, "second").await;
    rig.until(NS, "second", condition::READY, "True").await;
    second.breaks("ContainerCreating").await;
    rig.until(NS, "second", condition::READY, "False").await;

    more_memory(&rig, "first", "300Mi").await;
    until_pending(&rig, "first", "as many others as may be at one time are being replaced").await;
    assert_eq!(first.ready_pod().await.uid(), before.uid());
    second.comes_up().await;
    until_replaced(&rig, &first, &before).await;
    rig.stop().await;
}
