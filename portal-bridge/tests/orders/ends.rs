//! Orders for an instance that ends or has ended, and what counts towards a maximum as quantities fall.

use ecqx_crds::LicenseSet;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::rig::{Rig, add_on, order};

async fn patch_set(rig: &Rig, customer: u64, name: &str, patch: Value) {
    let sets: Api<LicenseSet> = Api::namespaced(rig.admin.clone(), &format!("reseller-{customer}"));
    sets.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    sets.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

/// A request as it is written and on record.
fn on_record(change: &Value, effective_at: &str, verdict: &str) -> Value {
    let record = json!({
        "id": change["id"], "requestedAt": change["requestedAt"], "effectiveAt": effective_at, "verdict": verdict,
    });
    json!({"spec": {"changes": [change]}, "status": {"changes": [record]}})
}

fn unsubscription(requested_at: &str) -> Value {
    json!({"id": "u", "service": "Ecqx", "kind": "Unsubscribe", "requestedAt": requested_at})
}

#[tokio::test]
async fn an_order_for_an_instance_whose_end_is_pending_is_held_with_its_date_until_that_is_cancelled() {
    let rig = Rig::start("ending").await;
    rig.deliver(&order(1, 8001, "ending", &[("ECQX", 1)])).await;
    let request = unsubscription("2026-01-05T00:00:00Z");
    patch_set(&rig, 8001, "ending", on_record(&request, "2199-02-01T00:00:00Z", "Pending")).await;
    let more = add_on(2, 8001, "ending", &[("CALL-CENTER", 1)]);
    let answer = rig.deliver(&more).await;
    assert_eq!((answer.state(), answer.codes()), ("OnHold", vec!["InstanceEndPending"]));
    let message = answer.body["reasons"][0]["message"].as_str().unwrap();
    assert!(message.contains("ends at 2199-02-01T00:00:00Z; cancel the unsubscription first"), "{message}");
    let mut cancelled = request.clone();
    (cancelled["cancelled"], cancelled["cancelledAt"]) = (json!(true), json!("2026-01-06T00:00:00Z"));
    patch_set(&rig, 8001, "ending", json!({"spec": {"changes": [cancelled]}})).await;
    assert_eq!(rig.deliver(&more).await.state(), "Fulfilled");
}

#[tokio::test]
async fn a_request_that_the_operator_has_not_seen_yet_holds_orders_as_well() {
    let rig = Rig::start("ending-unseen").await;
    rig.deliver(&order(1, 8002, "ending-unseen", &[("ECQX", 1)])).await;
    let asked = json!({"spec": {"changes": [{"id": "u", "service": "Ecqx", "kind": "Unsubscribe"}]}});
    patch_set(&rig, 8002, "ending-unseen", asked).await;
    let answer = rig.deliver(&add_on(2, 8002, "ending-unseen", &[("CALL-CENTER", 1)])).await;
    assert_eq!(answer.codes(), ["InstanceEndPending"]);
}

#[tokio::test]
async fn an_order_for_an_instance_that_has_ended_is_refused_with_the_remedy() {
    let rig = Rig::start("ended").await;
    rig.deliver(&order(1, 8003, "ended", &[("ECQX", 1)])).await;
    let request = unsubscription("2026-01-05T00:00:00Z");
    patch_set(&rig, 8003, "ended", on_record(&request, "2026-02-01T00:00:00Z", "Applied")).await;
    for (number, lines) in [(2, [("CALL-CENTER", 1)].as_slice()), (3, &[("ECQX", 1)])] {
        let answer = rig.deliver(&add_on(number, 8003, "ended", lines)).await;
        assert_eq!((answer.state(), answer.codes()), ("OnHold", vec!["InstanceEnded"]), "{number}");
        let message = answer.body["reasons"][0]["message"].as_str().unwrap();
        assert_eq!(message, "device ended ended at 2026-02-01T00:00:00Z: it was unsubscribed; order a new ecQX");
    }
    assert!(rig.only(8003).await.1.unwrap().spec.grants.is_empty());
}

#[tokio::test]
async fn a_pending_decrease_makes_no_room_below_a_maximum_and_one_that_was_applied_does() {
    let rig = Rig::start("room").await;
    let decrease = |requested_at: &str| json!({"id": "d", "service": "CallRecording", "kind": "Decrease", "newQuantity": 100, "requestedAt": requested_at});
    for (customer, name) in [(8004, "room-pending"), (8005, "room-applied")] {
        rig.deliver(&order(customer, customer, name, &[("ECQX", 1), ("CALL-RECORDING", 152)])).await;
        let granted = rig.only(customer).await.1.unwrap().spec.grants[0].clone();
        let mut granted = serde_json::to_value(granted).unwrap();
        granted["grantedAt"] = json!("2026-01-01T00:00:00Z");
        patch_set(&rig, customer, name, json!({"spec": {"grants": [granted]}})).await;
    }
    let request = decrease("2026-01-05T00:00:00Z");
    patch_set(&rig, 8004, "room-pending", on_record(&request, "2199-02-01T00:00:00Z", "Pending")).await;
    patch_set(&rig, 8005, "room-applied", on_record(&request, "2026-02-01T00:00:00Z", "Applied")).await;
    let more = |customer: u64, name: &str, ports: i64| {
        add_on(customer + 100 + ports.unsigned_abs(), customer, name, &[("CALL-RECORDING", ports)])
    };
    assert_eq!(rig.deliver(&more(8004, "room-pending", 1)).await.codes(), ["OverMaximum"]);
    assert_eq!(rig.deliver(&more(8005, "room-applied", 53)).await.codes(), ["OverMaximum"]);
    assert_eq!(rig.deliver(&more(8005, "room-applied", 52)).await.state(), "Fulfilled");
}
