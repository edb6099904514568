//! Finds and kills a cluster's processes: by their mark, by their control group, and by the record. Reads `/proc`, sends signals.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::{sys::signal, sys::signal::Signal, unistd::Pid};

use super::host;
use crate::local::{
    part::MARK,
    record::{ProcessId, Record},
};

/// Kills all processes of the cluster in `dir` and waits until none is left.
///
/// # Errors
/// When some do not die.
pub(super) fn end_all(dir: &Path, record: &Record) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut alive = BTreeSet::new();
    loop {
        // One that dies loses its environment, by which it is found, before its files and namespaces: each is followed to its end.
        alive.retain(|id: &ProcessId| id.is_alive());
        alive.extend(find(dir, record).into_iter().filter_map(ProcessId::of));
        if alive.is_empty() {
            return Ok(());
        }
        for id in &alive {
            // It may have ended by itself meanwhile; the next look tells.
            let _ = signal::kill(Pid::from_raw(id.pid), Signal::SIGKILL);
        }
        if Instant::now() > deadline {
            bail!("these processes of the cluster in {} do not die: {alive:?}", dir.display());
        }
        // Killed processes are only seen to have gone by looking again: most are not children of this one.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The living processes of the cluster, this one excepted.
fn find(dir: &Path, record: &Record) -> BTreeSet<i32> {
    let mut found: BTreeSet<i32> = record.parts.values().filter(|id| id.is_alive()).map(|id| id.pid).collect();
    // A supervisor that hangs must not start new parts while the old ones are removed.
    found.extend(record.supervisor.filter(|id| id.is_alive()).map(|id| id.pid));
    found.extend(marked(dir));
    if let Some(cgroup) = &record.cgroup {
        found.extend(host::cgroup_processes(cgroup));
    }
    found.remove(&Pid::this().as_raw());
    found
}

/// Processes that carry the cluster's mark in their environment. A process that has ended has none.
fn marked(dir: &Path) -> Vec<i32> {
    let mark = [MARK.as_bytes(), b"=", dir.as_os_str().as_bytes()].concat();
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    })
    .collect()
}
