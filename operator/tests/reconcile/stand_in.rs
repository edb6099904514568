//! A stand-in for the StatefulSet controller, the kubelet and the agent of one instance: makes the pod that is missing, of the
//! newest template, and says that it is ready; its agent has applied the limits as they stand. I/O: HTTP on an address of the
//! loopback net.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::get};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Pod},
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use pbx_contract::{AGENT_PORT, AgentStatus, Document as _, LimitsFile, Usage};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

static LAST: AtomicU16 = AtomicU16::new(0);

pub struct StandIn {
    state: Agent,
    tasks: [AbortHandle; 2],
}

#[derive(Clone)]
struct Agent {
    client: Client,
    namespace: String,
    instance: String,
    address: Ipv4Addr,
    calls: Arc<AtomicU32>,
    sips: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
}

impl StandIn {
    pub async fn start(client: &Client, namespace: &str, instance: &str) -> Self {
        let [high, low] = LAST.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let process = u8::try_from(std::process::id() % 200).unwrap() + 20;
        let address = Ipv4Addr::new(127, process, 100 + high, low + 1);
        let state = Agent {
            client: client.clone(),
            namespace: namespace.to_owned(),
            instance: instance.to_owned(),
            address,
            calls: Arc::default(),
            sips: Arc::default(),
            silent: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((address, AGENT_PORT))).await.unwrap();
        let router = Router::new().route("/v1/status", get(status)).with_state(state.clone());
        let agent = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        let controller = tokio::spawn(state.clone().play()).abort_handle();
        Self { state, tasks: [agent, controller] }
    }

    pub fn address(&self) -> String {
        self.state.address.to_string()
    }

    /// From now on there are so many calls in progress.
    pub fn has_calls(&self, calls: u32) {
        self.state.calls.store(calls, Ordering::Relaxed);
    }

    /// Whether the agent can say from now on what is in use.
    pub fn knows_calls(&self, known: bool) {
        self.state.silent.store(!known, Ordering::Relaxed);
    }

    /// From now on SIP over TLS is answered.
    pub fn answers_sips(&self) {
        self.state.sips.store(true, Ordering::Relaxed);
    }

    /// The pod, once it is ready.
    pub async fn ready_pod(&self) -> Pod {
        loop {
            let pod = self.state.pods().get_opt(&self.state.pod()).await.unwrap();
            if let Some(pod) = pod.filter(is_ready) {
                return pod;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The pod is ready again.
    pub async fn comes_up(&self) {
        self.state.report(true, &json!({ "running": {} })).await;
    }

    /// The container of the pod waits for this.
    pub async fn breaks(&self, reason: &str) {
        let state = json!({ "waiting": { "reason": reason } });
        self.state.report(false, &state).await;
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

impl Agent {
    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn pod(&self) -> String {
        format!("ecqx-{}-0", self.instance)
    }

    async fn play(self) {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let sets: Api<StatefulSet> = Api::namespaced(self.client.clone(), &self.namespace);
            let Some(set) = sets.get_opt(&format!("ecqx-{}", self.instance)).await.unwrap() else { continue };
            let revision = revision(&set);
            let newest = set.status.as_ref().and_then(|status| status.update_revision.as_ref());
            if newest != Some(&revision) {
                let status = json!({ "status": {
                    "replicas": 1, "observedGeneration": set.metadata.generation, "updateRevision": revision,
                } });
                sets.patch_status(&set.name_any(), &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
            }
            if self.pods().get_opt(&self.pod()).await.unwrap().is_none() {
                self.make(&revision).await;
            }
        }
    }

    async fn make(&self, revision: &str) {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": self.pod(), "labels": {
                "app.kubernetes.io/managed-by": "ecqx-operator", "app.kubernetes.io/instance": self.instance,
                "controller-revision-hash": revision,
            } },
            "spec": { "containers": [{ "name": "pbx", "image": "ecqx/pbx:test" }] },
        }))
        .unwrap();
        self.pods().create(&PostParams::default(), &pod).await.unwrap();
        self.report(true, &json!({ "running": {} })).await;
    }

    async fn report(&self, is_ready: bool, state: &Value) {
        let ready = if is_ready { "True" } else { "False" };
        let status = json!({ "status": {
            "phase": "Running",
            "podIP": self.address, "podIPs": [{ "ip": self.address }],
            "conditions": [{ "type": "Ready", "status": ready }],
            "containerStatuses": [{
                "name": "pbx", "image": "ecqx/pbx:test", "imageID": "", "ready": is_ready, "restartCount": 0, "state": state,
            }],
        } });
        self.pods().patch_status(&self.pod(), &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }
}

/// Another for another template, and only then.
fn revision(set: &StatefulSet) -> String {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    serde_json::to_string(&set.spec.as_ref().unwrap().template).unwrap().hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

async fn status(State(agent): State<Agent>) -> Json<AgentStatus> {
    let config_maps: Api<ConfigMap> = Api::namespaced(agent.client.clone(), &agent.namespace);
    let limits = config_maps.get(&format!("ecqx-{}-limits", agent.instance)).await.unwrap().data.unwrap();
    let applied_generation = Some(LimitsFile::parse(&limits["limits.json"]).unwrap().generation);
    let usage_unknown = agent.silent.load(Ordering::Relaxed);
    let calls = if usage_unknown { 0 } else { agent.calls.load(Ordering::Relaxed) };
    let usage = Usage { active_calls: calls, ..Usage::default() };
    let sips = agent.sips.load(Ordering::Relaxed);
    Json(AgentStatus { ready: true, applied_generation, usage, usage_unknown, sips, ..AgentStatus::default() })
}
