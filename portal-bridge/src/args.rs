//! The command line. Pure.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

/// Takes the orders of a reseller portal in and writes them to Kubernetes as custom resources.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Where to listen for deliveries and probes.
    #[arg(long, env = "ECQX_BRIDGE_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// The namespace of all `PortalOrder` objects: the bridge's own.
    #[arg(long, env = "POD_NAMESPACE")]
    pub orders_namespace: String,

    /// The provider's settings, the same file that the operator reads.
    #[arg(long, default_value = "/etc/ecqx/settings/settings.json")]
    pub settings: PathBuf,

    /// The bridge's own configuration: shop, SKUs, payment methods.
    #[arg(long, default_value = "/etc/ecqx/bridge/bridge.json")]
    pub config: PathBuf,

    /// A file with the secret of the shop's webhook.
    #[arg(long, default_value = "/etc/ecqx/bridge-secrets/webhook-secret")]
    pub webhook_secret_file: PathBuf,

    /// A file with the tokens of /v1/orders, one on each line.
    #[arg(long, default_value = "/etc/ecqx/bridge-secrets/api-tokens")]
    pub api_tokens_file: PathBuf,
}
