//! A control plane, the operator's process with a clock of its own, and the words that the tests speak in.

use std::time::Duration;

use ecqx_crds::{
    EcqxInstance, EcqxInstanceStatus, FqdnClaim, InstancePhase, LicenseSet, LicenseSetStatus, TrialClaim, Verdict,
};
use ecqx_tests::{ControlPlane, kinds};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ClusterResourceScope, NamespaceResourceScope,
    api::{apps::v1::StatefulSet, core::v1::Namespace, events::v1::Event},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    kubelet::StandIn,
    process::{OPERATOR, Process, Setting},
};

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_mins(1);

pub struct Rig {
    control_plane: ControlPlane,
    pub client: Client,
    setting: Setting,
    operator: Option<Process>,
}

/// So many days of 24 hours.
pub fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub const SECOND: SignedDuration = SignedDuration::from_secs(1);

impl Rig {
    /// With the operator running, on the present day, with these settings of the provider.
    pub async fn start(settings: Value) -> Self {
        let control_plane = ControlPlane::start().await.unwrap();
        let client = control_plane.client();
        kinds::install(&client).await.unwrap();
        let setting = Setting::new(&control_plane, &settings);
        let operator = Some(setting.start());
        let rig = Self { control_plane, client, setting, operator };
        rig.eventually("the operator watches", async || rig.setting.log().contains("\"watching\"")).await;
        rig
    }

    pub async fn stop(mut self) {
        self.operator_stops();
        self.control_plane.stop().await.unwrap();
    }

