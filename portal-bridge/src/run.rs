//! Starts the bridge and stops it in order. I/O: files, sockets, signals, the API server.

use std::{net::SocketAddr, path::Path, sync::Arc};

use ecqx_domain::settings::{Settings, SettingsError};
use kube::Client;
use tokio::{net::TcpListener, sync::Mutex};

use crate::{
    args::Args,
    bridge::Bridge,
    config::{Config, ConfigError},
    controller, http,
    secrets::{SecretError, SecretFiles},
    turns::Turns,
};

/// Why the bridge did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}; mount it, or name another with the flag")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The provider's settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The bridge's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No way to the API server is known.
    #[error("cannot make a client of the Kubernetes API: {0}; run in a pod with a service account, or set KUBECONFIG")]
    Client(Box<kube::Error>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server or the signals gave out.
    #[error("cannot serve: {0}")]
    Serve(std::io::Error),
    /// The controller ended without being told to.
    #[error("the controller of the orders ended by itself; start the bridge again")]
    ControllerEnded,
}

/// Runs the bridge until it is told to stop.
///
/// # Errors
/// With what is wrong and what to do about it.
pub async fn run(args: Args) -> Result<(), RunError> {
    let settings = Settings::parse(&read(&args.settings).await?)?;
    let config = Config::parse(&read(&args.config).await?)?;
    let secrets = SecretFiles { webhook_secret: args.webhook_secret_file, api_tokens: args.api_tokens_file };
    secrets.check().await?;
    let client = Client::try_default().await.map_err(|error| RunError::Client(Box::new(error)))?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|source| RunError::Listen { address: args.listen, source })?;
    // Told in the log: the port is the system's choice where 0 was asked for.
    let address = listener.local_addr().unwrap_or(args.listen);

    let controller = controller::controller(client.clone(), &args.orders_namespace);
    let bridge = Arc::new(Bridge {
        client,
        orders_namespace: args.orders_namespace,
        settings,
        config,
        secrets,
        known: controller.store(),
        turns: Turns::default(),
        notes: Mutex::default(),
    });
    let stop = ecqx_process::stop_on_signal().map_err(RunError::Serve)?;
    tracing::info!(listen = %address, namespace = bridge.orders_namespace, "taking orders in");
    let server = axum::serve(listener, http::router(Arc::clone(&bridge)));
    let server = server.with_graceful_shutdown(stop.clone().cancelled_owned());
    let orders = async {
        controller::run(bridge, controller, stop.clone()).await;
        if stop.is_cancelled() { Ok(()) } else { Err(RunError::ControllerEnded) }
    };
    let serving = async { server.await.map_err(RunError::Serve) };
    tokio::try_join!(serving, orders).map(|_| ())
}

async fn read(path: &Path) -> Result<String, RunError> {
    let text = tokio::fs::read_to_string(path).await;
    text.map_err(|source| RunError::File { path: path.display().to_string(), source })
}
