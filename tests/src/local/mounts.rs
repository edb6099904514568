//! A view of the file system of the cluster's own: what its parts mount is seen by them alone, and ends with the last of them. System calls.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
};

use super::record::Record;

/// Folders with fixed names that the parts write to whatever they are told: each is covered by an empty one.
/// So neither do they leave anything there, nor do they meet another kubelet's or containerd's files.
const COVERED: [&str; 6] =
    ["/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods"];

/// Moves this process, and all that it starts, into a mount namespace of its own. Before the first thread: only the calling one moves.
pub(super) fn enter_own(record: &mut Record) -> Result<()> {
    for folder in COVERED {
        make(Path::new(folder), record)?;
    }
    unshare(CloneFlags::CLONE_NEWNS).context("cannot make a mount namespace")?;
    let none = None::<&str>;
    // Mounts of the machine come in, none goes out; among the parts, mounts are shared, as the kubelet needs.
    for how in [MsFlags::MS_SLAVE, MsFlags::MS_SHARED] {
        mount(none, "/", none, MsFlags::MS_REC | how, none).context("cannot separate the mounts")?;
    }
    for folder in COVERED {
        mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
            .with_context(|| format!("cannot cover {folder}"))?;
    }
    Ok(())
}

/// Which mount namespace this process is in.
pub(super) fn namespace() -> Option<std::path::PathBuf> {
    fs::read_link("/proc/self/ns/mnt").ok()
}

/// Uncovers the folders again, so that those made for the cluster can be removed. Only in the namespace of [`enter_own`].
pub(super) fn uncover() {
    for folder in COVERED {
        // One that was not covered yet stays as it is.
        let _ = umount2(folder, MntFlags::MNT_DETACH);
    }
}

/// Makes a folder and those above it that are missing, each noted before it is made.
fn make(folder: &Path, record: &mut Record) -> Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|above| !above.exists()).collect();
    for folder in missing.into_iter().rev() {
        record.folders.push(folder.to_owned());
        record.save()?;
        fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(())
}
