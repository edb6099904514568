//! Unmounts what is mounted in a cluster's folder, then empties it. Does I/O.

use std::{fs, io, path::Path};

use anyhow::{Context, Result, bail};
use nix::mount::{MntFlags, umount2};

use crate::local::layout::Layout;

/// Unmounts everything at or below `dir`, innermost first.
///
/// # Errors
/// When something stays mounted.
pub(super) fn unmount_below(dir: &Path) -> Result<()> {
    for mount in mounts_below(dir)?.iter().rev() {
        // Lazily: whoever still holds the mount has been killed, and the kernel lets go when it has.
        umount2(mount.as_str(), MntFlags::MNT_DETACH).with_context(|| format!("cannot unmount {mount}"))?;
    }
    let left = mounts_below(dir)?;
    if !left.is_empty() {
        bail!("still mounted: {}", left.join(", "));
    }
    Ok(())
}

/// Mount points at or below `dir` in this process's view, in the order in which they were mounted.
fn mounts_below(dir: &Path) -> Result<Vec<String>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mount table")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    Ok(points.map(|point| point.replace("\\040", " ")).filter(|point| Path::new(point).starts_with(dir)).collect())
}

/// Removes all but the logs from the cluster's folder, the record last.
pub(super) fn empty(layout: &Layout) -> Result<()> {
    let keep = [layout.path("logs"), layout.record()];
    for entry in entries(layout.dir())? {
        if !keep.contains(&entry) {
            remove_tree(&entry)?;
        }
    }
    remove_tree(&layout.record())
}

/// Removes the folder and its lock.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    remove_tree(layout.dir())?;
    remove_tree(&layout.lock())
}

fn entries(dir: &Path) -> Result<Vec<std::path::PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.collect::<io::Result<Vec<_>>>()?.into_iter().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", dir.display())),
    }
}

/// Removes a file or a folder with all in it; fine when there is none.
pub(super) fn remove_tree(path: &Path) -> Result<()> {
    let kind = fs::symlink_metadata(path).map(|metadata| metadata.is_dir());
    let removed = match kind {
        Ok(true) => fs::remove_dir_all(path),
        Ok(false) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
