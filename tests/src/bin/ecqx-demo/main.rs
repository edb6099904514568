//! The demo: an order as the shop sends it goes in, a phone registers. Tells the story as it happens. I/O: a cluster.

mod story;
mod told;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use ecqx_tests::{
    Cluster,
    local::{client, images as node_images, ready::Ready},
    product::{Image, Product, images},
};
use kube::Client;
use told::Told;

/// Installs the product into a cluster and runs an order through it, from the shop's delivery to a registered phone.
///
/// `make demo` starts a cluster first; with KUBECONFIG set, that cluster is taken. Its nodes must be able to get the images
/// that `images/build.sh` names.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The host name that stands in the order's notes.
    #[arg(long, default_value = "syunikwin")]
    hostname: String,
    /// How many extensions are ordered beside those of the base configuration.
    #[arg(long, default_value_t = 10)]
    extensions: u32,
    /// The order's number in the shop.
    #[arg(long, default_value_t = 1001)]
    order: u64,
    /// What `ecqx-cluster up` says of the cluster it started, so that the images can be loaded into it.
    #[arg(long)]
    ready: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let told = Told::start();
    let built = images::build().await?;
    told.step("images are built");
    let (client, kubeconfig) = match &args.ready {
        Some(path) => own(path, &built).await?,
        None => given().await?,
    };
    told.step("images are where the cluster finds them");
    let product = Product::install(client, kubeconfig.clone(), &built, &[]).await?;
    told.step("the charts are installed, every part is ready");
    story::tell(&product, &args.hostname, args.extensions, args.order).await?;
    story::what_next(&product, &kubeconfig, &args.hostname).await
}

/// The cluster that `ecqx-cluster up` started: the images are brought to its node.
async fn own(ready: &Path, built: &[Image]) -> Result<(Client, PathBuf)> {
    let text =
        std::fs::read(ready).with_context(|| format!("cannot read {}: does the cluster run?", ready.display()))?;
    let ready: Ready = serde_json::from_slice(&text)?;
    for image in built {
        node_images::load(&ready, &image.archive)?;
    }
    let client = Client::try_from(client::config(&ready.kubeconfig).await?)?;
    Ok((client, ready.kubeconfig))
}

/// The cluster that `KUBECONFIG` names: it must get the images from a registry, or have them.
async fn given() -> Result<(Client, PathBuf)> {
    let cluster = Cluster::start().await?;
    Ok((cluster.client(), cluster.kubeconfig_path().to_owned()))
}
