//! Where the cluster's programs are: `KUBEBUILDER_ASSETS` first, then the Go module's build. Runs the build when it must.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::layout;

/// Finds programs by name.
#[derive(Clone, Debug)]
pub struct Binaries {
    assets: Option<PathBuf>,
    built: Option<PathBuf>,
}

impl Binaries {
    /// Finds the folders that hold all of `needed`, building the Go module's tools when the assets folder lacks one.
    ///
    /// # Errors
    /// When the build fails, or a program is in neither folder.
    pub fn find(needed: &[&str]) -> Result<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        if let Some(dir) = &assets
            && !dir.is_dir()
        {
            bail!("KUBEBUILDER_ASSETS names {}, which is no folder; unset it or correct it", dir.display());
        }
        let mut binaries = Self { assets, built: None };
        if needed.iter().any(|name| binaries.path(name).is_err()) {
            binaries.built = Some(build()?);
        }
        needed.iter().try_for_each(|name| binaries.path(name).map(drop))?;
        Ok(binaries)
    }

    /// The path of one program.
    ///
    /// # Errors
    /// When neither folder holds it.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let folders = [self.assets.as_deref(), self.built.as_deref()];
        let found = folders.into_iter().flatten().map(|dir| dir.join(name)).find(|path| path.is_file());
        found
            .with_context(|| format!("found no {name} in {folders:?}; run tests/cluster/build.sh and see what it says"))
    }

    /// The folder of the built programs, or the assets when nothing had to be built.
    pub fn folder(&self) -> &Path {
        self.built.as_deref().or(self.assets.as_deref()).unwrap_or_else(|| Path::new(""))
    }
}

/// Runs the build script, which is instant when the build is complete, and returns the folder it names.
fn build() -> Result<PathBuf> {
    let script = layout::checkout().join("tests/cluster/build.sh");
    let run = Command::new(&script)
        .stderr(Stdio::inherit())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", script.display()))?;
    if !run.status.success() {
        bail!("{} ended with {}; its messages are above", script.display(), run.status);
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&run.stdout).trim()))
}
