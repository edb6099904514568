//! `ecqx-dns`: reads the arguments, starts the log, runs the server.

use clap::Parser;
use ecqx_dns::{args::Args, run::run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ecqx_process::start_logs();
    Ok(run(args).await?)
}
