//! An image as a folder. I/O: builds images, unpacks layers.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::{process::Command, sync::OnceCell};

use crate::{
    local::layout,
    product::images::{self, Image},
};

/// The images, built once for all tests of a process.
static IMAGES: OnceCell<Vec<Image>> = OnceCell::const_new();

/// The root of the PBX's image; unpacked once, beside its archive, which is named after all that went into it. `ECQX_PBX_ROOT` names a
/// folder to take as it is.
///
/// # Errors
/// When the image cannot be built or unpacked.
pub(super) async fn of_the_pbx() -> Result<PathBuf> {
    if let Some(root) = std::env::var_os("ECQX_PBX_ROOT") {
        return Ok(root.into());
    }
    let images = IMAGES.get_or_try_init(images::build).await?;
    let archive = images::named(images, "pbx")?.archive.clone();
    let root = archive.with_extension("root");
    let lock = File::create(archive.with_extension("lock"))?;
    let lock = tokio::task::spawn_blocking(move || {
        nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockExclusive).map_err(|(_, errno)| errno)
    })
    .await??;
    if !root.exists() {
        let unfinished = archive.with_extension("unfinished");
        let _ = std::fs::remove_dir_all(&unfinished);
        unpack(&archive, &unfinished).await?;
        std::fs::rename(&unfinished, &root)?;
    }
    drop(lock);
    Ok(root)
}

/// The agent in this root; `ECQX_PBX_AGENT` names another one, such as one that was just built without an image.
pub(super) fn agent(root: &Path) -> PathBuf {
    std::env::var_os("ECQX_PBX_AGENT").map_or_else(|| root.join("usr/local/bin/pbx-agent"), PathBuf::from)
}

/// A folder for one PBX, on the disk that the images are on.
pub(super) fn scratch() -> Result<TempDir> {
    let parent = layout::cache().join("run");
    std::fs::create_dir_all(&parent)?;
    let dir = tempfile::Builder::new().prefix("pbx-").tempdir_in(parent)?;
    // The pod's user looks into what is mounted from here.
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(dir)
}

/// Each layer on top of the ones before. What a later layer deletes of an earlier one is gone.
async fn unpack(archive: &Path, root: &Path) -> Result<()> {
    std::fs::create_dir_all(root)?;
    let manifest = tar(&["-xO", "-f", &archive.to_string_lossy(), "manifest.json"]).await?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest)?;
    let layers = manifest[0]["Layers"].as_array().context("the archive's manifest names no layers")?;
    for layer in layers.iter().filter_map(serde_json::Value::as_str) {
        let script = r#"set -o pipefail; tar -xOf "$1" "$2" | tar -x -C "$3" --numeric-owner --same-owner -p"#;
        let output =
            Command::new("bash").args(["-c", script, "unpack"]).arg(archive).arg(layer).arg(root).output().await?;
        if !output.status.success() {
            bail!("cannot unpack {layer} of {}: {}", archive.display(), String::from_utf8_lossy(&output.stderr));
        }
        remove_whiteouts(root)?;
    }
    Ok(())
}

/// A file `.wh.NAME` in a layer stands for the deletion of NAME (OCI image layer specification).
fn remove_whiteouts(dir: &Path) -> Result<()> {
    let names =
        || -> Result<Vec<PathBuf>> { Ok(std::fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect()) };
    let whited = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix(".wh.").map(|gone| dir.join(gone));
    for path in names()? {
        if let Some(gone) = whited(&path) {
            let _ = if gone.is_dir() { std::fs::remove_dir_all(&gone) } else { std::fs::remove_file(&gone) };
            std::fs::remove_file(&path)?;
        }
    }
    // Looked at anew: what was deleted is not gone into.
    for path in names()? {
        if path.symlink_metadata()?.is_dir() {
            remove_whiteouts(&path)?;
        }
    }
    Ok(())
}

async fn tar(arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("tar").args(arguments).stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        bail!("tar {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}
