//! The order in which a cluster's parts are started, and what is waited for between them.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use kube::Client;

use super::{
    ability,
    api::{self, Addresses},
    binaries::Binaries,
    client,
    identity::Identity,
    images, machine,
    node::{self, NodePorts},
    parts::Parts,
    ready::{Kind, Ready},
    record, simulated, storage,
    supervise::Options,
    sweep,
};
use crate::ports::{self, Port};

/// The programs of a control plane.
const CONTROL_PLANE: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

/// Further programs for simulated nodes.
const SIMULATED: [&str; 2] = ["kube-scheduler", "kwok"];

/// Further programs of a real node.
const NODE: [&str; 12] = [
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "runc",
    "ptp",
    "loopback",
    "host-local",
    "portmap",
    "pause",
];

/// What is decided before the first part starts.
#[derive(Debug)]
pub(super) struct Plan {
    kind: Kind,
    nodes: u32,
    binaries: Binaries,
    addresses: Addresses,
    node_ports: NodePorts,
    _ports: [Port; 6],
}

impl Plan {
    /// Finds the programs, building them when they are missing, and free ports. Nothing is changed on the machine.
    pub(super) fn make(options: &Options) -> Result<Self> {
        let kind = options.kind;
        let further: &[&str] = match kind {
            Kind::ControlPlane => &[],
            Kind::Kwok => &SIMULATED,
            Kind::Cluster => &NODE,
        };
        if kind == Kind::Cluster {
            ability::check_programs()?;
        }
        let binaries = Binaries::find(&[&CONTROL_PLANE, further].concat())?;
        let ports: [Port; 6] = ports::lease()?;
        let [api, etcd, etcd_peer, kubelet, proxy_health, proxy_metrics] = ports.each_ref().map(|port| port.number);
        let addresses = Addresses { host: IpAddr::V4(Ipv4Addr::LOCALHOST), api, etcd, etcd_peer };
        let node_ports = NodePorts { kubelet, proxy_health, proxy_metrics };
        Ok(Self { kind, nodes: options.nodes, binaries, addresses, node_ports, _ports: ports })
    }
}

/// Starts everything and waits until it is of use.
pub(super) async fn start(parts: &mut Parts, plan: &mut Plan) -> Result<Ready> {
    if plan.kind == Kind::Cluster {
        plan.addresses.host = machine::prepare(&mut parts.record)?;
        parts.start(node::containerd(&plan.binaries, &parts.layout)?)?;
    }
    let (identity, client) = control_plane(parts, plan).await?;
    match plan.kind {
        Kind::ControlPlane => {}
        Kind::Kwok => {
            scheduling(parts, plan, &client).await?;
            simulated_nodes(parts, plan, &client).await?;
        }
        Kind::Cluster => {
            scheduling(parts, plan, &client).await?;
            real_node(parts, plan, &identity, &client).await?;
        }
    }
    let ready = ready(parts, plan);
    record::write_whole(&parts.layout.ready(), &serde_json::to_vec_pretty(&ready)?)?;
    Ok(ready)
}

/// How to reach what has been started.
fn ready(parts: &Parts, plan: &Plan) -> Ready {
    let real = plan.kind == Kind::Cluster;
    Ready {
        kind: plan.kind,
        dir: parts.layout.dir().to_owned(),
        kubeconfig: parts.layout.kubeconfig(),
        server: plan.addresses.server(),
        audit_log: parts.layout.audit_log(),
        supervisor: std::process::id(),
        binaries: plan.binaries.folder().to_owned(),
        node_address: real.then_some(plan.addresses.host),
        containerd: real.then(|| node::socket().into()),
    }
}

/// etcd, API server, controllers.
async fn control_plane(parts: &mut Parts, plan: &Plan) -> Result<(Identity, Client)> {
    let (binaries, at, kind) = (&plan.binaries, plan.addresses, plan.kind);
    parts.start(api::etcd(binaries, &parts.layout, at)?)?;
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), at.host, api::FIRST_SERVICE];
    let identity = Identity::create(&parts.layout, &at.server(), &own)?;
    parts.wait("etcd", || async move { tokio::net::TcpStream::connect(("127.0.0.1", at.etcd)).await.is_ok() }).await?;
    parts.tell("etcd up");
    parts.start(api::api_server(binaries, &parts.layout, &identity, at, kind)?)?;
    let client = client::own_client(&parts.layout.kubeconfig()).await?;
    parts.wait("kube-apiserver", || client::is_ready(&client)).await?;
    parts.tell("API server up");
    parts.start(api::controller_manager(binaries, &parts.layout, &identity, kind)?)?;
    parts.wait("kube-controller-manager", || client::takes_pods(&client)).await?;
    parts.tell("controllers up");
    Ok((identity, client))
}

/// The scheduler and the storage class: what pods wait for, on whatever node.
async fn scheduling(parts: &mut Parts, plan: &Plan, client: &Client) -> Result<()> {
    parts.start(api::scheduler(&plan.binaries, &parts.layout)?)?;
    storage::create_class(client).await?;
    tokio::spawn(storage::provision(client.clone(), parts.layout.path("volumes")));
    Ok(())
}

async fn simulated_nodes(parts: &mut Parts, plan: &Plan, client: &Client) -> Result<()> {
    parts.start(simulated::kwok(&plan.binaries, &parts.layout)?)?;
    simulated::create_nodes(client, plan.nodes).await?;
    parts.wait("kwok", || client::has_ready_node(client)).await?;
    parts.tell(&format!("{} simulated node(s) Ready", plan.nodes));
    Ok(())
}

async fn real_node(parts: &mut Parts, plan: &Plan, identity: &Identity, client: &Client) -> Result<()> {
    let (binaries, address) = (&plan.binaries, plan.addresses.host);
    let socket = node::socket();
    parts.wait("containerd", || async { tokio::net::UnixStream::connect(&socket).await.is_ok() }).await?;
    let archive = images::write_pause(&binaries.path("pause")?, &parts.layout.path("pause.tar"))?;
    images::import(&binaries.path("ctr")?, socket.as_ref(), &archive)?;
    parts.tell("containerd up");
    parts.start(node::kube_proxy(binaries, &parts.layout, plan.node_ports)?)?;
    parts.start(node::kubelet(binaries, &parts.layout, identity, address, plan.node_ports.kubelet)?)?;
    parts.wait("kubelet", || client::has_ready_node(client)).await?;
    parts.tell("node Ready");
    parts.wait("kube-proxy", || async { sweep::run("nft", &["list", "table", "ip", "kube-proxy"]).is_ok() }).await?;
    parts.tell("Services up");
    Ok(())
}

/// Waits until a part that was started anew is of use again.
pub(super) async fn wait_again(parts: &mut Parts, name: &str) -> Result<()> {
    let client = client::own_client(&parts.layout.kubeconfig()).await?;
    match name {
        "etcd" | "kube-apiserver" => parts.wait("kube-apiserver", || client::is_ready(&client)).await,
        _ => parts.check(),
    }
}
