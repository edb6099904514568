//! A control plane with the charts applied, and the users of the tests. I/O: that API server.

use std::time::{Duration, Instant};

use ecqx_tests::{ControlPlane, kinds};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::helm::{apply, render};

/// The reseller's namespace.
pub const RESELLER: &str = "reseller-7";
/// The release's namespace.
pub const RELEASE: &str = "ecqx-system";
/// One of the reseller's own users.
pub const ALICE: &str = "alice";
/// Somebody who has every verb of the API on every kind, and no duty.
pub const BOB: &str = "bob";
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Stage {
    control_plane: ControlPlane,
}

impl Stage {
    pub async fn set() -> Self {
        let control_plane = ControlPlane::start().await.unwrap();
        kinds::install(&control_plane.client()).await.unwrap();
        let stage = Self { control_plane };
        for namespace in [RELEASE, RESELLER, "reseller-8"] {
            let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
            apply(&stage.control_plane, &object.to_string(), &[]).unwrap();
        }
        apply(&stage.control_plane, &render("ecqx", &[]).unwrap(), &[]).unwrap();
        apply(&stage.control_plane, &roles().to_string(), &[]).unwrap();
        stage.until_in_force().await;
        stage
    }

    pub async fn down(self) {
        self.control_plane.stop().await.unwrap();
    }

    pub fn admin(&self) -> Client {
        self.control_plane.client()
    }

    pub fn client(&self, user: &str) -> Client {
        self.control_plane.client_as(user, &["system:authenticated"]).unwrap()
    }

    pub fn service_account(&self, component: &str) -> Client {
        let user = format!("system:serviceaccount:{RELEASE}:ecqx-{component}");
        let groups = ["system:serviceaccounts", "system:authenticated"];
        self.control_plane.client_as(&user, &groups).unwrap()
    }

    /// The API server takes a policy up some time after it was written: one wrong write for each is tried until it is refused.
    async fn until_in_force(&self) {
        let wrong = [
            ("LicenseSet", json!({ "grants": [{ "id": "a", "feature": "CallRecording", "quantity": 1 }] })),
            ("EcqxInstance", json!({ "hostname": "probe" })),
            ("FqdnClaim", json!({ "holder": { "namespace": "a", "name": "a", "uid": "a" } })),
            ("PortalOrder", super::duties::order()),
        ];
        let since = Instant::now();
        for (kind, spec) in wrong {
            let dry = PostParams { dry_run: true, ..PostParams::default() };
            let (api, object) = (api(&self.client(BOB), kind, RESELLER), object(kind, "probe", &spec));
            loop {
                let answer = api.create(&dry, &object).await.map(drop).map_err(|e| e.to_string());
                if answer.as_ref().is_err_and(|said| said.contains("ValidatingAdmissionPolicy")) {
                    break;
                }
                assert!(since.elapsed() < DEADLINE, "the policy for {kind} is not in force: {answer:?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Alice is bound to the chart's role in her namespace; Bob may do anything with the product's kinds but has no duty.
fn roles() -> Value {
    let bound = |kind: &str, name: &str, to: &str, user: &str, namespace: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": { "name": name, "namespace": namespace },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": to },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
        })
    };
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let every_verb = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "every-verb" },
        "rules": [{ "apiGroups": [ecqx_crds::GROUP], "resources": ["*"], "verbs": verbs }],
    });
    json!({ "apiVersion": "v1", "kind": "List", "items": [
        every_verb,
        bound("RoleBinding", "users", "ecqx-reseller", ALICE, json!(RESELLER)),
        bound("ClusterRoleBinding", "every-verb", "every-verb", BOB, Value::Null),
    ] })
}

fn resource(kind: &str) -> ApiResource {
    ApiResource {
        group: ecqx_crds::GROUP.into(),
        version: "v1alpha1".into(),
        api_version: format!("{}/v1alpha1", ecqx_crds::GROUP),
        kind: kind.into(),
        plural: format!("{}s", kind.to_lowercase()),
    }
}

pub fn api(client: &Client, kind: &str, namespace: &str) -> Api<DynamicObject> {
    if kind.ends_with("Claim") {
        Api::all_with(client.clone(), &resource(kind))
    } else {
        Api::namespaced_with(client.clone(), namespace, &resource(kind))
    }
}

pub fn object(kind: &str, name: &str, spec: &Value) -> DynamicObject {
    DynamicObject::new(name, &resource(kind)).data(json!({ "spec": spec }))
}

pub async fn create(client: &Client, kind: &str, namespace: &str, name: &str, spec: &Value) -> Result<(), String> {
    let created = api(client, kind, namespace).create(&PostParams::default(), &object(kind, name, spec)).await;
    created.map(drop).map_err(|e| e.to_string())
}

pub async fn change(client: &Client, kind: &str, name: &str, spec: &Value) -> Result<(), String> {
    let patch = Patch::Merge(json!({ "spec": spec }));
    let changed = api(client, kind, RESELLER).patch(name, &PatchParams::default(), &patch).await;
    changed.map(drop).map_err(|e| e.to_string())
}

pub async fn report(client: &Client, kind: &str, name: &str) -> Result<(), String> {
    let patch = Patch::Merge(json!({ "status": { "observedGeneration": 1 } }));
    let reported = api(client, kind, RESELLER).patch_status(name, &PatchParams::default(), &patch).await;
    reported.map(drop).map_err(|e| e.to_string())
}
