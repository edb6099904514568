//! The images, as `images/build.sh` makes them. I/O: runs it.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::local::layout;

/// An image that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `product`, `pbx` or `phones`.
    pub name: String,
    /// `repository:tag`.
    pub reference: String,
    /// The docker-archive.
    pub archive: PathBuf,
}

impl Image {
    /// Repository and tag.
    pub fn parts(&self) -> (&str, &str) {
        self.reference.rsplit_once(':').unwrap_or((&self.reference, "latest"))
    }
}

/// Builds all images, which is a matter of a second when nothing has changed.
///
/// # Errors
/// When the build fails.
pub async fn build() -> Result<Vec<Image>> {
    let script = layout::checkout().join("images/build.sh");
    let mut command = Command::new(&script);
    // What cargo tells a test of itself is none of the build's: build scripts that look at it would run anew, and all that
    // depends on them with them.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|own| name.starts_with(own)) {
            command.env_remove(name.as_ref());
        }
    }
    let run = command.arg("all").stdin(Stdio::null()).stderr(Stdio::inherit()).output().await;
    let run = run.with_context(|| format!("cannot run {}", script.display()))?;
    if !run.status.success() {
        bail!("{} ended with {}; its messages are above", script.display(), run.status);
    }
    parse(&String::from_utf8_lossy(&run.stdout))
}

/// The image of that name.
///
/// # Errors
/// When it was not built.
pub fn named<'a>(images: &'a [Image], name: &str) -> Result<&'a Image> {
    images.iter().find(|image| image.name == name).with_context(|| format!("images/build.sh named no image {name}"))
}

/// Lines of the form `NAME=REFERENCE ARCHIVE`.
fn parse(lines: &str) -> Result<Vec<Image>> {
    let image = |line: &str| -> Option<Image> {
        let (name, rest) = line.split_once('=')?;
        let (reference, archive) = rest.split_once(' ')?;
        Some(Image { name: name.to_owned(), reference: reference.to_owned(), archive: PathBuf::from(archive) })
    };
    lines.lines().map(|line| image(line).with_context(|| format!("images/build.sh said {line:?}"))).collect()
}
