//! Puts the machine back as it was: control groups, nftables tables, interfaces, kernel settings, folders. Does I/O as root.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::local::record::Record;

/// Undoes what the record names. Each step is fine with finding nothing, so a sweep can be repeated.
pub(super) fn restore(record: &Record) -> Result<()> {
    if let Some(cgroup) = &record.cgroup {
        for dir in cgroup_dirs(cgroup) {
            remove_cgroup(&dir)?;
        }
    }
    if let Some(gateway) = &record.pod_gateway {
        remove_pod_interfaces(gateway)?;
    }
    for interface in record.interfaces.iter().filter(|name| is_interface(name)) {
        run("ip", &["link", "delete", interface])?;
    }
    for (family, name) in &record.nft_tables {
        if run("nft", &["list", "table", family, name]).is_ok() {
            run("nft", &["delete", "table", family, name])?;
        }
    }
    for (setting, value) in &record.sysctls {
        fs::write(setting, value).with_context(|| format!("cannot put {} back to {value}", setting.display()))?;
    }
    for folder in record.folders.iter().rev() {
        // One that has something in it by now is no longer ours alone.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// The control group's folder in each hierarchy that has it.
fn cgroup_dirs(cgroup: &str) -> Vec<PathBuf> {
    cgroup_roots().into_iter().map(|root| root.join(cgroup)).filter(|dir| dir.is_dir()).collect()
}

/// Where control group hierarchies are mounted (several for version 1, one for version 2).
pub(in crate::local) fn cgroup_roots() -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let cgroup = table.lines().filter(|line| line.contains(" - cgroup ") || line.contains(" - cgroup2 "));
    cgroup.filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from).collect()
}

/// The processes anywhere in the control group.
pub(super) fn cgroup_processes(cgroup: &str) -> Vec<i32> {
    let mut found = Vec::new();
    let mut dirs = cgroup_dirs(cgroup);
    while let Some(dir) = dirs.pop() {
        let listed = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
        found.extend(listed.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        dirs.extend(subfolders(&dir));
    }
    found
}

fn subfolders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Removes a control group and those in it. A group is busy for a moment after its last process has died.
fn remove_cgroup(dir: &Path) -> Result<()> {
    subfolders(dir).iter().try_for_each(|inner| remove_cgroup(inner))?;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot remove the control group {}", dir.display()));
            }
        }
    }
}

/// Removes the host's ends of the pods' interfaces. The kernel does so too when it clears a dead pod's network namespace, in its own time.
fn remove_pod_interfaces(gateway: &str) -> Result<()> {
    let listed = run("ip", &["-json", "address", "show", "to", gateway])?;
    let interfaces: Vec<serde_json::Value> = serde_json::from_str(listed.trim()).unwrap_or_default();
    for name in interfaces.iter().filter_map(|interface| interface["ifname"].as_str()) {
        let deleted = run("ip", &["link", "delete", name]);
        if is_interface(name) {
            deleted?;
        }
    }
    Ok(())
}

/// Whether there is such an interface. Asked of the network namespace that this process is in, which /sys need not show.
fn is_interface(name: &str) -> bool {
    run("ip", &["link", "show", "dev", name]).is_ok()
}

/// Runs a short command and returns its output.
pub(in crate::local) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{program} {}` ended with {}: {}", arguments.join(" "), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
