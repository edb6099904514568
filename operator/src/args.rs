//! What the operator is started with.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use ecqx_domain::name_change::Ttl;
use kube::Client;

use crate::{
    build::PbxDefaults,
    naming::{ExternalDns, NameServers, Naming, Whereabouts},
};

/// Turns `EcqxInstance` and `LicenseSet` resources into running PBXs.
///
/// Reads the cluster from the pod's service account, or from KUBECONFIG outside of a cluster. `RUST_LOG` sets the log level, such
/// as `info` or `ecqx_operator=debug`.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The provider's settings (zone, base configuration, maxima, reserved names, billing, lifecycle, promotions), as JSON.
    #[arg(long, env = "ECQX_SETTINGS", default_value = "/etc/ecqx/settings/settings.json")]
    pub settings: PathBuf,
    /// The PBX image for instances that name none.
    #[arg(long, env = "ECQX_PBX_IMAGE")]
    pub pbx_image: String,
    /// CPU set aside for a PBX whose instance names none.
    #[arg(long, env = "ECQX_PBX_CPU", default_value = "50m")]
    pub pbx_cpu: String,
    /// Memory set aside for a PBX, and the most it may use, where its instance names none.
    #[arg(long, env = "ECQX_PBX_MEMORY", default_value = "256Mi")]
    pub pbx_memory: String,
    /// Secrets with registry credentials, by name, in the instances' namespaces.
    #[arg(long, env = "ECQX_IMAGE_PULL_SECRETS", value_delimiter = ',')]
    pub image_pull_secrets: Vec<String>,
    /// The operator's own namespace: pods in it may ask the PBX pods for their state.
    #[arg(long, env = "POD_NAMESPACE", default_value = "ecqx-system")]
    pub namespace: String,
    /// The Service in the operator's namespace behind which the name servers tell what they serve, on its port `http`; without,
    /// `DnsPublished` is not told.
    #[arg(long, env = "ECQX_NAME_SERVERS")]
    pub name_servers: Option<String>,
    /// Whether names are handed over to external-dns, as `DNSEndpoint` objects: not at all, beside our own name servers, or instead of them.
    #[arg(long, env = "ECQX_EXTERNAL_DNS", value_enum, default_value_t)]
    pub external_dns: ExternalDns,
    /// For how many seconds resolvers may keep the records of an instance: in a `DNSEndpoint`, and, as the name servers have it, to
    /// know how long ahead of a change it is lowered.
    #[arg(long, env = "ECQX_DNS_TTL", default_value_t = 60)]
    pub dns_ttl: u32,
    /// The same when they are about to change.
    #[arg(long, env = "ECQX_DNS_SHORT_TTL", default_value_t = 10)]
    pub dns_short_ttl: u32,
    /// Where `/livez` and `/readyz` are answered.
    #[arg(long, env = "ECQX_HTTP", default_value = "0.0.0.0:8080")]
    pub http: SocketAddr,
}

impl Args {
    /// Where names come from; the name servers are followed from here on.
    ///
    /// # Errors
    /// When the HTTP client for the name servers cannot be made.
    pub fn naming(&self, client: &Client) -> reqwest::Result<Naming> {
        let is_asked = |service: &&str| !service.is_empty() && self.external_dns != ExternalDns::Instead;
        let service = self.name_servers.as_deref().filter(is_asked);
        let whereabouts = service.map(|service| Whereabouts::behind(client.clone(), &self.namespace, service));
        Ok(Naming {
            name_servers: whereabouts.map(NameServers::new).transpose()?,
            hands_over: self.external_dns != ExternalDns::Off,
            ttl: Ttl { usual: self.dns_ttl, short: self.dns_short_ttl },
        })
    }

    /// What the provider decides for every PBX.
    pub fn pbx_defaults(&self) -> PbxDefaults {
        PbxDefaults {
            image: self.pbx_image.clone(),
            cpu: self.pbx_cpu.clone(),
            memory: self.pbx_memory.clone(),
            image_pull_secrets: self.image_pull_secrets.iter().filter(|name| !name.is_empty()).cloned().collect(),
            operator_namespace: self.namespace.clone(),
        }
    }
}
