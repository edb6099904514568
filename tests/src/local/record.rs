//! What a cluster has changed on this machine, written down before each change so that a later start can undo it. File I/O.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{layout::Layout, ready::Kind};

/// A process that is told from a later one with the same number by when it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessId {
    /// The number.
    pub pid: i32,
    /// Clock ticks after boot, from `/proc/PID/stat`.
    pub started: u64,
}

impl ProcessId {
    /// The identity of the living process `pid`.
    pub fn of(pid: i32) -> Option<Self> {
        started(pid).map(|started| Self { pid, started })
    }

    /// Whether this very process still lives.
    pub fn is_alive(self) -> bool {
        started(self.pid) == Some(self.started)
    }
}

/// When a process started, from `/proc`; `None` for one that has ended, be it not yet collected by its parent.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may itself hold spaces and parentheses: fields are counted from its end.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    if fields.first() == Some(&"Z") { None } else { fields.get(19)?.parse().ok() }
}

/// The record of one cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// What was started.
    pub kind: Option<Kind>,
    /// Whether the folder goes with the cluster.
    pub ephemeral: bool,
    /// The supervisor.
    pub supervisor: Option<ProcessId>,
    /// The parts by name.
    pub parts: BTreeMap<String, ProcessId>,
    /// The control group, below each hierarchy's root, that holds the pods.
    pub cgroup: Option<String>,
    /// The nftables tables that the cluster's parts make (family and name).
    pub nft_tables: Vec<(String, String)>,
    /// Interfaces made for the cluster.
    pub interfaces: Vec<String>,
    /// The pods' gateway: the address on the host's end of each pod's interface.
    pub pod_gateway: Option<String>,
    /// Kernel settings as they were: path and value.
    pub sysctls: BTreeMap<PathBuf, String>,
    /// Folders outside the cluster's own that were made for it, innermost last.
    pub folders: Vec<PathBuf>,
    #[serde(skip)]
    file: PathBuf,
}

impl Record {
    /// A new record in the cluster's folder, naming this process as supervisor. Not yet written.
    pub fn new(layout: &Layout, kind: Kind, ephemeral: bool) -> Self {
        let supervisor = i32::try_from(std::process::id()).ok().and_then(ProcessId::of);
        Self { kind: Some(kind), ephemeral, supervisor, file: layout.record(), ..Self::default() }
    }

    /// The record that a cluster left, or `None` when there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read or understood.
    pub fn load(layout: &Layout) -> Result<Option<Self>> {
        let file = layout.record();
        let content = match fs::read(&file) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let record: Self =
            serde_json::from_slice(&content).with_context(|| format!("{} is no record", file.display()))?;
        Ok(Some(Self { file, ..record }))
    }

    /// Writes the record, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<()> {
        write_whole(&self.file, &serde_json::to_vec_pretty(self)?)
    }

    /// Notes a part that has been started.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn note_part(&mut self, name: &str, pid: Option<u32>) -> Result<()> {
        if let Some(id) = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(ProcessId::of) {
            self.parts.insert(name.to_owned(), id);
        }
        self.save()
    }
}

/// Replaces a file in one step, so that a reader, or the next start, never sees half of it.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, content)
        .and_then(|()| fs::rename(&new, file))
        .with_context(|| format!("cannot write {}", file.display()))
}
