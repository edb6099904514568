//! How containerd, kubelet and kube-proxy are started. Recipes and their configuration files.

use std::{fs, net::IpAddr, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    binaries::Binaries,
    identity::{Identity, NODE},
    images::PAUSE,
    layout::{Layout, RUNTIME},
    machine::{CGROUP, PODS},
    part::Recipe,
};

/// The ports of a node's parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodePorts {
    pub(super) kubelet: u16,
    pub(super) proxy_health: u16,
    pub(super) proxy_metrics: u16,
}

/// containerd's socket. Short and fixed: sockets' paths are limited, and there is one cluster a machine.
pub(super) fn socket() -> String {
    format!("{RUNTIME}/containerd.sock")
}

/// containerd, with all that it writes in the cluster's folder or [`RUNTIME`].
pub(super) fn containerd(binaries: &Binaries, layout: &Layout) -> Result<Recipe> {
    let plugins = layout.path("cni/bin");
    fs::create_dir_all(&plugins)?;
    for plugin in ["ptp", "loopback", "host-local", "portmap"] {
        std::os::unix::fs::symlink(binaries.path(plugin)?, plugins.join(plugin))?;
    }
    let networks = layout.path("cni/conf");
    fs::create_dir_all(&networks)?;
    fs::write(networks.join("10-ecqx.conflist"), network(layout).to_string())?;
    let program = binaries.path("containerd")?;
    let config = layout.path("containerd.toml");
    fs::write(&config, containerd_config(layout, &binaries.path("runc")?))?;
    let folder = program.parent().unwrap_or_else(|| Path::new("/")).display().to_string();
    let mut recipe = Recipe::new("containerd", program, vec![format!("--config={}", config.display())]);
    // containerd looks for its shim in PATH.
    let path = std::env::var("PATH").unwrap_or_default();
    recipe.environment.push(("PATH", format!("{folder}:{path}")));
    Ok(recipe)
}

fn containerd_config(layout: &Layout, runc: &Path) -> String {
    let path = |name: &str| layout.path(name).display().to_string();
    format!(
        r#"version = 3
root = "{root}"
state = "{RUNTIME}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{PAUSE}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{plugins}"]
  conf_dir = "{networks}"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{runc}"
  SystemdCgroup = false
"#,
        root = path("containerd"),
        socket = socket(),
        plugins = path("cni/bin"),
        networks = path("cni/conf"),
        runc = runc.display(),
    )
}

/// Each pod routed on its own, addresses from files, host ports by nftables. No masquerading: no pod has business outside.
fn network(layout: &Layout) -> Value {
    let addresses = json!({
        "type": "host-local",
        "dataDir": layout.path("cni/addresses"),
        "ranges": [[{"subnet": PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    });
    json!({
        "cniVersion": "1.0.0",
        "name": "ecqx",
        "plugins": [
            {"type": "ptp", "ipMasq": false, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": true}, "backend": "nftables", "snat": true},
        ],
    })
}

/// The kubelet.
pub(super) fn kubelet(
    binaries: &Binaries,
    layout: &Layout,
    identity: &Identity,
    address: IpAddr,
    port: u16,
) -> Result<Recipe> {
    // Pods are not to inherit this machine's name servers: there is nothing that they may ask.
    let resolver = layout.path("resolv.conf");
    fs::write(&resolver, "")?;
    let config = layout.path("kubelet.json");
    fs::write(&config, kubelet_config(layout, identity, &resolver, port).to_string())?;
    let root = layout.path("kubelet").display().to_string();
    let arguments = vec![
        format!("--config={}", config.display()),
        format!("--kubeconfig={}", layout.kubeconfig_of("kubelet").display()),
        format!("--hostname-override={NODE}"),
        format!("--node-ip={address}"),
        format!("--root-dir={root}"),
        format!("--cert-dir={root}/pki"),
    ];
    Ok(Recipe::new("kubelet", binaries.path("kubelet")?, arguments))
}

fn kubelet_config(layout: &Layout, identity: &Identity, resolver: &Path, port: u16) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": identity.ca()},
        },
        "authorization": {"mode": "Webhook"},
        "port": port,
        "healthzPort": 0,
        "containerRuntimeEndpoint": format!("unix://{}", socket()),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{CGROUP}"),
        "failCgroupV1": false,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
        "failSwapOn": false,
        "makeIPTablesUtilChains": false,
        "resolvConf": resolver,
        "podLogsDir": layout.path("pod-logs"),
        "volumePluginDir": layout.path("kubelet/volume-plugins"),
        // Images that went could not be pulled again, and a full disk is not the cluster's to judge.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "syncFrequency": "10s",
        "serializeImagePulls": false,
    })
}

/// kube-proxy, by nftables.
pub(super) fn kube_proxy(binaries: &Binaries, layout: &Layout, ports: NodePorts) -> Result<Recipe> {
    let config = layout.path("kube-proxy.json");
    let content = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": layout.kubeconfig_of("kube-proxy")},
        "hostnameOverride": NODE,
        "mode": "nftables",
        "nftables": {"minSyncPeriod": "100ms"},
        "clusterCIDR": PODS,
        // Zero leaves the machine's own settings.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": format!("127.0.0.1:{}", ports.proxy_health),
        "metricsBindAddress": format!("127.0.0.1:{}", ports.proxy_metrics),
    });
    fs::write(&config, content.to_string())?;
    Ok(Recipe::new("kube-proxy", binaries.path("kube-proxy")?, vec![format!("--config={}", config.display())]))
}
