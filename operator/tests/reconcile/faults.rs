//! The operator dies, or loses an answer, at each of its writes; it sees too late what happened. The end is the same.

use std::{fmt::Debug, time::Duration};

use ecqx_crds::{EcqxInstance, FqdnClaim, LicenseSet, condition};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::StatefulSet,
        core::v1::{ConfigMap, Secret, Service},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{
    NS,
    fault::{Fault, Kind},
    rig::Rig,
};

/// The claim, the Secret, the limits, three more, the StatefulSet, and two statuses.
const WRITES: usize = 9;

async fn passwords(rig: &Rig, name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let secret = rig.within::<Secret>(NS).get_opt(&format!("ecqx-{name}-sip")).await.unwrap();
    secret.map(|secret| secret.data.unwrap().into_iter().map(|(number, password)| (number, password.0)).collect())
}

/// The claim and the children, each by its UID once it is there.
async fn uids(rig: &Rig, name: &str) -> Vec<Option<String>> {
    let base = format!("ecqx-{name}");
    let claim = rig.all::<FqdnClaim>().get_opt(&format!("{name}.epygicloud.com")).await.unwrap();
    vec![
        claim.and_then(|claim| claim.uid()),
        uid::<Secret>(rig, &format!("{base}-sip")).await,
        uid::<ConfigMap>(rig, &format!("{base}-limits")).await,
        uid::<Service>(rig, &base).await,
        uid::<NetworkPolicy>(rig, &base).await,
        uid::<PodDisruptionBudget>(rig, &base).await,
        uid::<StatefulSet>(rig, &base).await,
    ]
}

async fn uid<K>(rig: &Rig, name: &str) -> Option<String>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    rig.within::<K>(NS).get_metadata_opt(name).await.unwrap().and_then(|found| found.uid())
}

fn owner(child: &impl ResourceExt) -> Option<String> {
    child.owner_references().first().map(|owner| owner.uid.clone())
}

/// Creates an instance under a fault, waits for the fault, and lets an operator in good health come to the end.
async fn strike(rig: &mut Rig, name: &str, kind: Kind) {
    let fault = Fault::new(kind);
    rig.replace(Some(fault.clone())).await;
    rig.licenses(NS, name, 2).await;
    rig.instance(NS, name, name).await;
    rig.eventually("the fault strikes", async || fault.struck()).await;
    let is_death = matches!(kind, Kind::DiesBefore(_) | Kind::DiesAfter(_));
    let (before, there) = (passwords(rig, name).await, uids(rig, name).await);
    if is_death {
        rig.settled().await;
        rig.replace(None).await;
    }
    rig.until(NS, name, condition::HOSTNAME_CLAIMED, "True").await;
    rig.eventually("the licence set is reported", async || rig.held_back(NS, name).await.is_some()).await;
    let after = passwords(rig, name).await;
    assert!(before.is_none() || before == after, "{kind:?}: the passwords were made anew");
    for (was, is) in there.iter().zip(uids(rig, name).await) {
        assert!(is.is_some() && (was.is_none() || *was == is), "{kind:?}: {there:?}");
    }
    assert!(!rig.writes_since_restart().iter().any(|write| write.starts_with("\"delete")), "{kind:?}");
    assert_eq!(rig.condition(NS, name, condition::STALLED).await.0, "False", "{kind:?}");
}

#[tokio::test]
async fn killed_before_or_after_any_write_the_next_operator_comes_to_the_same_end() {
    let mut rig = Rig::start().await;
    rig.namespace(NS).await;
    for n in 1..=WRITES {
        strike(&mut rig, &format!("before-{n}"), Kind::DiesBefore(n)).await;
        strike(&mut rig, &format!("after-{n}"), Kind::DiesAfter(n)).await;
    }
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_at_any_write_changes_nothing() {
    let mut rig = Rig::start().await;
    rig.namespace(NS).await;
    for n in 1..=WRITES {
        strike(&mut rig, &format!("lost-{n}"), Kind::LosesAnswer(n)).await;
    }
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_does_not_hold_the_instance_up_for_ever() {
    let mut rig = Rig::start().await;
    rig.namespace(NS).await;
    strike(&mut rig, "hangs", Kind::HangsAfter(3)).await;
    rig.stop().await;
}

#[tokio::test]
async fn what_the_garbage_collector_removes_is_not_made_again_from_a_view_that_is_behind() {
    let mut rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, "ghost", "ghost").await;
    rig.until(NS, "ghost", condition::HOSTNAME_CLAIMED, "True").await;
    rig.settled().await;
    rig.replace(Some(Fault::new(Kind::Blind("ecqxinstances")))).await;
    rig.instance(NS, "unseen", "unseen").await;
    let children = rig.within::<ConfigMap>(NS);
    children.delete("ecqx-ghost-limits", &DeleteParams::default()).await.unwrap();
    rig.eventually("the operator works", async || children.get_opt("ecqx-ghost-limits").await.unwrap().is_some()).await;
    let made = rig.made("ghost").len();
    rig.delete_instance(NS, "ghost").await;
    rig.eventually("the children go", async || children.get_opt("ecqx-ghost-limits").await.unwrap().is_none()).await;
    rig.settled().await;
    assert_eq!(rig.made("ghost").len(), made, "{:#?}", rig.writes_since_restart());
    rig.stop().await;
}

#[tokio::test]
async fn when_the_definition_is_deleted_everything_goes_and_the_claim_stays() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance(NS, "undefined", "undefined").await;
    rig.instance(NS, "probe", "probe").await;
    rig.until(NS, "undefined", condition::HOSTNAME_CLAIMED, "True").await;
    rig.until(NS, "probe", condition::HOSTNAME_CLAIMED, "True").await;
    // The garbage collector learns of a new kind within half a minute; one that it never knew it could not follow.
    rig.delete_instance(NS, "probe").await;
    let probe = async || rig.within::<StatefulSet>(NS).get_opt("ecqx-probe").await.unwrap().is_none();
    rig.eventually("the garbage collector knows the kind", probe).await;
    let definitions = rig.all::<CustomResourceDefinition>();
    definitions.delete("ecqxinstances.ecqx.epygicloud.com", &DeleteParams::default()).await.unwrap();
    let sets = rig.within::<StatefulSet>(NS);
    rig.eventually("the children go", async || sets.get_opt("ecqx-undefined").await.unwrap().is_none()).await;
    rig.settled().await;
    assert!(sets.get_opt("ecqx-undefined").await.unwrap().is_none());
    assert!(rig.all::<FqdnClaim>().get_opt("undefined.epygicloud.com").await.unwrap().is_some());
    rig.stop().await;
}

