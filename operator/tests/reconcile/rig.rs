//! A control plane with the operator running in this process, and the words that the tests speak in.

use std::{net::SocketAddr, time::Duration};

use ecqx_crds::{EcqxInstance, EcqxInstanceSpec, Grant, LicenseSet, LicenseSetSpec, condition};
use ecqx_domain::{feature::Feature, ledger::Term, settings::Settings};
use ecqx_operator::{
    build::PbxDefaults,
    clock::Clock,
    controller, health,
    naming::{NameServers, Naming, Whereabouts},
};
use ecqx_tests::{ControlPlane, kinds};
use k8s_openapi::{
    ClusterResourceScope, NamespaceResourceScope,
    api::{
        admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
        apps::v1::StatefulSet,
        core::v1::Namespace,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams},
    client::ClientBuilder,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;

/// The user that the operator acts as, by which its writes are told in the audit log.
const OPERATOR: &str = "operator-under-test";
/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_mins(1);

/// A zone of which every name is handed over to external-dns.
pub const HANDED_OVER: &str = "external.example";

pub struct Rig {
    control_plane: ControlPlane,
    pub client: Client,
    operator: JoinHandle<()>,
    stop: CancellationToken,
    audited_before: usize,
    settings: Settings,
    name_servers: Option<SocketAddr>,
}

impl Rig {
    pub async fn start() -> Self {
        Self::start_with(&json!({})).await
    }

    /// With these decisions of the provider.
    pub async fn start_with(settings: &Value) -> Self {
        Self::start_asking(settings, None).await
    }

    /// With name servers that are asked at this address.
    pub async fn start_asking(settings: &Value, name_servers: Option<SocketAddr>) -> Self {
        let settings = Settings::parse(&settings.to_string()).unwrap();
        let control_plane = ControlPlane::start().await.unwrap();
        let client = control_plane.client();
        kinds::install(&client).await.unwrap();
        let (operator, stop) = run_operator(&control_plane, &settings, name_servers, None);
        Self { control_plane, client, operator, stop, audited_before: 0, settings, name_servers }
    }

    /// The operator ends and another one starts, as after an upgrade.
    pub async fn restart(mut self) -> Self {
        self.stop.cancel();
        (&mut self.operator).await.unwrap();
        self.audited_before = self.audited().len();
        (self.operator, self.stop) = self.run_operator(None);
        self
    }

    /// The operator is gone at once, and another one starts, whose client has a fault.
    pub async fn replace(&mut self, fault: Option<Fault>) {
        self.operator.abort();
        let _ = (&mut self.operator).await;
        self.audited_before = self.audited().len();
        (self.operator, self.stop) = self.run_operator(fault);
    }

    /// Another operator beside the one that runs, until the token is cancelled.
    pub fn another(&self) -> (JoinHandle<()>, CancellationToken) {
        self.run_operator(None)
    }

    fn run_operator(&self, fault: Option<Fault>) -> (JoinHandle<()>, CancellationToken) {
        run_operator(&self.control_plane, &self.settings, self.name_servers, fault)
    }

    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The operator is gone at once.
    pub async fn kill_operator(&mut self) {
        self.operator.abort();
        let _ = (&mut self.operator).await;
    }

    /// And comes again.
    pub fn start_operator(&mut self) {
        (self.operator, self.stop) = self.run_operator(None);
    }

    pub async fn outage(&self, how_long: Duration) {
        self.control_plane.stop_api_server().unwrap();
        tokio::time::sleep(how_long).await;
        self.control_plane.start_api_server().unwrap();
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.operator.await.unwrap();
        self.control_plane.stop().await.unwrap();
    }

    pub fn all<K: Resource<DynamicType = (), Scope = ClusterResourceScope>>(&self) -> Api<K> {
        Api::all(self.client.clone())
    }

    pub fn within<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub async fn namespace(&self, name: &str) {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        self.all::<Namespace>().create(&PostParams::default(), &namespace).await.unwrap();
    }

    pub async fn instance(&self, namespace: &str, name: &str, hostname: &str) -> EcqxInstance {
        self.within(namespace)
            .create(&PostParams::default(), &EcqxInstance::new(name, EcqxInstanceSpec::of(hostname)))
            .await
            .unwrap()
    }

    pub async fn instance_of(&self, namespace: &str, name: &str, spec: Value) -> EcqxInstance {
        let spec = serde_json::from_value(spec).unwrap();
        self.within(namespace).create(&PostParams::default(), &EcqxInstance::new(name, spec)).await.unwrap()
    }

    pub async fn licenses(&self, namespace: &str, name: &str, extensions: i32) {
        let grant = Grant {
            id: "extensions".to_owned(),
            feature: Feature::IpPhoneExtension,
            quantity: extensions,
            term: Term::Paid,
            granted_at: None,
            order_ref: None,
            days: None,
        };
        let set = LicenseSet::new(name, LicenseSetSpec { grants: vec![grant], ..LicenseSetSpec::default() });
        let sets: Api<LicenseSet> = self.within(namespace);
        sets.patch(name, &PatchParams::apply("somebody"), &Patch::Apply(&set)).await.unwrap();
    }

    /// A definition of a newer version, which knows one feature more; waits until it is in force.
    pub async fn know_more_features(&self) {
        let definitions =
            Api::<DynamicObject>::all_with(self.client.clone(), &ApiResource::erase::<CustomResourceDefinition>(&()));
        let mut definition = definitions.get("licensesets.ecqx.epygicloud.com").await.unwrap();
        let feature =
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/grants/items/properties/feature/enum";
        definition.data.pointer_mut(feature).unwrap().as_array_mut().unwrap().push(json!("Telepathy"));
        let name = "licensesets.ecqx.epygicloud.com";
        definitions.replace(name, &PostParams::default(), &definition).await.unwrap();
        let probe = json!({ "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet", "metadata": { "name": "probe" },
            "spec": { "grants": [{ "id": "x", "feature": "Telepathy", "quantity": 1 }] } });
        let probe: DynamicObject = serde_json::from_value(probe).unwrap();
        let sets = Api::<DynamicObject>::namespaced_with(
            self.client.clone(),
            "default",
            &ApiResource::erase::<LicenseSet>(&()),
        );
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        self.eventually("the newer definition is in force", async || sets.create(&dry, &probe).await.is_ok()).await;
    }

    /// A policy of the cluster that refuses images whose name begins with `forbidden/`; waits until it is in force.
    pub async fn forbid_images(&self) {
        let policy = json!({
            "metadata": { "name": "test" },
            "spec": {
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["statefulsets"],
                }] },
                "validations": [{
                    "expression": "object.spec.template.spec.containers.all(c, !c.image.startsWith('forbidden/'))",
                    "message": "not in this cluster",
                }],
            },
        });
        let binding = json!({
            "metadata": { "name": "test" },
            "spec": { "policyName": "test", "validationActions": ["Deny"] },
        });
        let policy: ValidatingAdmissionPolicy = serde_json::from_value(policy).unwrap();
        let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(binding).unwrap();
        self.all().create(&PostParams::default(), &policy).await.unwrap();
        self.all().create(&PostParams::default(), &binding).await.unwrap();
        let labels = json!({ "app": "probe" });
        let probe = json!({
            "metadata": { "name": "probe" },
            "spec": {
                "serviceName": "probe", "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "probe", "image": "forbidden/probe" }] },
                },
            },
        });
        let probe: StatefulSet = serde_json::from_value(probe).unwrap();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let sets = self.within::<StatefulSet>("default");
        self.eventually("the policy is in force", async || sets.create(&dry, &probe).await.is_err()).await;
    }

    pub async fn get(&self, namespace: &str, name: &str) -> EcqxInstance {
        self.within(namespace).get(name).await.unwrap()
    }

    pub async fn patch(&self, namespace: &str, name: &str, patch: Value) {
        let instances: Api<EcqxInstance> = self.within(namespace);
        instances.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    pub async fn delete_instance(&self, namespace: &str, name: &str) {
        let instances: Api<EcqxInstance> = self.within(namespace);
        instances.delete(name, &DeleteParams::default()).await.unwrap();
        self.eventually("the instance is gone", async || instances.get_opt(name).await.unwrap().is_none()).await;
    }

    /// Status and message of a condition; both empty while there is none.
    pub async fn condition(&self, namespace: &str, name: &str, type_: &str) -> (String, String) {
        let status = self.get(namespace, name).await.status.unwrap_or_default();
        find(&status.conditions, type_).map_or_else(Default::default, |c| (c.status.clone(), c.message.clone()))
    }

    /// Since when a condition has its status.
    pub async fn since(&self, namespace: &str, name: &str, type_: &str) -> jiff::Timestamp {
        let status = self.get(namespace, name).await.status.unwrap_or_default();
        find(&status.conditions, type_).unwrap().last_transition_time.0
    }

    pub async fn until(&self, namespace: &str, name: &str, type_: &str, status: &str) {
        self.eventually(&format!("{name} has {type_}={status}"), async || {
            self.condition(namespace, name, type_).await.0 == status
        })
        .await;
    }

    /// The licence set's message on what is held back.
    pub async fn held_back(&self, namespace: &str, name: &str) -> Option<String> {
        let set: LicenseSet = self.within(namespace).get(name).await.unwrap();
        let conditions = set.status.unwrap_or_default().conditions;
        find(&conditions, condition::LIMITS_HELD_BACK).map(|c| c.message.clone())
    }

    pub async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let started = tokio::time::Instant::now();
        while !holds().await {
            assert!(started.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the operator has written nothing for a second.
    pub async fn settled(&self) {
        let (mut seen, mut since) = (self.writes(), tokio::time::Instant::now());
        self.eventually("the operator comes to rest", async || {
            let now = self.writes();
            if now != seen {
                (seen, since) = (now, tokio::time::Instant::now());
            }
            since.elapsed() > Duration::from_secs(1)
        })
        .await;
    }

    /// How many writes the operator has made in all.
    pub fn writes(&self) -> usize {
        self.audited().len()
    }

    /// How often the operators have listed a kind.
    pub fn lists(&self, kind: &str) -> usize {
        let of = |event: &&Value| event["verb"] == "list" && event["objectRef"]["resource"] == kind;
        self.asked().iter().filter(of).count()
    }

    /// All of them.
    pub fn written(&self) -> Vec<String> {
        self.audited()
    }

    pub fn writes_since_restart(&self) -> Vec<String> {
        self.audited().split_off(self.audited_before)
    }

    /// How many of the writes since the restart were about objects with this in their path.
    pub fn writes_about(&self, part: &str) -> usize {
        self.writes_since_restart().iter().filter(|write| write.contains(part)).count()
    }

    /// How many objects with this in their path the operator has made in all: the API server answers 201 then, and only then.
    pub fn made(&self, part: &str) -> Vec<String> {
        self.audited().into_iter().filter(|write| write.contains(part) && write.ends_with(" 201")).collect()
    }

    /// The write, events aside, before the first deletion of an object with this in its path.
    pub fn before_deletion_of(&self, part: &str) -> String {
        let all: Vec<String> = self.audited().into_iter().filter(|write| !write.contains("/events")).collect();
        let deletion = all.iter().position(|write| write.contains(part) && write.starts_with("\"delete\"")).unwrap();
        all[deletion - 1].clone()
    }

    /// The deletions of objects with this in their path.
    pub fn deleted(&self, part: &str) -> Vec<String> {
        self.audited().into_iter().filter(|write| write.contains(part) && write.starts_with("\"delete\"")).collect()
    }

    /// Verb, path and answer of each write of the operator, from the API server's audit log.
    fn audited(&self) -> Vec<String> {
        let writes = ["create", "update", "patch", "delete"];
        self.asked()
            .into_iter()
            .filter(|event| writes.contains(&event["verb"].as_str().unwrap_or_default()))
            .map(|event| format!("{} {} {}", event["verb"], event["requestURI"], event["responseStatus"]["code"]))
            .collect()
    }

    /// What the operator asked of the API server.
    fn asked(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.control_plane.audit_log_path()).unwrap();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["impersonatedUser"]["username"] == OPERATOR).collect()
    }
}

fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

fn run_operator(
    control_plane: &ControlPlane,
    settings: &Settings,
    name_servers: Option<SocketAddr>,
    fault: Option<Fault>,
) -> (JoinHandle<()>, CancellationToken) {
    let mut config = control_plane.config();
    config.auth_info.impersonate = Some(OPERATOR.to_owned());
    config.auth_info.impersonate_groups = Some(vec!["system:masters".to_owned()]);
    let builder = ClientBuilder::try_from(config).unwrap();
    let client = match fault {
        Some(fault) => builder.with_layer(&fault).build(),
        None => builder.build(),
    };
    let defaults = PbxDefaults {
        image: "ecqx/pbx:test".to_owned(),
        cpu: "50m".to_owned(),
        memory: "128Mi".to_owned(),
        image_pull_secrets: Vec::new(),
        operator_namespace: "ecqx-system".to_owned(),
    };
    let naming = Naming {
        name_servers: name_servers.map(|at| NameServers::new(Whereabouts::At(vec![at])).unwrap()),
        hands_over: settings.zone == HANDED_OVER,
        ..Naming::default()
    };
    let (settings, stop) = (settings.clone(), CancellationToken::new());
    let running =
        controller::run(client, settings, defaults, naming, Clock::system(), health::Ready::default(), stop.clone());
    (tokio::spawn(async move { running.await.unwrap() }), stop)
}
