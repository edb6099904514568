//! The supervisor's answer when all is ready: one line of JSON on its output, and a file in the cluster's folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// etcd, API server and controller-manager (garbage collection, namespaces, service accounts): for integration tests.
    ControlPlane,
    /// A whole node: also scheduler, kubelet, containerd, kube-proxy and CNI. Needs root and Linux containers.
    Cluster,
    /// A control plane with all controllers, a scheduler and simulated nodes: pods are said to run, none does.
    Kwok,
}

impl Kind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Cluster => "cluster",
            Self::Kwok => "kwok",
        }
    }
}

/// How to reach a cluster that is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// What was started.
    pub kind: Kind,
    /// Its folder.
    pub dir: PathBuf,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// The API server's address.
    pub server: String,
    /// The API server's audit log.
    pub audit_log: PathBuf,
    /// The supervisor's process id.
    pub supervisor: u32,
    /// The folder of the programs in use (kubectl, helm, ctr …).
    pub binaries: PathBuf,
    /// The node's address; none without a real node.
    pub node_address: Option<std::net::IpAddr>,
    /// containerd's socket; none without a real node.
    pub containerd: Option<PathBuf>,
}
