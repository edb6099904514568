//! Data is deleted where that is switched on, once, and never that of an instance that is in service again.

use ecqx_crds::{EcqxInstance, FqdnClaim, TrialClaim, condition};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    NS,
    fault::{Fault, Kind},
    rig::Rig,
};

/// Data is kept for so long after the end, and deleted then.
fn deleting(kept: &str) -> Value {
    json!({ "lifecycle": { "retention": { "data": kept, "deletionNotice": "0s", "deleteData": true } } })
}

/// An instance with a volume, whose trial ends now: its claim is told so, as if an operator had.
async fn ended(rig: &Rig, name: &str, company: &str) {
    on_trial(rig, name, company).await;
    let claims = rig.all::<TrialClaim>();
    let claimed =
        async || claims.list(&ListParams::default()).await.unwrap().items.iter().any(|c| c.spec.holder.name == name);
    rig.eventually("the trial is claimed", claimed).await;
    end(rig, name).await;
}

async fn on_trial(rig: &Rig, name: &str, company: &str) {
    let mut instance = EcqxInstance::new(name, ecqx_crds::EcqxInstanceSpec::of(name));
    instance.spec.term = ecqx_crds::InstanceTerm::Trial;
    instance.spec.company = Some(company.to_owned());
    rig.within::<EcqxInstance>(NS).create(&PostParams::default(), &instance).await.unwrap();
}

async fn volume(rig: &Rig, name: &str) {
    let volume: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": { "name": format!("data-ecqx-{name}-0") },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    }))
    .unwrap();
    rig.within::<PersistentVolumeClaim>(NS).create(&PostParams::default(), &volume).await.unwrap();
}

async fn has_data(rig: &Rig, name: &str) -> bool {
    let volumes: Api<PersistentVolumeClaim> = rig.within(NS);
    let found = volumes.get_opt(&format!("data-ecqx-{name}-0")).await.unwrap();
    found.is_some_and(|found| found.metadata.deletion_timestamp.is_none())
}

async fn deleted_at(rig: &Rig, name: &str) -> Option<Timestamp> {
    rig.get(NS, name).await.status.and_then(|status| status.data_deleted_at).map(|at| at.0)
}

/// How often the API server took a deletion of a volume.
fn deletions(rig: &Rig, name: &str) -> usize {
    let of = |write: &&String| write.starts_with("\"delete\"") && write.contains(&format!("data-ecqx-{name}-0"));
    rig.written().iter().filter(of).filter(|write| write.ends_with(" 200")).count()
}

/// Trials are a company's here, so that several can be.
fn by_company(mut settings: Value) -> Value {
    settings["lifecycle"]["trial"] = json!({ "scope": "Company" });
    settings
}

#[tokio::test]
async fn where_deletion_is_not_switched_on_the_data_stays_after_the_retention() {
    let rig = Rig::start_with(&json!({ "lifecycle": { "retention": { "data": "1s" } } })).await;
    rig.namespace(NS).await;
    ended(&rig, "kept", "A").await;
    rig.eventually("its time is over", async || phase(&rig, "kept").await.as_deref() == Some("Expired")).await;
    rig.settled().await;
    assert!(has_data(&rig, "kept").await);
    let status = rig.get(NS, "kept").await.status.unwrap();
    assert_eq!((status.data_deletion_at, status.data_deleted_at), (None, None), "no deletion is shown either");
    rig.stop().await;
}

#[tokio::test]
async fn killed_at_any_write_around_the_deletion_the_data_is_deleted_once() {
    let mut rig = Rig::start_with(&by_company(deleting("1s"))).await;
    rig.namespace(NS).await;
    for (n, kind) in
        (1..=4).flat_map(|n| [(n, Kind::DiesBefore(n)), (n, Kind::DiesAfter(n)), (n, Kind::LosesAnswer(n))])
    {
        let name = format!("{}-{n}", if matches!(kind, Kind::DiesBefore(_)) { "before" } else { "after" });
        let name = if matches!(kind, Kind::LosesAnswer(_)) { format!("lost-{n}") } else { name };
        on_trial(&rig, &name, &name).await;
        rig.until(NS, &name, condition::HOSTNAME_CLAIMED, "True").await;
        rig.settled().await;
        let fault = Fault::new(kind);
        rig.replace(Some(fault.clone())).await;
        end(&rig, &name).await;
        rig.eventually("the fault strikes", async || fault.struck()).await;
        rig.settled().await;
        rig.replace(None).await;
        rig.eventually("the deletion is on record", async || deleted_at(&rig, &name).await.is_some()).await;
        rig.settled().await;
        assert!(!has_data(&rig, &name).await, "{kind:?}");
        assert_eq!(deletions(&rig, &name), 1, "{kind:?}: {:#?}", rig.written());
    }
    rig.stop().await;
}

