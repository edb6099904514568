//! Removes all that a cluster has left on the machine: after a normal end, a failed start, or a killed supervisor. Does I/O.
//!
//! There is one way down for all three, so the way that matters most is the one that every test takes.

mod files;
mod host;
mod processes;

use std::path::Path;

use anyhow::{Context, Result};

use super::{
    layout::{Layout, RUNTIME},
    lock,
    ready::Kind,
    record::Record,
};

pub(super) use host::{cgroup_roots, run};

/// Ends every process of the cluster in the folder and undoes what its record names. The logs stay.
///
/// The data (etcd's, containerd's) goes with the processes, so nothing is gained by letting them end in good order: they are killed.
///
/// # Errors
/// When something could not be removed; the message says what, and the record stays for the next try.
pub fn sweep(layout: &Layout) -> Result<()> {
    let record = Record::load(layout)?.unwrap_or_default();
    processes::end_all(layout.dir(), &record)?;
    files::unmount_below(layout.dir())?;
    if record.kind == Some(Kind::Cluster) {
        files::unmount_below(Path::new(RUNTIME))?;
        files::remove_tree(Path::new(RUNTIME))?;
    }
    host::restore(&record)?;
    files::empty(layout)
}

/// Sweeps, and removes the folder and its lock. The supervisor's log stays for whoever wants to know why it ended.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_and_remove(layout: &Layout) -> Result<()> {
    sweep(layout)?;
    files::remove(layout)
}

/// Removes the supervisor's log.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_log(layout: &Layout) -> Result<()> {
    files::remove_tree(&layout.supervisor_log())
}

/// Sweeps what dead supervisors have left in any folder under `run_root` but `own`.
///
/// # Errors
/// When the folder cannot be read, or a remainder not be removed.
pub fn sweep_dead(run_root: &Path, own: &Layout) -> Result<()> {
    for entry in std::fs::read_dir(run_root).with_context(|| format!("cannot read {}", run_root.display()))? {
        let layout = Layout::new(entry?.path());
        if layout.dir() == own.dir() || !layout.record().exists() {
            continue;
        }
        // A living supervisor holds the lock from before it writes its record until after it has swept.
        let Some(_held) = lock::try_take(&layout.lock(), "a sweep")? else { continue };
        let record = Record::load(&layout)?;
        eprintln!("removing what an earlier cluster left in {}", layout.dir().display());
        if record.is_some_and(|record| record.ephemeral) {
            sweep_and_remove(&layout)?;
            remove_log(&layout)?;
        } else {
            sweep(&layout)?;
        }
    }
    Ok(())
}
