//! What the duties `operate` and `sell` allow: to the operator and the bridge as the chart binds them, and to nobody else.

use kube::{Client, api::DeleteParams};
use serde_json::{Value, json};

use super::stage::{ALICE, BOB, RELEASE, RESELLER, Stage, api, change, create, report};

const RECORD: &str = "a record that only the operator writes";
const ORDER: &str = "portalorders: a record that only the portal bridge writes; place an order in the shop";

pub fn order() -> Value {
    json!({
        "shop": "default", "number": "1", "customer": "7", "term": "Paid", "payment": "Awaiting",
        "lines": [{ "sku": "ECQX", "quantity": 1 }], "contentDigest": "0".repeat(64),
    })
}

fn holder() -> Value {
    json!({ "namespace": RESELLER, "name": "a", "uid": "1" })
}

fn name_claim() -> Value {
    json!({ "holder": holder() })
}

fn trial_claim() -> Value {
    json!({ "holder": holder(), "service": "Ecqx" })
}

async fn delete(client: &Client, kind: &str, name: &str) -> Result<(), String> {
    api(client, kind, RESELLER).delete(name, &DeleteParams::default()).await.map(drop).map_err(|e| e.to_string())
}

#[track_caller]
fn refused(said: &Result<(), String>, message: &str) {
    assert!(
        said.as_ref().is_err_and(|said| said.contains(message)),
        "wanted {message:?}, the API server said {said:?}"
    );
}

/// An instance and its licences, both named `a`, and a claim of each kind, named `a` too.
async fn stand(admin: &Client) {
    create(admin, "EcqxInstance", RESELLER, "a", &json!({ "hostname": "a", "term": "Trial" })).await.unwrap();
    create(admin, "LicenseSet", RESELLER, "a", &json!({})).await.unwrap();
    create(admin, "FqdnClaim", RESELLER, "a", &name_claim()).await.unwrap();
    create(admin, "TrialClaim", RESELLER, "a", &trial_claim()).await.unwrap();
    create(admin, "PortalOrder", RELEASE, "a", &order()).await.unwrap();
}

#[tokio::test]
async fn records_are_written_by_whom_the_chart_gives_the_duty_and_by_nobody_else() {
    let stage = Stage::set().await;
    let admin = stage.admin();
    stand(&admin).await;
    nobody_else_writes_records(&stage).await;
    the_operator_writes_records(&stage.service_account("operator")).await;
    the_bridge_sells(&stage.service_account("bridge")).await;
    an_administrator_passes(&admin).await;
    stage.down().await;
}

/// Bob has every verb of the API on these kinds, as somebody would who was given too wide a role; Alice has the chart's role.
async fn nobody_else_writes_records(stage: &Stage) {
    let (alice, bob) = (stage.client(ALICE), stage.client(BOB));
    for kind in ["EcqxInstance", "LicenseSet"] {
        refused(&report(&bob, kind, "a").await, &format!("status: {RECORD}"));
        refused(&report(&alice, kind, "a").await, "forbidden");
        api(&alice, kind, RESELLER).get_status("a").await.unwrap();
        refused(&create(&alice, kind, "reseller-8", "a", &json!({ "hostname": "a" })).await, "forbidden");
    }
    refused(&create(&bob, "FqdnClaim", RESELLER, "b", &name_claim()).await, &format!("fqdnclaims: {RECORD}"));
    refused(&create(&bob, "TrialClaim", RESELLER, "b", &trial_claim()).await, &format!("trialclaims: {RECORD}"));
    refused(&change(&bob, "FqdnClaim", "a", &json!({ "reservedUntil": "2026-09-01T00:00:00Z" })).await, RECORD);
    refused(&delete(&bob, "FqdnClaim", "a").await, RECORD);
    refused(&delete(&bob, "TrialClaim", "a").await, RECORD);
    refused(&create(&bob, "PortalOrder", RESELLER, "b", &order()).await, ORDER);
    let paid = api(&bob, "PortalOrder", RELEASE);
    let patch = kube::api::Patch::Merge(json!({ "spec": { "payment": "Confirmed" } }));
    let said = paid.patch("a", &kube::api::PatchParams::default(), &patch).await.map(drop).map_err(|e| e.to_string());
    refused(&said, ORDER);
}

async fn the_operator_writes_records(operator: &Client) {
    report(operator, "EcqxInstance", "a").await.unwrap();
    report(operator, "LicenseSet", "a").await.unwrap();
    create(operator, "FqdnClaim", RESELLER, "b", &name_claim()).await.unwrap();
    refused(&change(operator, "EcqxInstance", "a", &json!({ "term": "Paid" })).await, "forbidden");
}

async fn the_bridge_sells(bridge: &Client) {
    let grant = json!({ "id": "g", "feature": "CallRecording", "quantity": 1, "grantedAt": "2026-09-01T00:00:00Z" });
    let request = json!({
        "id": "r", "service": "CallRecording", "kind": "Unsubscribe", "requestedAt": "2026-09-02T00:00:00Z",
        "cancelled": true, "cancelledAt": "2026-09-03T00:00:00Z",
    });
    let facts = json!({ "grants": [grant], "changes": [request] });
    create(bridge, "LicenseSet", RESELLER, "b", &facts).await.unwrap();
    create(bridge, "EcqxInstance", RESELLER, "b", &json!({ "hostname": "b", "term": "Paid" })).await.unwrap();
    change(bridge, "EcqxInstance", "a", &json!({ "term": "Paid" })).await.unwrap();
    change(bridge, "EcqxInstance", "a", &json!({ "paymentFailedAt": "2026-09-01T00:00:00Z" })).await.unwrap();
    create(bridge, "PortalOrder", RELEASE, "b", &order()).await.unwrap();
    refused(&report(bridge, "EcqxInstance", "a").await, "forbidden");
}

async fn an_administrator_passes(admin: &Client) {
    report(admin, "EcqxInstance", "a").await.unwrap();
    change(admin, "EcqxInstance", "a", &json!({ "suspended": true, "paused": true })).await.unwrap();
    delete(admin, "TrialClaim", "a").await.unwrap();
    delete(admin, "FqdnClaim", "a").await.unwrap();
}
