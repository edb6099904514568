//! How etcd, the API server and the controller-manager are started. Recipes and their small configuration files.

use std::{fs, net::IpAddr};

use anyhow::Result;
use serde_json::json;

use super::{binaries::Binaries, identity::Identity, layout::Layout, part::Recipe, ready::Kind};

/// The addresses of Services.
pub(super) const SERVICES: &str = "10.96.0.0/16";

/// The address of the `kubernetes` Service: the first of [`SERVICES`].
pub(super) const FIRST_SERVICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 96, 0, 1));

/// All that a control plane needs: namespaces end, children of deleted owners go, pods' credentials come.
const FEW_CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,serviceaccount-controller,\
    serviceaccount-token-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller";

/// Where etcd and the API server listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    /// The API server's address: the node's when pods are to reach it, else loopback.
    pub(super) host: IpAddr,
    /// The API server's port.
    pub(super) api: u16,
    /// etcd's port, on loopback.
    pub(super) etcd: u16,
    /// etcd's port for the peers that it does not have.
    pub(super) etcd_peer: u16,
}

impl Addresses {
    /// The API server's URL.
    pub(super) fn server(&self) -> String {
        format!("https://{}", std::net::SocketAddr::new(self.host, self.api))
    }
}

/// etcd, which need not survive the machine: it never waits for the disk.
pub(super) fn etcd(binaries: &Binaries, layout: &Layout, at: Addresses) -> Result<Recipe> {
    let client = format!("http://127.0.0.1:{}", at.etcd);
    let peer = format!("http://127.0.0.1:{}", at.etcd_peer);
    let arguments = vec![
        format!("--data-dir={}", layout.path("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".into(),
        // Room for the history of ten thousand instances between two compactions.
        format!("--quota-backend-bytes={}", 8_u64 << 30),
        "--log-level=warn".into(),
    ];
    Ok(Recipe::new("etcd", binaries.path("etcd")?, arguments))
}

/// The API server, with an audit log of who did what (no bodies: they hold secrets).
pub(super) fn api_server(
    binaries: &Binaries,
    layout: &Layout,
    identity: &Identity,
    at: Addresses,
    kind: Kind,
) -> Result<Recipe> {
    let policy = layout.path("audit-policy.json");
    fs::write(&policy, audit_policy().to_string())?;
    let pki = |name: &str| identity.path(name).display().to_string();
    let mut arguments = vec![
        format!("--etcd-servers=http://127.0.0.1:{}", at.etcd),
        format!("--bind-address={}", at.host),
        format!("--secure-port={}", at.api),
        format!("--cert-dir={}", layout.path("pki").display()),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--kubelet-client-certificate={}", pki("admin.crt")),
        format!("--kubelet-client-key={}", pki("admin.key")),
        // The node's name resolves nowhere; without this `logs` and `exec` would try it.
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={}", pki("tokens.pub")),
        format!("--service-account-signing-key-file={}", pki("tokens.key")),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--authorization-mode=Node,RBAC".into(),
        "--allow-privileged=true".into(),
        "--profiling=false".into(),
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", layout.audit_log().display()),
        // One file: a test that reads it back must not miss what has been rotated away.
        "--audit-log-maxsize=100000".into(),
    ];
    if kind == Kind::Cluster {
        arguments.push(format!("--advertise-address={}", at.host));
    } else {
        // Nothing runs that could use the `kubernetes` Service, and loopback may not be its endpoint.
        arguments.push("--endpoint-reconciler-type=none".into());
    }
    Ok(Recipe::new("kube-apiserver", binaries.path("kube-apiserver")?, arguments))
}

/// Every request once, when it has been answered; probes left out.
fn audit_policy() -> serde_json::Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/metrics"]},
            {"level": "Metadata"},
        ],
    })
}

/// The controllers: all of them where pods run, few in a bare control plane.
pub(super) fn controller_manager(
    binaries: &Binaries,
    layout: &Layout,
    identity: &Identity,
    kind: Kind,
) -> Result<Recipe> {
    let controllers = if kind == Kind::ControlPlane { FEW_CONTROLLERS } else { "*" };
    let arguments = vec![
        format!("--kubeconfig={}", layout.kubeconfig_of("kube-controller-manager").display()),
        format!("--service-account-private-key-file={}", identity.path("tokens.key").display()),
        format!("--root-ca-file={}", identity.ca().display()),
        format!("--cert-dir={}", layout.path("pki").display()),
        format!("--controllers={controllers}"),
        // Made at start, used by nobody; by default it is one of the machine's own.
        format!("--flex-volume-plugin-dir={}", layout.path("flex-volumes").display()),
        "--use-service-account-credentials=true".into(),
        // Alone on its cluster: an election would only write.
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        "--profiling=false".into(),
        "--kube-api-qps=500".into(),
        "--kube-api-burst=1000".into(),
    ];
    Ok(Recipe::new("kube-controller-manager", binaries.path("kube-controller-manager")?, arguments))
}

/// The scheduler.
pub(super) fn scheduler(binaries: &Binaries, layout: &Layout) -> Result<Recipe> {
    let arguments = vec![
        format!("--kubeconfig={}", layout.kubeconfig_of("kube-scheduler").display()),
        format!("--cert-dir={}", layout.path("pki").display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        "--profiling=false".into(),
        "--kube-api-qps=500".into(),
        "--kube-api-burst=1000".into(),
    ];
    Ok(Recipe::new("kube-scheduler", binaries.path("kube-scheduler")?, arguments))
}
