//! Tests in a network of their own, which has nothing but loopback and goes with its last process. Starts processes.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Set in the process that is in the namespace, to a file that the test makes there: a name that no test has would be run with success.
const INSIDE: &str = "ECQX_NETNS_INSIDE";

/// Whether this is in a network namespace of its own; if not, the program's test of this name is run there, to its end.
///
/// Needs root, or a system that gives its users namespaces of their own.
///
/// # Errors
/// When there is no such namespace to be had, and when the test fails there.
pub fn is_inside_or_runs(test: &str) -> Result<bool> {
    if let Some(begun) = std::env::var_os(INSIDE) {
        std::fs::write(begun, "")?;
        ip("link set lo up")?;
        return Ok(true);
    }
    let folder = tempfile::tempdir()?;
    let begun = folder.path().join("begun");
    let mut command = Command::new("unshare");
    command.arg("--net");
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.arg(std::env::current_exe()?).args(["--exact", test, "--nocapture"]).env(INSIDE, &begun);
    let status = command.status().context("unshare (Debian: util-linux)")?;
    ensure!(status.success(), "{test}, in a namespace of its own (needs root, or user namespaces): {status}");
    ensure!(begun.exists(), "this program has no test {test}");
    Ok(false)
}

/// `ip` with these arguments.
///
/// # Errors
/// When it fails.
pub fn ip(arguments: &str) -> Result<()> {
    let status = Command::new("ip").args(arguments.split(' ')).status().context("ip (Debian: iproute2)")?;
    ensure!(status.success(), "ip {arguments}: {status}");
    Ok(())
}
