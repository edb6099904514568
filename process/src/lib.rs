//! How every binary of the product starts and stops: logs and signals. I/O: standard error, signal handlers.

use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Libraries that say in a line for each query, or as an error, what the product tells itself in a better place. `RUST_LOG`
/// can name them again.
const QUIET: &str = "hickory_server=warn,hickory_net=warn,kube_client::client::builder=off";

/// Starts the logs on standard error: for people on a terminal, as JSON elsewhere. `RUST_LOG` sets the level, `info` by default.
pub fn start_logs() {
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::new(format!("{QUIET},{wanted}"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().flatten_event(true).init();
    }
}

/// A token that is cancelled at the first SIGTERM or SIGINT.
///
/// # Errors
/// When the system lets no signal handler be set.
pub fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop; finishing what is under way");
        told.cancel();
    });
    Ok(stop)
}
