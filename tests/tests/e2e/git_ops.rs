//! Without the shop: the same objects from files.

use std::{path::Path, process::Stdio};

use anyhow::{Result, ensure};
use ecqx_crds::condition;
use ecqx_tests::local::binaries::Binaries;
use tokio::process::Command;

use crate::{
    exposure::give_address,
    stage::{PATIENCE, Stage},
};

pub async fn the_examples_applied_by_kubectl_give_the_same_without_the_bridge(stage: Stage) -> Result<()> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("examples");
    let kubectl = Binaries::find(&["kubectl"])?.path("kubectl")?;
    let mut command = Command::new(kubectl);
    command.arg("--kubeconfig").arg(&stage.kubeconfig).args(["apply", "--filename"]).arg(examples);
    let output = command.stdin(Stdio::null()).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let at = stage.in_service("reseller-demo", "tatev").await?;
    let phones = stage.phones("reseller-demo", "tatev").await?;
    ensure!(phones.len() == 15, "{} extensions", phones.len());
    stage.register(&at, &phones).await?;
    stage.refused(&at, "116", "guessed").await?;
    stage.remove("reseller-demo", "tatev").await?;
    the_one_with_everything_runs_too(&stage).await
}

/// Behind a load balancer, whose controller is played here, and without its certificate, which nobody has made.
async fn the_one_with_everything_runs_too(stage: &Stage) -> Result<()> {
    let desk = ("reseller-demo", "noravank");
    give_address(stage, desk, "192.0.2.78").await?;
    let instance = stage.product.until(desk, (condition::READY, "True"), PATIENCE).await?;
    let status = instance.status.unwrap_or_default();
    ensure!(status.addresses == ["192.0.2.78"] && !status.sips, "{status:#?}");
    stage.product.until(desk, (condition::CONFIGURATION_ACCEPTED, "True"), PATIENCE).await?;
    stage.product.until(desk, (condition::DNS_PUBLISHED, "True"), PATIENCE).await?;
    stage.product.until(desk, (condition::TLS_READY, "False"), PATIENCE).await?;
    ensure!(stage.phones(desk.0, desk.1).await?.len() == 6, "6 extensions are listed");
    stage.remove(desk.0, desk.1).await
}