#[tokio::test]
async fn licences_that_this_version_cannot_read_leave_the_pbx_as_it_is_and_the_others_alone() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "newer", 10).await;
    rig.instance(NS, "newer", "newer").await;
    let limit =
        async || rig.get(NS, "newer").await.status.and_then(|status| status.limits.get("IpPhoneExtension").copied());
    rig.eventually("fifteen extensions", async || limit().await == Some(15)).await;
    rig.know_more_features().await;
    let patch = json!({ "spec": { "grants": [{ "id": "newer", "feature": "Telepathy", "quantity": 10 }] } });
    let sets = rig.within::<LicenseSet>(NS);
    sets.patch_metadata("newer", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let rig = rig.restart().await;
    rig.licenses(NS, "readable", 1).await;
    rig.instance(NS, "readable", "readable").await;
    rig.until(NS, "readable", condition::HOSTNAME_CLAIMED, "True").await;
    rig.settled().await;
    let status = rig.get(NS, "newer").await.status.unwrap();
    assert_eq!(status.limits.get("IpPhoneExtension"), Some(&15));
    let text = rig.within::<ConfigMap>(NS).get("ecqx-newer-limits").await.unwrap().data.unwrap();
    assert!(text["limits.json"].contains("\"IpPhoneExtension\":15"), "the PBX keeps what it had");
    rig.stop().await;
}

#[tokio::test]
async fn two_operators_at_once_make_each_child_once_and_come_to_rest() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    let (other, stop) = rig.another();
    let names = ["twin-1", "twin-2", "twin-3", "twin-4"];
    for name in names {
        rig.licenses(NS, name, 2).await;
        rig.instance(NS, name, name).await;
    }
    for name in names {
        rig.until(NS, name, condition::HOSTNAME_CLAIMED, "True").await;
        let (there, words) = (uids(&rig, name).await, passwords(&rig, name).await);
        rig.settled().await;
        assert_eq!((uids(&rig, name).await, passwords(&rig, name).await), (there, words));
        assert_eq!(rig.condition(NS, name, condition::STALLED).await.0, "False");
    }
    assert!(!rig.writes_since_restart().iter().any(|write| write.starts_with("\"delete")));
    stop.cancel();
    other.await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn after_an_outage_of_the_api_server_the_operator_goes_on_by_itself() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "outlasts", 1).await;
    rig.instance(NS, "outlasts", "outlasts").await;
    rig.until(NS, "outlasts", condition::HOSTNAME_CLAIMED, "True").await;
    let before = passwords(&rig, "outlasts").await.unwrap();
    rig.outage(Duration::from_secs(5)).await;
    rig.licenses(NS, "outlasts", 2).await;
    rig.eventually("seven extensions", async || {
        rig.get(NS, "outlasts").await.status.is_some_and(|status| status.limits.get("IpPhoneExtension") == Some(&7))
    })
    .await;
    let after = passwords(&rig, "outlasts").await.unwrap();
    assert!(before.len() < after.len() && before.iter().all(|kept| after.contains(kept)), "a secret was made anew");
    rig.stop().await;
}

#[tokio::test]
async fn an_instance_made_anew_under_its_name_gets_children_of_its_own() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    let first = rig.instance(NS, "again", "again").await;
    rig.until(NS, "again", condition::HOSTNAME_CLAIMED, "True").await;
    rig.within::<EcqxInstance>(NS).delete("again", &DeleteParams::default()).await.unwrap();
    let mut second = EcqxInstance::new("again", first.spec.clone());
    second.metadata.namespace = Some(NS.to_owned());
    let second = rig.within::<EcqxInstance>(NS).create(&PostParams::default(), &second).await.unwrap();
    assert_ne!(first.uid(), second.uid());
    // The garbage collector takes up to half a minute to learn of a new kind.
    rig.eventually("the first one's StatefulSet goes", async || {
        let set = rig.within::<StatefulSet>(NS).get_opt("ecqx-again").await.unwrap();
        set.is_none_or(|set| owner(&set) != first.uid())
    })
    .await;
    rig.eventually("Secret and StatefulSet are the second one's", async || {
        let secret = rig.within::<Secret>(NS).get_opt("ecqx-again-sip").await.unwrap();
        let set = rig.within::<StatefulSet>(NS).get_opt("ecqx-again").await.unwrap();
        secret.is_some_and(|secret| owner(&secret) == second.uid())
            && set.is_some_and(|set| owner(&set) == second.uid())
    })
    .await;
    rig.until(NS, "again", condition::HOSTNAME_CLAIMED, "True").await;
    rig.stop().await;
}
