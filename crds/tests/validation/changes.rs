//! The rules of a `LicenseSet`'s changes.

use serde_json::{Value, json};

use super::{Case, LICENSES, accepted, change_accepted, change_refused, refused};

pub fn rules() -> Vec<Case> {
    [kinds(), fixed(), cancelling(), bounds()].into_iter().flatten().collect()
}

/// A request for 12 recording ports with these fields set, or left out where they are null.
fn with(fields: &Value) -> Value {
    let mut change = json!({ "id": "r", "service": "CallRecording", "kind": "Decrease", "newQuantity": 12 });
    for (key, value) in fields.as_object().into_iter().flatten() {
        change[key] = value.clone();
    }
    change.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({ "changes": [change] })
}

fn unsubscribe(service: &str) -> Value {
    with(&json!({ "service": service, "kind": "Unsubscribe", "newQuantity": null }))
}

fn kinds() -> Vec<Case> {
    let needed = "newQuantity is needed for a Decrease, and has no meaning for an Unsubscribe";
    let supported = "supported values: \"Decrease\", \"Unsubscribe\"";
    let no_quantity = "the ecQX itself has no quantity: use kind Unsubscribe";
    vec![
        accepted("a decrease", LICENSES, with(&json!({}))),
        accepted("an unsubscription", LICENSES, unsubscribe("CallRecording")),
        accepted("the ecQX may be unsubscribed", LICENSES, unsubscribe("Ecqx")),
        refused("the ecQX has no quantity", LICENSES, with(&json!({ "service": "Ecqx" })), no_quantity),
        refused("a decrease has a quantity", LICENSES, with(&json!({ "newQuantity": null })), needed),
        refused("an unsubscription has none", LICENSES, with(&json!({ "kind": "Unsubscribe" })), needed),
        refused("kinds are known", LICENSES, with(&json!({ "kind": "Increase" })), supported),
        refused("services are known", LICENSES, with(&json!({ "service": "Phones" })), "supported values: \"Ecqx\""),
    ]
}

/// A request stands as it was made.
fn fixed() -> Vec<Case> {
    let stands = "a change request stands as it was made; cancel it, and make another with an id of its own";
    let first = || with(&json!({}));
    vec![
        change_refused("its quantity stays", LICENSES, first(), with(&json!({ "newQuantity": 13 })), stands),
        change_refused("its service stays", LICENSES, first(), with(&json!({ "service": "CallCenter" })), stands),
        change_refused("its kind stays", LICENSES, first(), unsubscribe("CallRecording"), stands),
        change_accepted("another joins it", LICENSES, first(), {
            let mut both = first();
            let second = json!({ "id": "s", "service": "CallRecording", "kind": "Unsubscribe" });
            both["changes"].as_array_mut().unwrap().push(second);
            both
        }),
    ]
}

fn cancelling() -> Vec<Case> {
    let cancelled = || with(&json!({ "cancelled": true, "cancelledAt": "2026-10-25T00:00:00Z" }));
    let only_when = with(&json!({ "cancelledAt": "2026-10-25T00:00:00Z" }));
    let both = "cancelledAt says when a request was cancelled: set cancelled to true as well";
    let stays = "a request that was cancelled stays cancelled; make another with an id of its own";
    let first = || with(&json!({}));
    vec![
        change_accepted("it may be cancelled", LICENSES, first(), with(&json!({ "cancelled": true }))),
        change_accepted("with its time", LICENSES, first(), cancelled()),
        refused("a time alone cancels nothing", LICENSES, only_when, both),
        change_refused("it stays cancelled", LICENSES, cancelled(), first(), stays),
        change_refused("false is not cancelled", LICENSES, cancelled(), with(&json!({ "cancelled": false })), stays),
    ]
}

fn bounds() -> Vec<Case> {
    let id = |id: &str| with(&json!({ "id": id }));
    let quantity = |quantity: i64| with(&json!({ "newQuantity": quantity }));
    let requested = |at: &str| with(&json!({ "requestedAt": at }));
    let twice = json!({ "changes": [with(&json!({}))["changes"][0], with(&json!({}))["changes"][0]] });
    let many: Vec<Value> = (0..1001).map(|n| id(&format!("r{n}"))["changes"][0].clone()).collect();
    vec![
        refused("a decrease to 0 is an unsubscription", LICENSES, quantity(0), "greater than or equal to 1"),
        refused("quantities are bounded", LICENSES, quantity(100_001), "less than or equal to 100000"),
        refused("ids are plain", LICENSES, id("a b"), "spec.changes[0].id"),
        refused("ids are unique", LICENSES, twice, "Duplicate value"),
        refused("at most 1000 changes", LICENSES, json!({ "changes": many }), "must have at most 1000 items"),
        accepted("requestedAt is a time", LICENSES, requested("2026-10-25T00:00:00+02:00")),
        refused("requestedAt is a time", LICENSES, requested("now"), "requestedAt"),
    ]
}
