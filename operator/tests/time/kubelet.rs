//! A stand-in for the kubelet and for the agents in the pods: a pod that is ready, and an agent that has applied the limits file
//! as it stands. I/O: HTTP on addresses of the loopback net, one for each pod.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
};

use axum::{Json, Router, extract::State, routing::get};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use pbx_contract::{AGENT_PORT, AgentStatus, Document as _, LimitsFile, Usage};
use serde_json::json;
use tokio::task::AbortHandle;

/// The last address given: each pod of each test of this process has one of its own.
static LAST: AtomicU16 = AtomicU16::new(0);

/// A pod that stands in for an instance's PBX.
pub struct StandIn {
    pods: Api<Pod>,
    name: String,
    calls: Arc<AtomicU32>,
    agent: AbortHandle,
}

#[derive(Clone)]
struct Agent {
    config_maps: Api<ConfigMap>,
    limits: String,
    calls: Arc<AtomicU32>,
}

impl StandIn {
    /// The pod of an instance comes up.
    pub async fn start(client: &Client, namespace: &str, instance: &str) -> Self {
        let calls = Arc::<AtomicU32>::default();
        let address = next_address();
        let agent = Agent {
            config_maps: Api::namespaced(client.clone(), namespace),
            limits: format!("ecqx-{instance}-limits"),
            calls: calls.clone(),
        };
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((address, AGENT_PORT))).await.unwrap();
        let router = Router::new().route("/v1/status", get(status)).with_state(agent);
        let agent = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        let stand_in =
            Self { pods: Api::namespaced(client.clone(), namespace), name: format!("ecqx-{instance}-0"), calls, agent };
        stand_in.come_up(instance, address).await;
        stand_in
    }

    async fn come_up(&self, instance: &str, address: Ipv4Addr) {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": self.name, "labels": {
                "app.kubernetes.io/managed-by": "ecqx-operator", "app.kubernetes.io/instance": instance,
            } },
            "spec": { "containers": [{ "name": "pbx", "image": "ecqx/pbx:test" }] },
        }))
        .unwrap();
        self.pods.create(&PostParams::default(), &pod).await.unwrap();
        let status = json!({ "status": {
            "phase": "Running",
            "podIP": address, "podIPs": [{ "ip": address }],
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "pbx", "image": "ecqx/pbx:test", "imageID": "", "ready": true, "restartCount": 0,
                "state": { "running": {} },
            }],
        } });
        self.pods.patch_status(&self.name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }

    /// From now on there are so many calls in progress.
    pub fn has_calls(&self, calls: u32) {
        self.calls.store(calls, Ordering::Relaxed);
    }

    /// The pod goes, as when its StatefulSet wants none.
    pub async fn stop(self) {
        self.agent.abort();
        self.pods.delete(&self.name, &DeleteParams::default().grace_period(0)).await.unwrap();
    }
}

async fn status(State(agent): State<Agent>) -> Json<AgentStatus> {
    let limits = agent.config_maps.get(&agent.limits).await.unwrap().data.unwrap();
    let limits = LimitsFile::parse(&limits["limits.json"]).unwrap();
    let usage = Usage { active_calls: agent.calls.load(Ordering::Relaxed), ..Usage::default() };
    let applied_generation = Some(limits.generation);
    Json(AgentStatus { ready: true, applied_generation, usage, ..AgentStatus::default() })
}

/// Another address for each pod, and others than those of a process that runs at the same time.
fn next_address() -> Ipv4Addr {
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let process = u8::try_from(std::process::id() % 200).unwrap() + 20;
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, process, high, low.wrapping_add(1))
}
