//! When an order takes effect: a paid one with its payment, a trial at once, a cancelled one never.

use ecqx_crds::{InstanceTerm, OrderPhase};
use ecqx_domain::{ledger::Term, order::Payment};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::rig::{Rig, order, trial};

fn with_status(order: &Value, status: &str) -> Value {
    let mut order = order.clone();
    order["status"] = json!(status);
    order
}

#[tokio::test]
async fn a_paid_order_waits_for_its_payment() {
    let rig = Rig::start("waits").await;
    let order = order(1, 5001, "waits", &[("ECQX", 1)]);
    assert_eq!(rig.deliver(&with_status(&order, "pending")).await.state(), "AwaitingPayment");
    assert!(!rig.has_namespace(5001).await);
    assert_eq!(rig.deliver(&with_status(&order, "processing")).await.state(), "Fulfilled");
    assert_eq!(rig.instances(5001).await[0].spec.term, InstanceTerm::Paid);
    let versions = rig.versions(5001).await;
    for late in ["pending", "cancelled", "completed", "refunded"] {
        assert_eq!(rig.deliver(&with_status(&order, late)).await.state(), "Fulfilled", "{late}");
    }
    assert_eq!(rig.versions(5001).await, versions, "what comes late moves nothing");
}

#[tokio::test]
async fn an_order_cancelled_before_its_payment_has_no_effect_unless_it_is_paid_after_all() {
    let rig = Rig::start("cancelled").await;
    let order = order(1, 5101, "cancelled", &[("ECQX", 1)]);
    assert_eq!(rig.deliver(&with_status(&order, "failed")).await.state(), "Void");
    assert_eq!(rig.deliver(&with_status(&order, "pending")).await.state(), "Void", "an older delivery comes late");
    assert!(!rig.has_namespace(5101).await);
    assert_eq!(rig.deliver(&with_status(&order, "processing")).await.state(), "Fulfilled");
}

#[tokio::test]
async fn a_trial_takes_effect_at_once_and_its_record_follows_the_payment() {
    let rig = Rig::start("trial").await;
    let mut order = order(1, 5201, "trial", &[("ECQX", 1), ("SMS-WHATSAPP", 1)]);
    order["payment_method"] = json!("trial");
    assert_eq!(rig.deliver(&with_status(&order, "on-hold")).await.state(), "Fulfilled");
    assert_eq!(rig.instances(5201).await[0].spec.term, InstanceTerm::Trial);
    assert_eq!(rig.license_sets(5201).await[0].spec.grants[0].term, Term::Trial);
    rig.deliver(&with_status(&order, "completed")).await;
    let record = rig.recorded().await.remove(0);
    assert_eq!(record.spec.payment, Payment::Confirmed);
    let status = record.status.unwrap();
    assert_eq!((status.phase, status.observed_generation), (Some(OrderPhase::Fulfilled), record.metadata.generation));
}

#[tokio::test]
async fn the_api_server_itself_keeps_an_orders_content_and_its_payment_from_going_back() {
    let rig = Rig::start("immutable").await;
    let name =
        rig.deliver(&order(1, 5301, "immutable", &[("ECQX", 1)])).await.body["order"].as_str().unwrap().to_owned();
    let refused = async |patch: Value| {
        let params = kube::api::PatchParams::default();
        rig.orders().patch(&name, &params, &kube::api::Patch::Merge(&patch)).await.unwrap_err().to_string()
    };
    for field in ["shop", "number", "customer", "note", "company"] {
        assert!(refused(json!({"spec": {field: "other"}})).await.contains("is immutable"), "{field}");
    }
    assert!(refused(json!({"spec": {"company": null}})).await.contains("company is immutable"));
    assert!(refused(json!({"spec": {"lines": []}})).await.contains("lines are immutable"));
    assert!(refused(json!({"spec": {"payment": "Void"}})).await.contains("payment only goes up"));
}

#[tokio::test]
async fn a_mark_on_an_instance_is_no_payment() {
    let rig = Rig::start("marked").await;
    assert_eq!(rig.deliver(&trial(order(1, 5401, "marked", &[("ECQX", 1)]))).await.state(), "Fulfilled");
    for (number, mark) in [(2, "ecqx.epygicloud.com/converted-by"), (3, "ecqx.epygicloud.com/order")] {
        let paid = order(number, 5401, "marked-too", &[("ECQX", 1), ("IP-PHONE-EXT", 2000)]);
        let answer = rig.deliver(&with_status(&paid, "pending")).await;
        let patch = Patch::Merge(json!({"metadata": {"annotations": {mark: answer.body["order"]}}}));
        rig.instances_of(5401).patch("marked", &PatchParams::default(), &patch).await.unwrap();
        for (status, state) in [("pending", "AwaitingPayment"), ("failed", "Void")] {
            assert_eq!(rig.deliver(&with_status(&paid, status)).await.state(), state, "{mark}");
        }
    }
    let (instance, licenses) = rig.only(5401).await;
    assert_eq!((instance.name_any().as_str(), instance.spec.term), ("marked", InstanceTerm::Trial));
    assert!(licenses.is_none_or(|set| set.spec.grants.is_empty()));
}
