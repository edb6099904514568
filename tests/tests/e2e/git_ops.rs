//! Without the shop: the same objects from files.

use std::{path::Path, process::Stdio};

use anyhow::{Result, ensure};
use ecqx_tests::local::binaries::Binaries;
use tokio::process::Command;

use crate::stage::Stage;

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
    stage.remove("reseller-demo", "tatev").await
}