    pub fn operator_stops(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.stop();
        }
    }

    pub fn operator_starts(&mut self) {
        self.operator = Some(self.setting.start());
    }

    /// For the operators that are started from now on.
    pub fn set_settings(&self, settings: &Value) {
        self.setting.set_settings(settings);
    }

    /// The operator's clock is set.
    pub fn travel_to(&self, now: Timestamp) {
        self.setting.set_clock(now);
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

    /// An instance that is named after its host name, written as a person would.
    pub async fn instance(&self, namespace: &str, hostname: &str, term: &str) {
        let instance = json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance",
            "metadata": { "name": hostname }, "spec": { "hostname": hostname, "term": term },
        });
        self.apply::<EcqxInstance>(namespace, hostname, &instance).await;
    }

    /// An instance that has come up.
    pub async fn running(&self, namespace: &str, hostname: &str, term: &str) -> StandIn {
        self.instance(namespace, hostname, term).await;
        self.eventually("the limits are written", async || {
            self.status(namespace, hostname).await.limits_generation.is_some()
        })
        .await;
        let pod = StandIn::start(&self.client, namespace, hostname).await;
        self.eventually("the instance is ready", async || self.is_ready(namespace, hostname).await).await;
        pod
    }

    pub async fn licenses(&self, namespace: &str, name: &str, spec: Value) {
        let set = json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet",
            "metadata": { "name": name }, "spec": spec,
        });
        self.apply::<LicenseSet>(namespace, name, &set).await;
    }

    async fn apply<K>(&self, namespace: &str, name: &str, object: &Value)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug,
        K: serde::de::DeserializeOwned,
    {
        let params = PatchParams::apply("a-person").force();
        self.within::<K>(namespace).patch(name, &params, &Patch::Apply(object)).await.unwrap();
    }

    pub async fn patch(&self, namespace: &str, name: &str, spec: Value) {
        self.try_patch(namespace, name, spec).await.unwrap();
    }

    pub async fn try_patch(&self, namespace: &str, name: &str, spec: Value) -> kube::Result<()> {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.within::<EcqxInstance>(namespace).patch(name, &PatchParams::default(), &patch).await.map(drop)
    }

    pub async fn delete_instance(&self, namespace: &str, name: &str) {
        let instances: Api<EcqxInstance> = self.within(namespace);
        instances.delete(name, &DeleteParams::default()).await.unwrap();
        self.eventually("the instance is gone", async || instances.get_opt(name).await.unwrap().is_none()).await;
    }

    pub async fn status(&self, namespace: &str, name: &str) -> EcqxInstanceStatus {
        self.within::<EcqxInstance>(namespace).get(name).await.unwrap().status.unwrap_or_default()
    }

    pub async fn licensed(&self, namespace: &str, name: &str) -> LicenseSetStatus {
        self.within::<LicenseSet>(namespace).get(name).await.unwrap().status.unwrap_or_default()
    }

    /// What may be used of a feature, by the limits of the instance.
    pub async fn limit(&self, namespace: &str, name: &str, feature: &str) -> i64 {
        self.status(namespace, name).await.limits.get(feature).copied().unwrap_or(0)
    }

    pub async fn verdict(&self, namespace: &str, name: &str, change: &str) -> Option<Verdict> {
        let status = self.licensed(namespace, name).await;
        status.changes.iter().find(|record| record.id == change).map(|record| record.verdict)
    }

    pub async fn until_limit(&self, namespace: &str, name: &str, feature: &str, limit: i64) {
        let what = format!("{name} has {limit} of {feature}");
        self.eventually(&what, async || self.limit(namespace, name, feature).await == limit).await;
    }

    pub async fn until_phase(&self, namespace: &str, name: &str, phase: InstancePhase) {
        let what = format!("{name} is {phase:?}");
        self.eventually(&what, async || self.status(namespace, name).await.phase == Some(phase)).await;
    }

    pub async fn is_ready(&self, namespace: &str, name: &str) -> bool {
        self.condition(namespace, name, "Ready").await.0 == "True"
    }

    /// Status and message of an instance's condition; both empty while there is none.
    pub async fn condition(&self, namespace: &str, name: &str, type_: &str) -> (String, String) {
        let conditions = self.status(namespace, name).await.conditions;
        let found = conditions.into_iter().find(|c| c.type_ == type_);
        found.map_or_else(Default::default, |c| (c.status, c.message))
    }

    pub async fn replicas(&self, namespace: &str, name: &str) -> Option<i32> {
        let set = self.within::<StatefulSet>(namespace).get_opt(&format!("ecqx-{name}")).await.unwrap();
        set.and_then(|set| set.spec).and_then(|spec| spec.replicas)
    }

    pub async fn until_replicas(&self, namespace: &str, name: &str, replicas: i32) {
        let what = format!("{name} has {replicas} replicas");
        self.eventually(&what, async || self.replicas(namespace, name).await == Some(replicas)).await;
    }

    pub async fn trial_claims(&self) -> Vec<TrialClaim> {
        self.all::<TrialClaim>().list(&ListParams::default()).await.unwrap().items
    }

    pub async fn name_claim(&self, hostname: &str) -> Option<FqdnClaim> {
        self.all::<FqdnClaim>().get_opt(&format!("{hostname}.epygicloud.com")).await.unwrap()
    }

    /// How often an event of this reason was told of an instance, repeats included.
    pub async fn events(&self, namespace: &str, name: &str, reason: &str) -> i32 {
        let events = self.within::<Event>(namespace).list(&ListParams::default()).await.unwrap().items;
        let of = |event: &&Event| {
            let about = event.regarding.as_ref().and_then(|regarding| regarding.name.as_deref());
            about == Some(name) && event.reason.as_deref() == Some(reason)
        };
        events.iter().filter(of).map(|event| event.series.as_ref().map_or(1, |series| series.count)).sum()
    }

    pub async fn until_events(&self, namespace: &str, name: &str, reason: &str, count: i32) {
        let what = format!("{count} events {reason} of {name}");
        self.eventually(&what, async || self.events(namespace, name, reason).await == count).await;
    }

    /// Waits until the operator has come round after its clock was set: it says so, and has then taken up a marker that was
    /// made after it.
    pub async fn come_round(&self, namespace: &str) {
        let marker = format!("marker-{}", self.writes().len());
        self.instance(namespace, &marker, "Paid").await;
        let what = "the operator has come round";
        self.eventually(what, async || self.status(namespace, &marker).await.phase.is_some()).await;
        self.settled().await;
        self.delete_instance(namespace, &marker).await;
    }

    /// Sets the clock and waits until the operator has taken note.
    pub async fn jump_to(&self, now: Timestamp) {
        let told = || self.setting.log().matches("the clock was set").count();
        let before = told();
        self.travel_to(now);
        self.eventually("the operator has noticed its clock", async || told() > before).await;
        self.settled().await;
    }

    /// Waits until the operator has written nothing for a second.
    pub async fn settled(&self) {
        let (mut seen, mut since) = (self.writes().len(), tokio::time::Instant::now());
        self.eventually("the operator comes to rest", async || {
            let now = self.writes().len();
            if now != seen {
                (seen, since) = (now, tokio::time::Instant::now());
            }
            since.elapsed() > Duration::from_secs(1)
        })
        .await;
    }

    /// Verb, path and answer of each write of the operator, from the API server's audit log.
    pub fn writes(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.control_plane.audit_log_path()).unwrap();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let writes = |event: &Value| {
            let verb = event["verb"].as_str().unwrap_or_default();
            event["impersonatedUser"]["username"] == OPERATOR && ["create", "update", "patch", "delete"].contains(&verb)
        };
        let told =
            |event: Value| format!("{} {} {}", event["verb"], event["requestURI"], event["responseStatus"]["code"]);
        events.filter(writes).map(told).collect()
    }

    pub async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let started = tokio::time::Instant::now();
        while !holds().await {
            assert!(started.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}\n{}", self.setting.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn uid(&self, namespace: &str, name: &str) -> Option<String> {
        self.within::<EcqxInstance>(namespace).get(name).await.unwrap().uid()
    }
}
