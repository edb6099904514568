//! A trial becomes paid by an order: same name, same data, once, whoever made the instance and wherever the process dies.

use ecqx_crds::{EcqxInstance, InstanceTerm, LicenseSet, OrderPhase};
use ecqx_domain::{ledger::Term, order::names};
use futures::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    crash::killed_at,
    rig::{Answer, Rig, add_on, order, trial},
};

/// A reseller with one instance on trial, ten extensions with it, that ends so many hours from now.
async fn on_trial(rig: &Rig, customer: u64, name: &str, ends_in_hours: i64) {
    let order = trial(order(customer, customer, name, &[("ECQX", 1), ("IP-PHONE-EXT", 10)]));
    assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
    rig.set_trial(customer, name, ends_in_hours).await;
}

fn conversion(number: u64, customer: u64, device: &str) -> Value {
    add_on(number, customer, device, &[("ECQX", 1), ("IP-PHONE-EXT", 12)])
}

async fn assert_converted(rig: &Rig, customer: u64, uid: Option<String>) {
    let (instance, set) = rig.only(customer).await;
    assert_eq!((instance.spec.term, instance.uid()), (InstanceTerm::Paid, uid), "the same instance, paid");
    let mut grants: Vec<_> = set.unwrap().spec.grants.into_iter().map(|grant| (grant.term, grant.quantity)).collect();
    grants.sort_unstable();
    assert_eq!(grants, [(Term::Paid, 12), (Term::Trial, 10)], "the ledger ends the trial; no fact is taken out");
}

#[tokio::test]
async fn a_paid_order_that_names_a_trial_makes_it_paid_and_keeps_the_name() {
    let rig = Rig::start("convert").await;
    on_trial(&rig, 7001, "convert", 24).await;
    let before = rig.only(7001).await.0;
    let paid = conversion(1, 7001, "convert.epygicloud.com");
    let answer = rig.deliver(&paid).await;
    assert_eq!((answer.state(), &answer.body["instance"]["name"]), ("Fulfilled", &json!("convert")), "{answer:?}");
    assert_converted(&rig, 7001, before.uid()).await;
    let after = rig.only(7001).await.0;
    assert_eq!((&after.spec.hostname, &after.spec.pbx), (&before.spec.hostname, &before.spec.pbx));
    let versions = rig.versions(7001).await;
    assert_eq!(rig.deliver(&paid).await.state(), "Fulfilled");
    assert_eq!(rig.versions(7001).await, versions, "delivered again it moves nothing");
    let second = rig.deliver(&conversion(2, 7001, "convert")).await;
    assert_eq!((second.state(), second.codes()), ("OnHold", vec!["InstanceAlreadyPaid"]));
}

#[tokio::test]
async fn a_conversion_waits_for_its_payment_as_any_paid_order() {
    let rig = Rig::start("convert-waits").await;
    on_trial(&rig, 7002, "convert-waits", 24).await;
    let mut order = conversion(1, 7002, "convert-waits");
    order["status"] = json!("pending");
    assert_eq!(rig.deliver(&order).await.state(), "AwaitingPayment");
    assert_eq!(rig.only(7002).await.0.spec.term, InstanceTerm::Trial);
    order["status"] = json!("completed");
    assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
    assert_eq!(rig.only(7002).await.0.spec.term, InstanceTerm::Paid);
}

#[tokio::test]
async fn a_trial_that_has_ended_is_converted_through_the_retention_and_not_after_it() {
    let rig = Rig::start("convert-late").await;
    for (customer, name, ended_hours_ago, state) in
        [(7003, "convert-ended", 719, "Fulfilled"), (7004, "convert-expired", 721, "OnHold")]
    {
        on_trial(&rig, customer, name, -ended_hours_ago).await;
        let answer = rig.deliver(&conversion(customer + 100, customer, name)).await;
        assert_eq!(answer.state(), state, "{answer:?}");
        let term = if state == "Fulfilled" { InstanceTerm::Paid } else { InstanceTerm::Trial };
        assert_eq!(rig.only(customer).await.0.spec.term, term);
        if state == "OnHold" {
            assert_eq!(answer.codes(), ["InstanceEnded"]);
            let message = answer.body["reasons"][0]["message"].as_str().unwrap();
            assert!(message.ends_with("so is the time in which it could be converted; order a new ecQX"), "{message}");
        }
    }
}

#[tokio::test]
async fn an_order_of_the_ecqx_alone_converts_without_touching_the_licences() {
    let rig = Rig::start("convert-alone").await;
    on_trial(&rig, 7005, "convert-alone", 24).await;
    let set = rig.only(7005).await.1;
    let order = add_on(1, 7005, "convert-alone", &[("ECQX", 1)]);
    assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
    let (instance, after) = rig.only(7005).await;
    assert_eq!((instance.spec.term, after), (InstanceTerm::Paid, set));
}

