//! The operator against a real API server: what it makes, what it refuses, and that it writes nothing at rest.
//!
//! No kubelet runs here, so pods are marked ready by the test; the end-to-end suite does it with real ones.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

mod deletion;
mod external_dns;
mod faults;
mod names;
mod outages;
mod provider;
mod reach;
mod refusals;
mod rig;
mod rollouts;
mod sizes;
mod stand_in;

use ecqx_crds::{FqdnClaim, condition};
use ecqx_tests::fault;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use pbx_contract::{Document as _, LimitsFile};
use rig::Rig;
use serde_json::json;

const NS: &str = "reseller-7";

#[tokio::test]
async fn an_instance_gets_its_claim_and_its_children_with_itself_as_owner() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "syunikwin", 10).await;
    let instance = rig.instance(NS, "syunikwin", "syunikwin").await;
    rig.until(NS, "syunikwin", condition::HOSTNAME_CLAIMED, "True").await;

    let claim = rig.all::<FqdnClaim>().get("syunikwin.epygicloud.com").await.unwrap();
    assert_eq!(Some(claim.spec.holder.uid), instance.uid());
    let owned = |meta: &kube::api::ObjectMeta| {
        let owner = &meta.owner_references.as_ref().unwrap()[0];
        assert_eq!((Some(owner.uid.clone()), owner.controller), (instance.uid(), Some(true)));
    };
    let config_map = rig.within::<ConfigMap>(NS).get("ecqx-syunikwin-limits").await.unwrap();
    owned(&config_map.metadata);
    let limits = LimitsFile::parse(&config_map.data.unwrap()["limits.json"]).unwrap();
    assert_eq!(limits.limits.ip_phone_extension, 15);
    let secret = rig.within::<Secret>(NS).get("ecqx-syunikwin-sip").await.unwrap();
    owned(&secret.metadata);
    let keys = secret.data.unwrap();
    let passwords = keys.keys().filter(|key| key.bytes().all(|byte| byte.is_ascii_digit())).count();
    assert_eq!((passwords, keys.len()), (15, 33), "a PIN each, two of room 800, and the agent's token");
    owned(&rig.within::<Service>(NS).get("ecqx-syunikwin").await.unwrap().metadata);
    owned(&rig.within::<NetworkPolicy>(NS).get("ecqx-syunikwin").await.unwrap().metadata);
    owned(&rig.within::<PodDisruptionBudget>(NS).get("ecqx-syunikwin").await.unwrap().metadata);
    owned(&rig.within::<StatefulSet>(NS).get("ecqx-syunikwin").await.unwrap().metadata);

    let status = rig.get(NS, "syunikwin").await.status.unwrap();
    assert_eq!(status.fqdn.as_deref(), Some("syunikwin.epygicloud.com"));
    assert!(status.unique_id.unwrap().starts_with("ECQX-"));
    assert_eq!(status.observed_generation, Some(1));
    assert_eq!(rig.condition(NS, "syunikwin", condition::READY).await.0, "Unknown");
    rig.stop().await;
}

#[tokio::test]
async fn of_two_instances_that_want_one_name_one_gets_it_and_the_other_says_so() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.namespace("reseller-8").await;
    rig.instance(NS, "first", "wanted").await;
    rig.until(NS, "first", condition::HOSTNAME_CLAIMED, "True").await;
    rig.instance("reseller-8", "second", "wanted").await;
    rig.until("reseller-8", "second", condition::STALLED, "True").await;
    let (status, message) = rig.condition("reseller-8", "second", condition::HOSTNAME_CLAIMED).await;
    assert_eq!(status, "False");
    assert!(message.contains("wanted.epygicloud.com is held by another instance"), "{message}");
    assert!(!message.contains("reseller-7"), "a tenant must not learn who holds a name: {message}");
    assert!(rig.within::<StatefulSet>("reseller-8").list(&ListParams::default()).await.unwrap().items.is_empty());
    rig.stop().await;
}

#[tokio::test]
async fn a_reserved_name_is_refused_with_the_field() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, "web", "www").await;
    rig.until(NS, "web", condition::STALLED, "True").await;
    let (_, message) = rig.condition(NS, "web", condition::READY).await;
    assert!(message.contains("spec.hostname: host name www is reserved"), "{message}");
    rig.stop().await;
}

#[tokio::test]
async fn a_name_outlives_its_instance_and_goes_back_only_to_its_reseller() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.namespace("reseller-8").await;
    rig.instance(NS, "one", "kept").await;
    rig.until(NS, "one", condition::HOSTNAME_CLAIMED, "True").await;
    rig.delete_instance(NS, "one").await;
    rig.instance("reseller-8", "thief", "kept").await;
    rig.until("reseller-8", "thief", condition::STALLED, "True").await;
    let again = rig.instance(NS, "two", "kept").await;
    rig.until(NS, "two", condition::HOSTNAME_CLAIMED, "True").await;
    let claim = rig.all::<FqdnClaim>().get("kept.epygicloud.com").await.unwrap();
    assert_eq!(Some(claim.spec.holder.uid), again.uid());
    rig.stop().await;
}

#[tokio::test]
async fn a_deleted_instance_takes_its_children_with_it_and_leaves_its_claim() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, "gone", "gone").await;
    rig.until(NS, "gone", condition::HOSTNAME_CLAIMED, "True").await;
    rig.delete_instance(NS, "gone").await;
    rig.eventually("the children go", async || {
        let left = rig.within::<ConfigMap>(NS).get_opt("ecqx-gone-limits").await.unwrap().is_some()
            || rig.within::<Secret>(NS).get_opt("ecqx-gone-sip").await.unwrap().is_some()
            || rig.within::<StatefulSet>(NS).get_opt("ecqx-gone").await.unwrap().is_some();
        !left
    })
    .await;
    assert!(rig.all::<FqdnClaim>().get_opt("gone.epygicloud.com").await.unwrap().is_some());
    rig.stop().await;
}

