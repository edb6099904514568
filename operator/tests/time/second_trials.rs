//! A trial is given once, however the second is asked for.

use ecqx_crds::{EcqxInstance, GrantState, LicenseSet};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::rig::Rig;

const NS: &str = "reseller-7";

fn trial_of_recording(id: &str) -> Value {
    json!({ "grants": [{ "id": id, "feature": "CallRecording", "quantity": 4, "term": "Trial" }] })
}

async fn until_refused(rig: &Rig, name: &str) {
    let refused = async || rig.condition(NS, name, "TrialEligible").await.0 == "False";
    rig.eventually("a second trial is refused", refused).await;
    assert_eq!(rig.replicas(NS, name).await, None, "no pod");
    assert!(rig.name_claim(name).await.is_none(), "and no name");
}

/// A trial that has started, with its feature's.
async fn tried(rig: &Rig) -> crate::kubelet::StandIn {
    rig.namespace(NS).await;
    rig.licenses(NS, "first", trial_of_recording("recording")).await;
    let pod = rig.running(NS, "first", "Trial").await;
    rig.eventually("both trials have started", async || {
        let claims = rig.trial_claims().await;
        claims.len() == 2 && claims.iter().all(|claim| claim.spec.started_at.is_some())
    })
    .await;
    rig.eventually("the status says so", async || rig.status(NS, "first").await.trial.is_some()).await;
    pod
}

#[tokio::test]
async fn for_another_instance_and_for_one_made_anew_after_its_namespace_was_deleted() {
    let rig = Rig::start(json!({})).await;
    let pod = tried(&rig).await;
    rig.instance(NS, "second", "Trial").await;
    until_refused(&rig, "second").await;
    pod.stop().await;
    rig.all::<Namespace>().delete(NS, &DeleteParams::default()).await.unwrap();
    let gone = async || rig.all::<Namespace>().get_opt(NS).await.unwrap().is_none();
    rig.eventually("the namespace is gone", gone).await;
    rig.namespace(NS).await;
    rig.instance(NS, "third", "Trial").await;
    until_refused(&rig, "third").await;
    assert_eq!(rig.trial_claims().await.len(), 2, "the claims outlive all of it");
    rig.stop().await;
}

#[tokio::test]
async fn for_one_whose_status_was_deleted() {
    let rig = Rig::start(json!({})).await;
    let _pod = tried(&rig).await;
    let before = rig.status(NS, "first").await.trial;
    let wipe = json!({ "status": null });
    let params = PatchParams::default();
    rig.within::<EcqxInstance>(NS).patch_status("first", &params, &Patch::Merge(&wipe)).await.unwrap();
    rig.within::<LicenseSet>(NS).patch_status("first", &params, &Patch::Merge(&wipe)).await.unwrap();
    rig.eventually("the trial is remembered", async || rig.status(NS, "first").await.trial == before).await;
    rig.until_limit(NS, "first", "CallRecording", 4).await;
    let until = rig.licensed(NS, "first").await.grants.remove(0).until;
    assert_eq!(until, before.map(|trial| trial.ends_at));
    rig.stop().await;
}

#[tokio::test]
async fn for_a_feature_however_it_is_written() {
    let rig = Rig::start(json!({})).await;
    let _pod = tried(&rig).await;
    // On another instance, as from Git.
    rig.instance(NS, "bought", "Paid").await;
    rig.licenses(NS, "bought", trial_of_recording("again")).await;
    let state = async |name: &str, id: &str| {
        let grants = rig.licensed(NS, name).await.grants;
        grants.into_iter().find(|record| record.id == id).map(|record| record.state)
    };
    rig.eventually("it is refused", async || state("bought", "again").await == Some(GrantState::Refused)).await;
    assert_eq!(rig.limit(NS, "bought", "CallRecording").await, 0);
    // Once more on the same instance, beside the first and in its place.
    let twice = json!({ "grants": [
        { "id": "recording", "feature": "CallRecording", "quantity": 4, "term": "Trial" },
        { "id": "more", "feature": "CallRecording", "quantity": 40, "term": "Trial" },
    ] });
    rig.licenses(NS, "first", twice).await;
    rig.eventually("it is refused", async || state("first", "more").await == Some(GrantState::Refused)).await;
    assert_eq!(rig.limit(NS, "first", "CallRecording").await, 4);
    let conditions = rig.licensed(NS, "first").await.conditions;
    let told = conditions.iter().find(|c| c.type_ == "TrialEligible").unwrap();
    assert!(told.status == "False" && told.message.contains("CallRecording"), "{}", told.message);
    rig.stop().await;
}

#[tokio::test]
async fn but_one_that_never_started_is_given_back() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    rig.instance(NS, "never", "Trial").await;
    rig.eventually("it is claimed", async || rig.trial_claims().await.len() == 1).await;
    rig.instance(NS, "waits", "Trial").await;
    until_refused(&rig, "waits").await;
    rig.delete_instance(NS, "never").await;
    let eligible = async || rig.condition(NS, "waits", "TrialEligible").await.0 == "True";
    rig.eventually("the one that waited has it", eligible).await;
    let holder = rig.trial_claims().await.remove(0).spec.holder;
    assert_eq!(Some(holder.uid), rig.uid(NS, "waits").await);
    rig.stop().await;
}
