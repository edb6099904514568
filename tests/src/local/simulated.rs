//! Nodes that are only said to run: kwok's recipe, and the node objects. Writes through the API.

use std::fs;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use super::{binaries::Binaries, layout::Layout, machine::PODS, part::Recipe};

/// What kwok says of nodes and pods, and when.
const STAGES: &str = include_str!("../../cluster/kwok-stages.yaml");

/// kwok, which answers for every node and every pod on it.
pub(super) fn kwok(binaries: &Binaries, layout: &Layout) -> Result<Recipe> {
    let stages = layout.path("kwok-stages.yaml");
    fs::write(&stages, STAGES)?;
    let arguments = vec![
        format!("--config={}", stages.display()),
        format!("--kubeconfig={}", layout.kubeconfig().display()),
        "--manage-all-nodes=true".into(),
        // Without leases the node-lifecycle controller would take the nodes for lost.
        "--node-lease-duration-seconds=40".into(),
        "--node-ip=127.0.0.1".into(),
        format!("--cidr={PODS}"),
    ];
    Ok(Recipe::new("kwok", binaries.path("kwok")?, arguments))
}

/// Makes the node objects.
pub(super) async fn create_nodes(client: &Client, count: u32) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    for number in 0..count {
        let name = format!("ecqx-simulated-{number}");
        let node: Node = serde_json::from_value(json!({
            "metadata": {
                "name": name,
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"},
                "annotations": {"kwok.x-k8s.io/node": "fake"},
            },
            "status": {
                "allocatable": {"cpu": "1000", "memory": "4Ti", "pods": "20000"},
                "capacity": {"cpu": "1000", "memory": "4Ti", "pods": "20000"},
            },
        }))?;
        nodes.create(&PostParams::default(), &node).await.with_context(|| format!("cannot make the node {name}"))?;
    }
    Ok(())
}