/// As `kubectl apply --server-side` does it, by a person or a Git repository.
async fn apply_by_git(rig: &Rig, namespace: &str, term: &str, force: bool) -> kube::Result<EcqxInstance> {
    let instances: Api<EcqxInstance> = Api::namespaced(rig.admin.clone(), namespace);
    let object = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance", "metadata": {"name": "convert-git"},
        "spec": {"hostname": "convert-git", "term": term},
    });
    let mut params = PatchParams::apply("git");
    params.force = force;
    instances.patch("convert-git", &params, &Patch::Apply(object)).await
}

#[tokio::test]
async fn an_instance_of_a_git_repository_is_converted_and_the_repository_has_to_follow() {
    let rig = Rig::start("convert-git").await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "reseller-7006"}});
    rig.apply::<Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let made = apply_by_git(&rig, "reseller-7006", "Trial", false).await.unwrap();
    let answer = rig.deliver(&conversion(1, 7006, "convert-git")).await;
    assert_eq!(answer.state(), "Fulfilled", "{answer:?}");
    let (instance, set) = rig.only(7006).await;
    assert_eq!((instance.spec.term, instance.uid()), (InstanceTerm::Paid, made.uid()));
    assert_eq!(set.unwrap().spec.grants.len(), 1);
    let conflict = apply_by_git(&rig, "reseller-7006", "Trial", false).await.unwrap_err().to_string();
    assert!(conflict.contains(".spec.term"), "{conflict}");
    let forced = apply_by_git(&rig, "reseller-7006", "Trial", true).await.unwrap_err().to_string();
    assert!(forced.contains("term can only change from Trial to Paid"), "{forced}");
    apply_by_git(&rig, "reseller-7006", "Paid", false).await.unwrap();
}

/// The writes of a conversion are four: the record, the instance, the licence set, the outcome.
#[tokio::test]
async fn killed_at_any_write_a_conversion_has_its_one_effect_after_a_restart() {
    for at_write in 1..=4 {
        for committed in [false, true] {
            let customer = 7100 + 10 * at_write as u64 + u64::from(committed);
            let name = format!("convert-{customer}");
            let mut rig = Rig::start(&name).await;
            on_trial(&rig, customer, &name, 24).await;
            let uid = rig.only(customer).await.0.uid();
            rig.restart_into(Some(killed_at(at_write, committed))).await;
            let number = 10_000 + customer;
            let order = conversion(number, customer, &name);
            let recorded = at_write > 1;
            let expected = if recorded { (200, "Received") } else { (503, "Refused") };
            let answer = rig.deliver(&order).await;
            assert_eq!((answer.status, answer.state()), expected, "{answer:?}");

            rig.restart().await;
            if !recorded {
                assert_eq!(rig.deliver(&order).await.status, 200, "the shop delivers again");
            }
            rig.until(&names::order_record("default", &number.to_string()), OrderPhase::Fulfilled).await;
            assert_converted(&rig, customer, uid).await;
            let versions = rig.versions(customer).await;
            assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
            assert_eq!(rig.versions(customer).await, versions);
        }
    }
}

/// The one that is cut off after the instance is paid, and unsubscribed and renamed before the bridge is back, is still done.
#[tokio::test]
async fn a_conversion_that_was_cut_off_is_finished_whatever_was_asked_meanwhile() {
    let mut rig = Rig::start("convert-meanwhile").await;
    on_trial(&rig, 7007, "convert-meanwhile", 24).await;
    let uid = rig.only(7007).await.0.uid();
    rig.restart_into(Some(killed_at(2, true))).await;
    assert_eq!(rig.deliver(&conversion(1, 7007, "convert-meanwhile")).await.state(), "Received");
    let sets: Api<LicenseSet> = Api::namespaced(rig.admin.clone(), "reseller-7007");
    let unsubscribe = json!({"spec": {"changes": [{"id": "u", "service": "Ecqx", "kind": "Unsubscribe"}]}});
    sets.patch("convert-meanwhile", &PatchParams::default(), &Patch::Merge(unsubscribe)).await.unwrap();
    rig.restart().await;
    rig.until(&names::order_record("default", "1"), OrderPhase::Fulfilled).await;
    assert_converted(&rig, 7007, uid).await;
}

#[tokio::test]
async fn of_two_orders_that_convert_one_trial_through_two_bridges_one_is_fulfilled() {
    let (one, two) = (Rig::start("convert-race-a").await, Rig::start("convert-race-b").await);
    for round in 0..10 {
        let (customer, name) = (7200 + round, format!("convert-race-{round}"));
        on_trial(&one, customer, &name, 24).await;
        let orders = [conversion(20_000 + customer, customer, &name), conversion(30_000 + customer, customer, &name)];
        let answers: Vec<Answer> = join_all([one.deliver(&orders[0]), two.deliver(&orders[1])]).await;
        let mut ends: Vec<_> = answers.iter().map(|answer| (answer.state(), answer.codes())).collect();
        ends.sort();
        assert_eq!(ends, [("Fulfilled", vec![]), ("OnHold", vec!["InstanceAlreadyPaid"])], "{answers:?}");
    }
}
