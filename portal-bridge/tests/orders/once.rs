//! One order, one effect, however often and in whatever order it is delivered.

use ecqx_crds::{EcqxInstance, LicenseSet, OrderPhase, condition};
use ecqx_domain::{feature::Feature, ledger::Term};
use futures::future::join_all;
use kube::{Api, ResourceExt, api::DeleteParams};
use serde_json::json;

use crate::rig::{Rig, order};

#[tokio::test]
async fn an_order_becomes_an_instance_and_its_licences_in_the_resellers_namespace() {
    let rig = Rig::start("happy").await;
    let answer = rig.deliver(&order(1, 3001, "Hostname: Happy", &[("ECQX", 1), ("CALL-RECORDING", 4)])).await;
    assert_eq!((answer.status, answer.state()), (200, "Fulfilled"), "{answer:?}");
    assert_eq!(answer.body["instance"], json!({"namespace": "reseller-3001", "name": "happy"}));

    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(rig.admin.clone());
    let namespace = namespaces.get("reseller-3001").await.unwrap();
    assert_eq!(namespace.labels()["app.kubernetes.io/managed-by"], "ecqx-portal-bridge");
    assert_eq!(namespace.labels()["ecqx.epygicloud.com/reseller"], "3001");
    assert_eq!(namespace.labels()["pod-security.kubernetes.io/enforce"], "restricted");
    let instance = &rig.instances(3001).await[0];
    assert_eq!((instance.spec.hostname.as_str(), instance.spec.company.as_deref()), ("happy", Some("Syunik Win LLC")));
    let record = &rig.recorded().await[0];
    assert_eq!(instance.annotations()["ecqx.epygicloud.com/order"], record.name_any());
    let grant = &rig.license_sets(3001).await[0].spec.grants[0];
    assert_eq!((grant.feature, grant.quantity, grant.term), (Feature::CallRecording, 4, Term::Paid));
    assert_eq!(grant.order_ref.as_deref(), Some(record.name_any().as_str()));
    let kept = serde_json::to_string(record).unwrap();
    assert!(!kept.contains("marked@") && !kept.contains("Anna"), "personal data was kept: {kept}");
}

#[tokio::test]
async fn twenty_deliveries_ten_of_them_at_once_have_one_effect_and_move_nothing_after() {
    let rig = Rig::start("twenty").await;
    let order = order(2, 3002, "twenty", &[("ECQX", 1), ("IP-PHONE-EXT", 10)]);
    for answer in join_all((0..10).map(|_| rig.deliver(&order))).await {
        assert_eq!((answer.status, answer.state()), (200, "Fulfilled"), "{answer:?}");
    }
    let versions = rig.versions(3002).await;
    assert_eq!(versions.len(), 4, "{versions:?}");
    for _ in 0..10 {
        assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
    }
    assert_eq!(rig.versions(3002).await, versions);
    assert_eq!(rig.license_sets(3002).await[0].spec.grants.len(), 1);
}

#[tokio::test]
async fn the_same_number_with_other_content_is_refused_noted_once_and_changes_nothing() {
    let rig = Rig::start("conflict").await;
    rig.deliver(&order(3, 3003, "conflict", &[("ECQX", 1)])).await;
    let other = order(3, 3003, "conflict", &[("ECQX", 1), ("IP-PHONE-EXT", 100)]);
    for answer in join_all((0..5).map(|_| rig.deliver(&other))).await {
        assert_eq!((answer.status, answer.codes()), (409, vec!["ContentConflict"]));
    }
    let versions = rig.versions(3003).await;
    assert_eq!(rig.deliver(&other).await.status, 409);
    assert_eq!(rig.versions(3003).await, versions);
    let status = rig.recorded().await.remove(0).status.unwrap();
    assert_eq!(status.phase, Some(OrderPhase::Fulfilled));
    assert!(status.conditions.iter().any(|c| c.type_ == condition::CONTENT_CONFLICT && c.status == "True"));
    assert!(rig.license_sets(3003).await[0].spec.grants.is_empty());
}

#[tokio::test]
async fn what_people_change_after_an_order_was_fulfilled_is_theirs() {
    let mut rig = Rig::start("theirs").await;
    let order = order(4, 3004, "theirs", &[("ECQX", 1)]);
    rig.deliver(&order).await;
    let instances: Api<EcqxInstance> = Api::namespaced(rig.admin.clone(), "reseller-3004");
    instances.delete("theirs", &DeleteParams::default()).await.unwrap();
    rig.deliver(&order).await;
    rig.restart().await;
    assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
    assert!(rig.instances(3004).await.is_empty(), "a deleted instance does not come back");
}

#[tokio::test]
async fn of_two_orders_for_one_name_at_once_one_is_fulfilled_and_one_held() {
    let rig = Rig::start("race").await;
    let orders: Vec<_> = (0..4).map(|i| order(50 + i, 3050 + i, "race", &[("ECQX", 1)])).collect();
    let answers = join_all(orders.iter().map(|order| rig.deliver(order))).await;
    let count = |state: &str| answers.iter().filter(|answer| answer.state() == state).count();
    assert_eq!((count("Fulfilled"), count("OnHold")), (1, 3), "{answers:?}");
}

#[tokio::test]
async fn the_products_own_orders_have_the_same_effect_and_can_be_looked_up() {
    let rig = Rig::start("own").await;
    let text = include_str!("../../../examples/orders/v1-order.json");
    let mut order: serde_json::Value = serde_json::from_str(text).unwrap();
    (order["customer"], order["note"]) = (json!("3006"), json!("own"));
    let answer = rig.place(&order).await;
    assert_eq!((answer.status, answer.state()), (202, "Fulfilled"), "{answer:?}");
    assert_eq!(rig.place(&order).await.status, 200);
    let looked_up = rig.get("/v1/orders/partner-portal/A-2026-0815").await;
    assert_eq!((looked_up.status, looked_up.state()), (200, "Fulfilled"));
    assert_eq!(rig.get("/v1/orders/partner-portal/other").await.status, 404);
    order["lines"][1]["quantity"] = json!(11);
    assert_eq!(rig.place(&order).await.status, 409);
}

#[tokio::test]
async fn a_write_that_the_api_server_refuses_shows_on_the_record_and_is_tried_again() {
    let rig = Rig::start("refused").await;
    let set = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet", "metadata": {"name": "refused"},
        "spec": {"grants": (0..1000).map(|i| json!({"id": format!("g{i}"), "feature": "CallCenter", "quantity": 1})).collect::<Vec<_>>()},
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "reseller-3007"}});
    rig.apply::<k8s_openapi::api::core::v1::Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let sets: Api<LicenseSet> = Api::namespaced(rig.admin.clone(), "reseller-3007");
    rig.apply(sets.clone(), set).await;
    let answer = rig.deliver(&order(7, 3007, "refused", &[("ECQX", 1), ("SMS-WHATSAPP", 1)])).await;
    assert_eq!((answer.status, answer.state()), (200, "Received"), "{answer:?}");
    let record = rig.recorded().await.remove(0);
    let ready = record.status.clone().unwrap().conditions.into_iter().find(|c| c.type_ == condition::READY).unwrap();
    assert_eq!(ready.reason, condition::reason::APPLY_FAILED);
    assert!(ready.message.starts_with("cannot apply LicenseSet reseller-3007/refused: "), "{}", ready.message);
    sets.delete("refused", &DeleteParams::default()).await.unwrap();
    rig.until(&record.name_any(), OrderPhase::Fulfilled).await;
}
