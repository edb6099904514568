//! Every validation rule of the kinds, against a real API server: accepted once, refused once, with the message that a user reads.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

use ecqx_tests::{ControlPlane, kinds};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

/// A rule: what is created, what it is then changed to, and what the API server says to that; nothing when it accepts.
struct Case {
    rule: &'static str,
    kind: &'static str,
    first: Value,
    change: Option<Value>,
    refusal: Option<&'static str>,
}

fn accepted(rule: &'static str, kind: &'static str, first: Value) -> Case {
    Case { rule, kind, first, change: None, refusal: None }
}

fn refused(rule: &'static str, kind: &'static str, first: Value, message: &'static str) -> Case {
    Case { rule, kind, first, change: None, refusal: Some(message) }
}

fn change_accepted(rule: &'static str, kind: &'static str, first: Value, change: Value) -> Case {
    Case { rule, kind, first, change: Some(change), refusal: None }
}

fn change_refused(rule: &'static str, kind: &'static str, first: Value, change: Value, message: &'static str) -> Case {
    Case { rule, kind, first, change: Some(change), refusal: Some(message) }
}

const INSTANCE: &str = "EcqxInstance";
const LICENSES: &str = "LicenseSet";
const CLAIM: &str = "FqdnClaim";

fn instance_rules() -> Vec<Case> {
    let host = |hostname: &str| json!({ "hostname": hostname });
    let pbx = |pbx: Value| json!({ "hostname": "a", "pbx": pbx });
    let class = |name: &str| pbx(json!({ "storageClassName": name }));
    let named = |name: &str| json!({ "extensions": [{ "number": "101", "name": name }] });
    let extension = |number: &str| pbx(json!({ "extensions": [{ "number": number }] }));
    vec![
        accepted("hostname is a label", INSTANCE, host("syunikwin")),
        refused("hostname is a label", INSTANCE, host("Syunik Win"), "hostname must be a DNS label"),
        refused("hostname is one label", INSTANCE, host("a.b"), "hostname must be a DNS label"),
        refused("hostname has no outer hyphen", INSTANCE, host("-a"), "hostname must be a DNS label"),
        refused("hostname is not empty", INSTANCE, host(""), "should be at least 1 chars long"),
        refused("hostname is not too long", INSTANCE, host(&"a".repeat(64)), "may not be more than 63"),
        refused("hostname is needed", INSTANCE, json!({}), "spec.hostname: Required value"),
        change_accepted("displayName is free", INSTANCE, host("a"), json!({ "hostname": "a", "displayName": "B" })),
        accepted(
            "names in any script",
            INSTANCE,
            json!({ "hostname": "a", "displayName": "Հայկ \"& Co\"", "company": "株" }),
        ),
        refused("displayName is one line", INSTANCE, json!({ "hostname": "a", "displayName": "a\nb" }), "displayName"),
        refused("company is one line", INSTANCE, json!({ "hostname": "a", "company": "a\u{1b}[0m" }), "spec.company"),
        refused("extension names are one line", INSTANCE, pbx(named("a\r\nb")), "spec.pbx.extensions[0].name"),
        accepted("image is a reference", INSTANCE, pbx(json!({ "image": "[::1]:5000/ecqx/pbx:v1@sha256:00ff" }))),
        refused("image is a reference", INSTANCE, pbx(json!({ "image": " ecqx/pbx" })), "spec.pbx.image"),
        change_refused("hostname is immutable", INSTANCE, host("a"), host("b"), "hostname is immutable"),
        change_accepted(
            "Trial to Paid",
            INSTANCE,
            json!({ "hostname": "a", "term": "Trial" }),
            json!({ "hostname": "a", "term": "Paid" }),
        ),
        change_refused(
            "never Paid to Trial",
            INSTANCE,
            host("a"),
            json!({ "hostname": "a", "term": "Trial" }),
            "term can only change from Trial to Paid",
        ),
        refused(
            "term is known",
            INSTANCE,
            json!({ "hostname": "a", "term": "Free" }),
            "supported values: \"Trial\", \"Paid\"",
        ),
        accepted("storage is a size", INSTANCE, pbx(json!({ "storage": "10Gi" }))),
        refused("storage is a size", INSTANCE, pbx(json!({ "storage": "lots" })), "spec.pbx.storage"),
        change_refused(
            "storage is immutable",
            INSTANCE,
            host("a"),
            pbx(json!({ "storage": "2Gi" })),
            "storage is immutable",
        ),
        change_accepted("storageClassName stays", INSTANCE, class("fast"), class("fast")),
        change_refused(
            "storageClassName is immutable",
            INSTANCE,
            class("fast"),
            class("slow"),
            "storageClassName is immutable",
        ),
        accepted("extension numbers are digits", INSTANCE, extension("2001")),
        refused("extension numbers are digits", INSTANCE, extension("12a"), "spec.pbx.extensions[0].number"),
        refused("extension numbers are not too long", INSTANCE, extension("123456789"), "may not be more than 8"),
        refused(
            "extension numbers are unique",
            INSTANCE,
            pbx(json!({ "extensions": [{ "number": "101" }, { "number": "101" }] })),
            "Duplicate value",
        ),
        refused(
            "at most 3000 extensions",
            INSTANCE,
            pbx(
                json!({ "extensions": (0..3001).map(|n| json!({ "number": (10_000 + n).to_string() })).collect::<Vec<_>>() }),
            ),
            "must have at most 3000 items",
        ),
    ]
}

