//! Everything is tried once, however it is asked for again.

use ecqx_crds::{EcqxInstance, TrialClaim};
use ecqx_domain::{
    feature::Feature,
    order::Item,
    trial::{Beneficiary, Scope},
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt, api::DeleteParams};
use serde_json::{Value, json};

use crate::{
    crash::killed_at,
    rig::{Answer, Rig, add_on, order, trial},
};

fn message(answer: &Answer) -> &str {
    answer.body["reasons"][0]["message"].as_str().unwrap()
}

/// The record that the operator makes of a trial.
async fn claim(rig: &Rig, beneficiary: &Beneficiary, service: Item, holder: Value) {
    let claim = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "TrialClaim",
        "metadata": {"name": beneficiary.claim_name(service)},
        "spec": {"service": service, "company": beneficiary.company, "holder": holder},
    });
    rig.apply::<TrialClaim>(Api::all(rig.admin.clone()), claim).await;
}

#[tokio::test]
async fn a_second_trial_is_held_by_what_another_instance_has_in_its_spec() {
    let rig = Rig::start("tried").await;
    let first = trial(order(1, 8201, "tried", &[("ECQX", 1), ("CALL-CENTER", 2)]));
    assert_eq!(rig.deliver(&first).await.state(), "Fulfilled");
    let second = trial(order(2, 8201, "tried-again", &[("ECQX", 1), ("CALL-CENTER", 2), ("SMS-WHATSAPP", 1)]));
    let answer = rig.deliver(&second).await;
    assert_eq!((answer.state(), answer.codes()), ("OnHold", vec!["TrialUsed"]));
    assert!(message(&answer).starts_with("the one trial of Ecqx, CallCenter was used before"), "{answer:?}");
    assert_eq!(rig.instances(8201).await.len(), 1);
    let other_reseller = trial(order(3, 8202, "tried-by-another", &[("ECQX", 1), ("CALL-CENTER", 2)]));
    assert_eq!(rig.deliver(&other_reseller).await.state(), "Fulfilled");
}

#[tokio::test]
async fn a_trial_of_a_feature_is_given_once_on_the_same_instance_and_on_another() {
    let rig = Rig::start("tried-feature").await;
    rig.deliver(&order(1, 8203, "tried-feature", &[("ECQX", 1)])).await;
    rig.deliver(&order(2, 8203, "tried-feature-2", &[("ECQX", 1)])).await;
    let first = trial(add_on(3, 8203, "tried-feature", &[("CALL-CENTER", 2)]));
    assert_eq!(rig.deliver(&first).await.state(), "Fulfilled");
    for (number, device) in [(4, "tried-feature"), (5, "tried-feature-2")] {
        let again = rig.deliver(&trial(add_on(number, 8203, device, &[("CALL-CENTER", 1)]))).await;
        assert_eq!(again.codes(), ["TrialUsed"], "{device}");
    }
    let another_feature = trial(add_on(6, 8203, "tried-feature", &[("CALL-RECORDING", 2)]));
    assert_eq!(rig.deliver(&another_feature).await.state(), "Fulfilled");
    assert_eq!(
        rig.deliver(&add_on(7, 8203, "tried-feature", &[("CALL-CENTER", 2)])).await.state(),
        "Fulfilled",
        "bought"
    );
}

#[tokio::test]
async fn the_record_of_a_used_trial_outlives_the_instance_and_its_namespace() {
    let rig = Rig::start("tried-gone").await;
    let reseller = Beneficiary::of(Scope::Reseller, "reseller-8204", None);
    let holder = json!({"namespace": "reseller-8204", "name": "tried-gone", "uid": "of-an-instance-that-is-gone"});
    for service in [Item::Ecqx, Item::Feature(Feature::CallCenter)] {
        claim(&rig, &reseller, service, holder.clone()).await;
    }
    assert!(!rig.has_namespace(8204).await, "nothing else is left of it");
    let again = trial(order(1, 8204, "tried-gone", &[("ECQX", 1), ("CALL-CENTER", 1), ("SMS-WHATSAPP", 1)]));
    let answer = rig.deliver(&again).await;
    assert_eq!((answer.state(), answer.codes()), ("OnHold", vec!["TrialUsed"]));
    assert!(message(&answer).contains("of Ecqx, CallCenter was"), "{answer:?}");
    assert!(!rig.has_namespace(8204).await);
    let claims: Api<TrialClaim> = Api::all(rig.admin.clone());
    for service in [Item::Ecqx, Item::Feature(Feature::CallCenter)] {
        claims.delete(&reseller.claim_name(service), &DeleteParams::default()).await.unwrap();
    }
    assert_eq!(rig.deliver(&again).await.state(), "Fulfilled", "the provider gave the trial back");
}

/// The operator claims the trial as soon as it sees the instance, while the order is still on its way.
#[tokio::test]
async fn the_claim_of_the_orders_own_instance_does_not_stand_in_its_way() {
    let mut rig = Rig::start_with("tried-own", json!({}), Some(killed_at(3, true))).await;
    let order = trial(order(1, 8205, "tried-own", &[("ECQX", 1), ("CALL-CENTER", 1)]));
    assert_eq!(rig.deliver(&order).await.state(), "Received");
    let instance = rig.instances(8205).await.remove(0);
    let reseller = Beneficiary::of(Scope::Reseller, "reseller-8205", None);
    let holder = json!({"namespace": "reseller-8205", "name": "tried-own", "uid": instance.uid()});
    claim(&rig, &reseller, Item::Ecqx, holder).await;
    rig.restart().await;
    assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
    assert_eq!(rig.only(8205).await.1.unwrap().spec.grants.len(), 1);
}

#[tokio::test]
async fn a_trial_that_was_begun_with_kubectl_counts_before_the_operator_has_claimed_it() {
    let rig = Rig::start("tried-kubectl").await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "reseller-8206"}});
    rig.apply::<Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let instance = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance", "metadata": {"name": "tried-kubectl"},
        "spec": {"hostname": "tried-kubectl", "term": "Trial"},
    });
    rig.apply::<EcqxInstance>(Api::namespaced(rig.admin.clone(), "reseller-8206"), instance).await;
    let answer = rig.deliver(&trial(order(1, 8206, "tried-kubectl-2", &[("ECQX", 1)]))).await;
    assert_eq!(answer.codes(), ["TrialUsed"]);
}

#[tokio::test]
async fn where_companies_count_each_company_of_a_reseller_has_its_own_trial() {
    let rig = Rig::start_with_settings("tried-company", json!({"lifecycle": {"trial": {"scope": "Company"}}})).await;
    let of = |number: u64, note: &str, company: &str| {
        let mut order = trial(order(number, 8207, note, &[("ECQX", 1)]));
        order["billing"]["company"] = json!(company);
        order
    };
    assert_eq!(rig.deliver(&of(1, "tried-syunik", "Syunik Win")).await.state(), "Fulfilled");
    assert_eq!(rig.deliver(&of(2, "tried-ararat", "Ararat")).await.state(), "Fulfilled");
    assert_eq!(rig.deliver(&of(3, "tried-syunik-2", "syunik  WIN")).await.codes(), ["TrialUsed"]);
}
