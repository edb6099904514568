//! The portal bridge: orders in, custom resources out. Everything is in the library.

use clap::Parser;
use ecqx_portal_bridge::{args::Args, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ecqx_process::start_logs();
    Ok(run::run(args).await?)
}
