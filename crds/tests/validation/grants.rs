//! The rules of a `LicenseSet`'s grants.

use serde_json::{Value, json};

use super::{Case, LICENSES, accepted, change_accepted, change_refused, refused};

pub fn rules() -> Vec<Case> {
    [entries(), ids(), times(), promotions()].into_iter().flatten().collect()
}

/// A set of one grant with these fields.
fn with(fields: &Value) -> Value {
    let mut grant = json!({ "id": "a", "feature": "CallRecording", "quantity": 1 });
    for (key, value) in fields.as_object().into_iter().flatten() {
        grant[key] = value.clone();
    }
    json!({ "grants": [grant] })
}

fn entries() -> Vec<Case> {
    let quantity = |quantity: i64| with(&json!({ "quantity": quantity }));
    let feature = |feature: &str| with(&json!({ "feature": feature }));
    let terms = "supported values: \"Paid\", \"Trial\", \"Promotion\"";
    vec![
        accepted("a grant", LICENSES, with(&json!({}))),
        accepted("no grant at all", LICENSES, json!({})),
        refused("features are known", LICENSES, feature("Phones"), "supported values: \"IpPhoneExtension\""),
        refused("quantity is at least 1", LICENSES, quantity(0), "should be greater than or equal to 1"),
        refused("quantity is bounded", LICENSES, quantity(100_001), "should be less than or equal to 100000"),
        refused("term is known", LICENSES, with(&json!({ "term": "Gift" })), terms),
        change_accepted("a quantity may be raised", LICENSES, quantity(1), quantity(2)),
        change_refused(
            "a grant keeps its feature",
            LICENSES,
            feature("CallRecording"),
            feature("AudioConference"),
            "a grant's feature cannot change",
        ),
    ]
}

fn ids() -> Vec<Case> {
    let grant = |id: &str| json!({ "id": id, "feature": "CallRecording", "quantity": 1 });
    let grants = |ids: &[&str]| json!({ "grants": ids.iter().map(|id| grant(id)).collect::<Vec<_>>() });
    let many: Vec<Value> = (0..1001).map(|n| grant(&format!("g{n}"))).collect();
    vec![
        refused("ids are unique", LICENSES, grants(&["a", "a"]), "Duplicate value"),
        refused("ids are plain", LICENSES, grants(&["a b"]), "spec.grants[0].id"),
        refused("at most 1000 grants", LICENSES, json!({ "grants": many }), "must have at most 1000 items"),
    ]
}

fn times() -> Vec<Case> {
    let granted = |at: &str| with(&json!({ "grantedAt": at }));
    vec![
        accepted("times are RFC 3339", LICENSES, granted("2026-11-22T12:00:00.5+04:00")),
        refused("grantedAt is a time", LICENSES, granted("tomorrow"), "grantedAt"),
        refused("times have an offset that exists", LICENSES, granted("2026-11-22T12:00:00+99:99"), "grantedAt"),
        refused("times are within every calendar", LICENSES, granted("9999-12-31T23:59:59Z"), "grantedAt"),
        refused("times are of a day that exists", LICENSES, granted("2026-02-30T12:00:00Z"), "grantedAt"),
        refused("times are of an hour that exists", LICENSES, granted("2026-11-22T25:00:00Z"), "grantedAt"),
        refused("times are of a minute that exists", LICENSES, granted("2026-11-22T12:61:00Z"), "grantedAt"),
        refused("times are of a second that exists", LICENSES, granted("2026-11-22T12:00:61Z"), "grantedAt"),
        refused("fractions follow a point", LICENSES, granted("2026-11-22T12:00:00x5Z"), "grantedAt"),
    ]
}

fn promotions() -> Vec<Case> {
    let lasting = |term: &str, days: i64| with(&json!({ "term": term, "days": days }));
    let only = "days is for promotions";
    vec![
        accepted("a promotion has days", LICENSES, lasting("Promotion", 3660)),
        accepted("a promotion may have none", LICENSES, with(&json!({ "term": "Promotion" }))),
        refused("a trial has no days of its own", LICENSES, lasting("Trial", 30), only),
        refused("what is bought has no days", LICENSES, lasting("Paid", 30), only),
        refused("days are at least 1", LICENSES, lasting("Promotion", 0), "should be greater than or equal to 1"),
        refused("days are bounded", LICENSES, lasting("Promotion", 3661), "should be less than or equal to 3660"),
        change_refused("days stay with the promotion", LICENSES, lasting("Promotion", 30), lasting("Paid", 30), only),
    ]
}
