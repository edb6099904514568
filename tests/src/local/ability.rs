//! Whether this machine can run a real node. Tries it, by starting short programs.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::sweep;

/// What a node's parts call.
const PROGRAMS: [&str; 4] = ["nft", "ip", "iptables", "conntrack"];

/// What a user is told when nodes are simulated.
pub const SIMULATED: &str = "starting a control plane with simulated nodes (kwok) instead: objects, scheduling and volumes' claims \
    behave as on a cluster and pods are said to be ready, but no container runs, so no SIP, no pod network and no pod's log can be shown";

/// Why no real node can run here, or `None` when one can.
pub fn obstacle() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("containers need Linux");
    }
    if !nix::unistd::Uid::effective().is_root() {
        return Some("a node needs root");
    }
    let tried =
        Command::new("unshare").args(["--mount", "--pid", "--net", "--fork", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        return Some("namespaces cannot be made here");
    }
    if sweep::cgroup_roots().is_empty() {
        return Some("no control groups are mounted here");
    }
    let filesystems = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    (!filesystems.contains("\toverlay")).then_some("the kernel has no overlay file system")
}

/// Fails when a program is missing that a node's parts call: that can be helped.
pub(super) fn check_programs() -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let missing: Vec<_> = PROGRAMS.into_iter().filter(|name| !is_there(name)).collect();
    if !missing.is_empty() {
        bail!("a node needs {}, not found in PATH; run tests/cluster/packages.sh", missing.join(", "));
    }
    Ok(())
}
