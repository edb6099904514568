//! The operator's process: arguments, logs, signals. I/O: all of it.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use ecqx_domain::settings::Settings;
use ecqx_operator::{args::Args, clock::Clock, controller, health, watches};

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    ecqx_process::start_logs();
    let text = std::fs::read_to_string(&args.settings)
        .with_context(|| format!("cannot read the settings file {}", args.settings.display()))?;
    let settings = Settings::parse(&text)?;
    let mut config = kube::Config::infer().await.context("found no cluster: neither a pod's account nor KUBECONFIG")?;
    watches::notice_silence(&mut config);
    let client = kube::Client::try_from(config).context("cannot make a client for the cluster")?;
    let (stop, ready) = (ecqx_process::stop_on_signal()?, health::Ready::default());
    let health = tokio::spawn(health::serve(args.http, Arc::clone(&ready), stop.clone()));
    let naming = args.naming(&client).context("cannot make an HTTP client for the name servers")?;
    controller::run(client, settings, args.pbx_defaults(), naming, Clock::system(), ready, stop.clone()).await?;
    stop.cancel();
    health.await?.with_context(|| format!("cannot answer on {}", args.http))
}
