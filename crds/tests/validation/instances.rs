//! The rules of `EcqxInstance`.

use serde_json::{Value, json};

use super::{Case, INSTANCE, accepted, change_accepted, change_refused, refused};

pub fn rules() -> Vec<Case> {
    [names(), texts(), terms(), storage()].into_iter().flatten().collect()
}

fn host(hostname: &str) -> Value {
    json!({ "hostname": hostname })
}

fn pbx(pbx: &Value) -> Value {
    json!({ "hostname": "a", "pbx": pbx })
}

fn names() -> Vec<Case> {
    vec![
        accepted("hostname is a label", INSTANCE, host("syunikwin")),
        refused("hostname is a label", INSTANCE, host("Syunik Win"), "hostname must be a DNS label"),
        refused("hostname is one label", INSTANCE, host("a.b"), "hostname must be a DNS label"),
        refused("hostname has no outer hyphen", INSTANCE, host("-a"), "hostname must be a DNS label"),
        refused("hostname is not empty", INSTANCE, host(""), "should be at least 1 chars long"),
        refused("hostname is not too long", INSTANCE, host(&"a".repeat(64)), "may not be more than 63"),
        refused("hostname is needed", INSTANCE, json!({}), "spec.hostname: Required value"),
        change_refused("hostname is immutable", INSTANCE, host("a"), host("b"), "hostname is immutable"),
    ]
}

fn texts() -> Vec<Case> {
    let named = |name: &str| pbx(&json!({ "extensions": [{ "number": "101", "name": name }] }));
    let anywhere = json!({ "hostname": "a", "displayName": "Հայկ \"& Co\"", "company": "株" });
    let image = |image: &str| pbx(&json!({ "image": image }));
    vec![
        change_accepted("displayName is free", INSTANCE, host("a"), json!({ "hostname": "a", "displayName": "B" })),
        accepted("names in any script", INSTANCE, anywhere),
        refused("displayName is one line", INSTANCE, json!({ "hostname": "a", "displayName": "a\nb" }), "displayName"),
        refused("company is one line", INSTANCE, json!({ "hostname": "a", "company": "a\u{1b}[0m" }), "spec.company"),
        refused("extension names are one line", INSTANCE, named("a\r\nb"), "spec.pbx.extensions[0].name"),
        accepted("image is a reference", INSTANCE, image("[::1]:5000/ecqx/pbx:v1@sha256:00ff")),
        refused("image is a reference", INSTANCE, image(" ecqx/pbx"), "spec.pbx.image"),
    ]
}

fn terms() -> Vec<Case> {
    let term = |term: &str| json!({ "hostname": "a", "term": term });
    let failed = |at: &str| json!({ "hostname": "a", "paymentFailedAt": at });
    let planned = |at: &str| json!({ "hostname": "a", "plannedMoveAt": at });
    let resumed = json!({ "hostname": "a", "paymentFailedAt": null });
    let only_to_paid = "term can only change from Trial to Paid";
    vec![
        change_accepted("Trial to Paid", INSTANCE, term("Trial"), term("Paid")),
        change_refused("never Paid to Trial", INSTANCE, host("a"), term("Trial"), only_to_paid),
        refused("term is known", INSTANCE, term("Free"), "supported values: \"Trial\", \"Paid\""),
        accepted("plannedMoveAt is a time", INSTANCE, planned("2026-10-05T08:00:00+02:00")),
        refused("plannedMoveAt is a time", INSTANCE, planned("tomorrow"), "spec.plannedMoveAt"),
        accepted("paymentFailedAt is a time", INSTANCE, failed("2026-10-05T08:00:00Z")),
        refused("paymentFailedAt is a time", INSTANCE, failed("yesterday"), "spec.paymentFailedAt"),
        refused("paymentFailedAt has an offset", INSTANCE, failed("2026-10-05T08:00:00"), "spec.paymentFailedAt"),
        change_accepted("paymentFailedAt goes", INSTANCE, failed("2026-10-05T08:00:00Z"), resumed),
    ]
}

fn storage() -> Vec<Case> {
    let storage = |size: &str| pbx(&json!({ "storage": size }));
    let class = |name: &str| pbx(&json!({ "storageClassName": name }));
    vec![
        accepted("storage is a size", INSTANCE, storage("10Gi")),
        refused("storage is a size", INSTANCE, storage("lots"), "spec.pbx.storage"),
        change_refused("storage is immutable", INSTANCE, host("a"), storage("2Gi"), "storage is immutable"),
        change_accepted("storageClassName stays", INSTANCE, class("fast"), class("fast")),
        change_refused(
            "storageClassName is immutable",
            INSTANCE,
            class("fast"),
            class("slow"),
            "storageClassName is immutable",
        ),
    ]
}
