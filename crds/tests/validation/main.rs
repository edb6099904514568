//! Every validation rule of the kinds, against a real API server: accepted once, refused once, with the message that a user reads.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

mod changes;
mod claims;
mod grants;
mod instances;
mod pbx;
mod reach;

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
const NAME_CLAIM: &str = "FqdnClaim";
const TRIAL_CLAIM: &str = "TrialClaim";

fn api(client: &Client, kind: &str) -> (Api<DynamicObject>, ApiResource) {
    let plural = format!("{}s", kind.to_lowercase());
    let resource = ApiResource {
        group: ecqx_crds::GROUP.into(),
        version: "v1alpha1".into(),
        api_version: format!("{}/v1alpha1", ecqx_crds::GROUP),
        kind: kind.into(),
        plural,
    };
    let api = if [NAME_CLAIM, TRIAL_CLAIM].contains(&kind) {
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
    let tables = [instances::rules(), pbx::rules(), reach::rules(), grants::rules(), changes::rules(), claims::rules()];
    let cases: Vec<Case> = tables.into_iter().flatten().collect();
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
