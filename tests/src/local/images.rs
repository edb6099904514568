//! Brings images into containerd without a registry: the pods' first process, and archives that a build has written. Does I/O.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{layout::Layout, ready::Ready, record::write_whole};

/// The image of every pod's first process.
pub(super) const PAUSE: &str = "localhost/ecqx-pause:1";

/// An entry of a docker-archive's `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    repo_tags: Option<Vec<String>>,
}

/// Imports a docker-archive, unless all its names are there with the same content. Tells whether it did.
///
/// # Errors
/// When the cluster has no containerd, or the file is no docker-archive.
pub fn load(ready: &Ready, archive: &Path) -> Result<bool> {
    let containerd = ready.containerd.as_deref().context("this cluster's nodes are simulated and take no images")?;
    let noted = Layout::new(&ready.dir).path("images.json");
    // Names with the digests of their configurations. What containerd itself tells is the digest of what it made of the archive.
    let mut loaded: BTreeMap<String, String> =
        std::fs::read(&noted).ok().and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default();
    let names = names(archive)?;
    if !names.is_empty() && names.iter().all(|(name, digest)| loaded.get(name) == Some(digest)) {
        return Ok(false);
    }
    import(&ready.binaries.join("ctr"), containerd, archive)?;
    loaded.extend(names);
    write_whole(&noted, &serde_json::to_vec_pretty(&loaded)?)?;
    Ok(true)
}

/// Imports an archive with containerd's own client.
pub(super) fn import(ctr: &Path, containerd: &Path, archive: &Path) -> Result<()> {
    let output = Command::new(ctr)
        .arg("--address")
        .arg(containerd)
        .args(["--namespace", "k8s.io", "images", "import", "--digests=false"])
        .arg(archive)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", ctr.display()))?;
    if !output.status.success() {
        bail!("cannot import {}: {}", archive.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The images in a docker-archive: name and the digest of its configuration, which stands for all its content.
fn names(archive: &Path) -> Result<BTreeMap<String, String>> {
    let file = File::open(archive).with_context(|| format!("cannot open {}", archive.display()))?;
    let mut tar = tar::Archive::new(file);
    for entry in tar.entries_with_seek()? {
        let mut entry = entry.with_context(|| format!("{} is no tar archive", archive.display()))?;
        if entry.path()?.as_os_str() == "manifest.json" {
            let mut content = String::new();
            entry.read_to_string(&mut content)?;
            let images: Vec<Entry> = serde_json::from_str(&content)?;
            let of = |image: Entry| {
                let names = image.repo_tags.unwrap_or_default();
                names.into_iter().map(move |name| (name, image.config.clone()))
            };
            return Ok(images.into_iter().flat_map(of).collect());
        }
    }
    bail!(
        "{} holds no manifest.json: it is no docker-archive (`buildah push IMAGE docker-archive:FILE:NAME`)",
        archive.display()
    )
}

/// Writes the archive of [`PAUSE`]: one layer with one static program.
pub(super) fn write_pause(program: &Path, archive: &Path) -> Result<PathBuf> {
    let binary = std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, "pause", &binary, 0o755)?;
    let layer = layer.into_inner()?;
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex(&Sha256::digest(&layer)))]},
    })
    .to_string();
    let config_name = format!("{}.json", hex(&Sha256::digest(&config)));
    let manifest = json!([{"Config": config_name, "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]).to_string();
    let mut image = tar::Builder::new(File::create(archive)?);
    append(&mut image, &config_name, config.as_bytes(), 0o644)?;
    append(&mut image, "layer.tar", &layer, 0o644)?;
    append(&mut image, "manifest.json", manifest.as_bytes(), 0o644)?;
    image.finish()?;
    Ok(archive.to_owned())
}

fn append<W: std::io::Write>(tar: &mut tar::Builder<W>, name: &str, content: &[u8], mode: u32) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_cksum();
    Ok(tar.append_data(&mut header, name, content)?)
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