fn license_rules() -> Vec<Case> {
    let granted =
        |at: &str| json!({ "grants": [{ "id": "a", "feature": "CallRecording", "quantity": 1, "grantedAt": at }] });
    let grant =
        |feature: &str, quantity: i64| json!({ "grants": [{ "id": "a", "feature": feature, "quantity": quantity }] });
    vec![
        accepted("a grant", LICENSES, grant("IpPhoneExtension", 10)),
        accepted("no grant at all", LICENSES, json!({})),
        accepted("times are RFC 3339", LICENSES, granted("2026-11-22T12:00:00.5+04:00")),
        refused("times have an offset that exists", LICENSES, granted("2026-11-22T12:00:00+99:99"), "grantedAt"),
        refused("times are within every calendar", LICENSES, granted("9999-12-31T23:59:59Z"), "grantedAt"),
        refused("times are of a day that exists", LICENSES, granted("2026-02-30T12:00:00Z"), "grantedAt"),
        refused("times are of an hour that exists", LICENSES, granted("2026-11-22T25:00:00Z"), "grantedAt"),
        refused("times are of a minute that exists", LICENSES, granted("2026-11-22T12:61:00Z"), "grantedAt"),
        refused("times are of a second that exists", LICENSES, granted("2026-11-22T12:00:61Z"), "grantedAt"),
        refused("fractions follow a point", LICENSES, granted("2026-11-22T12:00:00x5Z"), "grantedAt"),
        refused("features are known", LICENSES, grant("Phones", 1), "supported values: \"IpPhoneExtension\""),
        refused("quantity is at least 1", LICENSES, grant("CallRecording", 0), "should be greater than or equal to 1"),
        refused(
            "quantity is bounded",
            LICENSES,
            grant("CallRecording", 100_001),
            "should be less than or equal to 100000",
        ),
        refused(
            "term is known",
            LICENSES,
            json!({ "grants": [{ "id": "a", "feature": "CallRecording", "quantity": 1, "term": "Gift" }] }),
            "supported values: \"Paid\", \"Trial\", \"Promotion\"",
        ),
        refused(
            "ids are unique",
            LICENSES,
            json!({ "grants": [
                { "id": "a", "feature": "CallRecording", "quantity": 1 },
                { "id": "a", "feature": "CallRecording", "quantity": 2 },
            ] }),
            "Duplicate value",
        ),
        refused(
            "ids are plain",
            LICENSES,
            json!({ "grants": [{ "id": "a b", "feature": "CallRecording", "quantity": 1 }] }),
            "spec.grants[0].id",
        ),
        refused(
            "grantedAt is a time",
            LICENSES,
            json!({ "grants": [{ "id": "a", "feature": "CallRecording", "quantity": 1, "grantedAt": "tomorrow" }] }),
            "grantedAt",
        ),
        refused(
            "at most 1000 grants",
            LICENSES,
            json!({ "grants": (0..1001).map(|n| json!({ "id": format!("g{n}"), "feature": "CallRecording", "quantity": 1 })).collect::<Vec<_>>() }),
            "must have at most 1000 items",
        ),
        change_accepted("a quantity may be raised", LICENSES, grant("CallRecording", 1), grant("CallRecording", 2)),
        change_refused(
            "a grant keeps its feature",
            LICENSES,
            grant("CallRecording", 1),
            grant("AudioConference", 1),
            "a grant's feature cannot change",
        ),
    ]
}