/// One that runs ends, with a volume.
async fn end(rig: &Rig, name: &str) {
    volume(rig, name).await;
    let claims = rig.all::<TrialClaim>();
    let all = claims.list(&ListParams::default()).await.unwrap().items;
    let claim = all.into_iter().find(|claim| claim.spec.holder.name == name).unwrap();
    let ends_at = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let spec = json!({ "startedAt": ends_at - SignedDuration::from_hours(24), "endsAt": ends_at });
    let patch = Patch::Merge(json!({ "spec": spec }));
    claims.patch(&claim.name_any(), &PatchParams::default(), &patch).await.unwrap();
}

async fn phase(rig: &Rig, name: &str) -> Option<String> {
    let phase = rig.get(NS, name).await.status.and_then(|status| status.phase);
    phase.map(|phase| format!("{phase:?}"))
}

#[tokio::test]
async fn one_that_was_converted_unseen_a_moment_before_keeps_its_data() {
    let mut rig = Rig::start_with(&by_company(deleting("20s"))).await;
    rig.namespace(NS).await;
    ended(&rig, "converted", "A").await;
    ended(&rig, "witness", "B").await;
    for name in ["converted", "witness"] {
        let announced = async || rig.get(NS, name).await.status.is_some_and(|status| status.data_deletion_at.is_some());
        rig.eventually("the deletion is announced", announced).await;
    }
    rig.settled().await;
    let listed = rig.lists("ecqxinstances");
    // From now on the operator does not see what happens to instances.
    rig.replace(Some(Fault::new(Kind::Blind("ecqxinstances")))).await;
    rig.eventually("it has looked", async || rig.lists("ecqxinstances") > listed).await;
    rig.patch(NS, "converted", json!({ "spec": { "term": "Paid" } })).await;
    rig.eventually("the other's data is deleted", async || !has_data(&rig, "witness").await).await;
    rig.settled().await;
    assert!(has_data(&rig, "converted").await, "{:#?}", rig.writes_since_restart());
    rig.replace(None).await;
    rig.eventually("it is in service", async || phase(&rig, "converted").await.as_deref() == Some("Paid")).await;
    rig.settled().await;
    assert!(has_data(&rig, "converted").await);
    assert_eq!(deleted_at(&rig, "converted").await, None, "nor is it said to be deleted");
    rig.stop().await;
}

#[tokio::test]
async fn the_volume_of_a_later_instance_of_the_same_name_is_not_deleted_with_the_first_ones() {
    let rig = Rig::start_with(&deleting("4s")).await;
    rig.namespace(NS).await;
    rig.instance(NS, "office", "first").await;
    rig.instance(NS, "alone", "alone").await;
    for name in ["office", "alone"] {
        rig.until(NS, name, condition::HOSTNAME_CLAIMED, "True").await;
        volume(&rig, name).await;
        rig.delete_instance(NS, name).await;
    }
    rig.instance(NS, "office", "second").await;
    rig.eventually("the data of one without a successor is deleted", async || !has_data(&rig, "alone").await).await;
    let claim: FqdnClaim = rig.all().get("first.epygicloud.com").await.unwrap();
    let due = claim.spec.data_deletion_at.unwrap().0;
    rig.eventually("the first one's date has passed", async || Timestamp::now() > due).await;
    rig.settled().await;
    assert!(has_data(&rig, "office").await, "it is the second one's now");
    rig.delete_instance(NS, "office").await;
    rig.eventually("the second one's date has come too", async || !has_data(&rig, "office").await).await;
    assert_eq!(deletions(&rig, "office"), 1);
    rig.stop().await;
}
