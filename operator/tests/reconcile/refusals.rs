//! What is in an instance's way: it is told, nothing of others is touched, and the instance goes on once it is out of the way.

use ecqx_crds::{FqdnClaim, condition};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Secret, Service},
};
use kube::{
    Api, Resource,
    api::{DeleteParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{NS, rig::Rig};

/// An object that somebody else made is in the way of the instance `kept-out`; then it is removed.
async fn stands_in_the_way<K>(rig: &Rig, name: &str, object: Value)
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned,
{
    let objects: Api<K> = rig.within(NS);
    let foreign: K = serde_json::from_value(object).unwrap();
    let foreign = objects.create(&PostParams::default(), &foreign).await.unwrap();
    rig.instance(NS, name, name).await;
    rig.until(NS, name, condition::STALLED, "True").await;
    let (ready, message) = rig.condition(NS, name, condition::READY).await;
    assert_eq!(ready, "False");
    assert!(message.contains("was not made for this instance"), "{message}");
    let meta = foreign.meta().name.clone().unwrap();
    assert_eq!(objects.get(&meta).await.unwrap(), foreign);
    objects.delete(&meta, &DeleteParams::default()).await.unwrap();
    rig.until(NS, name, condition::STALLED, "False").await;
}

#[tokio::test]
async fn what_somebody_else_made_under_a_childs_name_is_named_and_left_as_it_is() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    let secret = json!({"metadata": {"name": "ecqx-one-sip"}, "stringData": {"101": "marked"}});
    stands_in_the_way::<Secret>(&rig, "one", secret).await;
    let service =
        json!({"metadata": {"name": "ecqx-two"}, "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}});
    stands_in_the_way::<Service>(&rig, "two", service).await;
    let owned_by_another = json!({
        "metadata": {
            "name": "ecqx-three-sip",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "x", "uid": "x", "controller": true}],
        },
    });
    let secrets = rig.within::<Secret>(NS);
    let owned: Secret = serde_json::from_value(owned_by_another).unwrap();
    // The garbage collector may be quicker than the operator; then nothing stands in the way.
    secrets.create(&PostParams::default(), &owned).await.unwrap();
    rig.instance(NS, "three", "three").await;
    rig.until(NS, "three", condition::STALLED, "False").await;
    rig.stop().await;
}

#[tokio::test]
async fn an_image_that_a_policy_of_the_cluster_refuses_is_told_and_mended() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.forbid_images().await;
    rig.instance(NS, "typo", "typo").await;
    rig.until(NS, "typo", condition::HOSTNAME_CLAIMED, "True").await;
    rig.patch(NS, "typo", json!({ "spec": { "pbx": { "image": "forbidden/pbx" } } })).await;
    rig.until(NS, "typo", condition::STALLED, "True").await;
    let (_, message) = rig.condition(NS, "typo", condition::STALLED).await;
    assert!(message.contains("cannot apply StatefulSet") && message.contains("not in this cluster"), "{message}");
    rig.patch(NS, "typo", json!({ "spec": { "pbx": { "image": "ecqx/pbx" } } })).await;
    rig.until(NS, "typo", condition::STALLED, "False").await;
    let set = rig.within::<StatefulSet>(NS).get("ecqx-typo").await.unwrap();
    assert_eq!(set.spec.unwrap().template.spec.unwrap().containers[0].image.as_deref(), Some("ecqx/pbx"));
    rig.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_name_gets_it_as_soon_as_it_is_free() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.namespace("reseller-8").await;
    rig.instance(NS, "holder", "wanted").await;
    rig.until(NS, "holder", condition::HOSTNAME_CLAIMED, "True").await;
    rig.instance(NS, "heir", "wanted").await;
    rig.until(NS, "heir", condition::STALLED, "True").await;
    rig.instance("reseller-8", "other", "wanted").await;
    rig.until("reseller-8", "other", condition::STALLED, "True").await;

    rig.delete_instance(NS, "holder").await;
    rig.until(NS, "heir", condition::HOSTNAME_CLAIMED, "True").await;
    rig.delete_instance(NS, "heir").await;
    rig.all::<FqdnClaim>().delete("wanted.epygicloud.com", &DeleteParams::default()).await.unwrap();
    rig.until("reseller-8", "other", condition::HOSTNAME_CLAIMED, "True").await;
    rig.stop().await;
}