fn claim_rules() -> Vec<Case> {
    let held = |namespace: &str, uid: &str| json!({ "holder": { "namespace": namespace, "name": "a", "uid": uid } });
    vec![
        change_accepted("a claim passes on in its namespace", CLAIM, held("one", "1"), held("one", "2")),
        change_refused(
            "a claim stays with its namespace",
            CLAIM,
            held("one", "1"),
            held("two", "1"),
            "a name stays with the namespace that claimed it",
        ),
        refused("a claim has a holder", CLAIM, json!({}), "spec.holder: Required value"),
    ]
}

fn api(client: &Client, kind: &str) -> (Api<DynamicObject>, ApiResource) {
    let plural = format!("{}s", kind.to_lowercase());
    let resource = ApiResource {
        group: ecqx_crds::GROUP.into(),
        version: "v1alpha1".into(),
        api_version: format!("{}/v1alpha1", ecqx_crds::GROUP),
        kind: kind.into(),
        plural,
    };
    let api = if kind == CLAIM {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(client.clone(), "default", &resource)
    };
    (api, resource)
}

/// What the API server says to the case's last write.
async fn verdict(client: &Client, case: &Case, name: &str) -> Result<(), String> {
    let (api, resource) = api(client, case.kind);
    let object = |spec: &Value| {
        let mut object = DynamicObject::new(name, &resource);
        object.data = json!({ "spec": spec });
        object
    };
    let created = api.create(&PostParams::default(), &object(&case.first)).await;
    let Some(change) = &case.change else { return created.map(drop).map_err(|e| e.to_string()) };
    created.unwrap_or_else(|e| panic!("{}: the first state was refused: {e}", case.rule));
    let patch = Patch::Merge(json!({ "spec": change }));
    api.patch(name, &PatchParams::default(), &patch).await.map(drop).map_err(|e| e.to_string())
}

#[tokio::test]
async fn each_rule_accepts_what_it_should_and_refuses_the_rest_with_its_message() {
    let control_plane = ControlPlane::start().await.unwrap();
    let client = control_plane.client();
    kinds::install(&client).await.unwrap();
    let cases: Vec<Case> = [instance_rules(), license_rules(), claim_rules()].into_iter().flatten().collect();
    let mut faults = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        match (verdict(&client, case, &format!("case-{index}")).await, case.refusal) {
            (Ok(()), None) => {}
            (Err(said), Some(message)) if said.contains(message) => {}
            (said, wanted) => faults.push(format!("{}: wanted {wanted:?}, the API server said {said:?}", case.rule)),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    control_plane.stop().await.unwrap();
}

#[tokio::test]
async fn names_that_make_no_children_are_refused() {
    let control_plane = ControlPlane::start().await.unwrap();
    let client = control_plane.client();
    kinds::install(&client).await.unwrap();
    let case = accepted("metadata.name", INSTANCE, json!({ "hostname": "a" }));
    assert_eq!(verdict(&client, &case, &"a".repeat(47)).await, Ok(()));
    let long = verdict(&client, &case, &"a".repeat(48)).await.unwrap_err();
    assert!(long.contains("metadata.name must have at most 47 characters"), "{long}");
    let dotted = verdict(&client, &case, "a.b").await.unwrap_err();
    assert!(dotted.contains("metadata.name must be a DNS label"), "{dotted}");
    control_plane.stop().await.unwrap();
}