#[tokio::test]
async fn more_licences_change_the_limits_and_neither_the_pod_template_nor_a_password() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "grows", 1).await;
    rig.instance(NS, "grows", "grows").await;
    rig.until(NS, "grows", condition::HOSTNAME_CLAIMED, "True").await;
    let before = rig.within::<StatefulSet>(NS).get("ecqx-grows").await.unwrap();
    let passwords = rig.within::<Secret>(NS).get("ecqx-grows-sip").await.unwrap().data.unwrap();
    rig.licenses(NS, "grows", 3).await;
    rig.eventually("eight extensions", async || {
        rig.get(NS, "grows").await.status.is_some_and(|status| status.limits.get("IpPhoneExtension") == Some(&8))
    })
    .await;
    let after = rig.within::<StatefulSet>(NS).get("ecqx-grows").await.unwrap();
    assert_eq!(before.metadata.generation, after.metadata.generation);
    let grown = rig.within::<Secret>(NS).get("ecqx-grows-sip").await.unwrap().data.unwrap();
    assert_eq!(grown.len(), 19, "8 extensions with a PIN each, two PINs of room 800, and the token of the agent");
    assert!(passwords.iter().all(|(number, password)| grown[number] == *password));
    rig.stop().await;
}

#[tokio::test]
async fn a_quantity_over_the_maximum_is_held_back_and_named() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "big", 3000).await;
    rig.instance(NS, "big", "big").await;
    rig.until(NS, "big", condition::LIMITS_HELD_BACK, "True").await;
    let (_, message) = rig.condition(NS, "big", condition::LIMITS_HELD_BACK).await;
    assert_eq!(message, "IpPhoneExtension: the sum of 3005 is over the maximum of 3000; 5 held back");
    assert_eq!(rig.get(NS, "big").await.status.unwrap().limits["IpPhoneExtension"], 3000);
    rig.eventually("the licence set says the same", async || rig.held_back(NS, "big").await.as_ref() == Some(&message))
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_child_that_was_edited_or_deleted_is_made_right_again() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, "mended", "mended").await;
    rig.until(NS, "mended", condition::HOSTNAME_CLAIMED, "True").await;
    let services = rig.within::<Service>(NS);
    services.delete("ecqx-mended", &DeleteParams::default()).await.unwrap();
    rig.eventually("the Service is back", async || services.get_opt("ecqx-mended").await.unwrap().is_some()).await;
    let sets = rig.within::<StatefulSet>(NS);
    let edit = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    sets.patch("ecqx-mended", &PatchParams::default(), &edit).await.unwrap();
    rig.eventually("one replica again", async || {
        sets.get("ecqx-mended").await.unwrap().spec.unwrap().replicas == Some(1)
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn a_suspended_instance_has_no_replica_and_a_paused_one_is_left_alone() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, "rests", "rests").await;
    rig.until(NS, "rests", condition::HOSTNAME_CLAIMED, "True").await;
    rig.patch(NS, "rests", json!({ "spec": { "suspended": true } })).await;
    rig.until(NS, "rests", condition::SUSPENDED, "True").await;
    let sets = rig.within::<StatefulSet>(NS);
    assert_eq!(sets.get("ecqx-rests").await.unwrap().spec.unwrap().replicas, Some(0));

    rig.patch(NS, "rests", json!({ "spec": { "suspended": false, "paused": true } })).await;
    rig.instance(NS, "marker", "marker").await;
    rig.until(NS, "marker", condition::HOSTNAME_CLAIMED, "True").await;
    assert_eq!(sets.get("ecqx-rests").await.unwrap().spec.unwrap().replicas, Some(0));
    rig.stop().await;
}

#[tokio::test]
async fn a_second_operator_over_settled_instances_writes_nothing() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    for n in 0..5 {
        rig.licenses(NS, &format!("calm-{n}"), 2).await;
        rig.instance(NS, &format!("calm-{n}"), &format!("calm-{n}")).await;
    }
    for n in 0..5 {
        rig.until(NS, &format!("calm-{n}"), condition::HOSTNAME_CLAIMED, "True").await;
    }
    // Amounts that the API server stores in another spelling.
    let resources = json!({ "spec": { "pbx": { "resources": { "cpu": "1000m", "memory": "1024Mi" } } } });
    rig.patch(NS, "calm-0", resources).await;
    rig.settled().await;
    let before = rig.writes();
    assert!(before > 0, "the audit log shows the operator's writes");
    let rig = rig.restart().await;
    // The restarted operator has come round when it has taken up something new.
    rig.instance(NS, "marker", "marker").await;
    rig.until(NS, "marker", condition::HOSTNAME_CLAIMED, "True").await;
    rig.settled().await;
    assert_eq!(rig.writes_about("calm-"), 0, "{:#?}", rig.writes_since_restart());
    rig.stop().await;
}

#[tokio::test]
async fn a_licence_set_without_an_instance_says_what_to_do() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "lonely", 1).await;
    rig.eventually("the licence set says so", async || {
        let set = rig.within::<ecqx_crds::LicenseSet>(NS).get("lonely").await.unwrap();
        let conditions = set.status.map(|status| status.conditions).unwrap_or_default();
        conditions.iter().any(|c| c.type_ == condition::BOUND && c.message.contains("no EcqxInstance of this name"))
    })
    .await;
    rig.stop().await;
}
