//! Installs the charts, by Helm and by nothing else, so that what is tested is what ships. I/O: runs `helm`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::{Image, NAMESPACE, RELEASE, images};
use crate::local::{binaries::Binaries, layout};

/// Installs or upgrades both charts, with these values beside those that every run has, and waits until all is ready.
pub(super) async fn install(kubeconfig: PathBuf, built: &[Image], more: &[&str]) -> Result<()> {
    let helm = Binaries::find(&["helm"])?.path("helm")?;
    let chart = |name: &str| layout::checkout().join("charts").join(name).display().to_string();
    run(&helm, &kubeconfig, &["upgrade", "--install", "ecqx-crds", &chart("ecqx-crds")]).await?;
    let (product, pbx) = (images::named(built, "product")?.parts(), images::named(built, "pbx")?.parts());
    let values = [
        format!("image.repository={},image.tag={}", product.0, product.1),
        format!("pbx.image.repository={},pbx.image.tag={}", pbx.0, pbx.1),
        // An address of the documentation's own range (RFC 5737): a zone needs a name server, and this one is delegated to by nobody.
        "dns.nameServers[0].name=ns1,dns.nameServers[0].addresses[0]=192.0.2.53".to_owned(),
    ];
    let chart = chart("ecqx");
    let mut arguments = vec!["upgrade", "--install", RELEASE, &chart];
    arguments.extend(values.iter().flat_map(|value| ["--set", value.as_str()]));
    arguments.extend(more.iter().flat_map(|value| ["--set", *value]));
    run(&helm, &kubeconfig, &arguments).await
}

async fn run(helm: &Path, kubeconfig: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(helm);
    command.args(arguments).args(["--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "3m"]);
    command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null());
    let output = command.output().await.with_context(|| format!("cannot run {}", helm.display()))?;
    if !output.status.success() {
        bail!("helm {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
