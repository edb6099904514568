//! How instances come by their names in the DNS: by name servers of our own, which are asked what they serve, and by objects that
//! external-dns brings to a provider.

pub mod endpoint;
mod name_servers;
mod whereabouts;

use std::sync::Arc;

use clap::ValueEnum;
use ecqx_domain::name_change::Ttl;
use endpoint::DnsEndpoint;

pub use name_servers::{NameServers, Served};
pub use whereabouts::Whereabouts;

/// What the operator has to do with names.
#[derive(Debug, Default)]
pub struct Naming {
    /// The name servers that are asked; none when nobody has named them.
    pub name_servers: Option<NameServers>,
    /// Whether there are objects for external-dns.
    pub hands_over: bool,
    /// For how long resolvers may keep the records.
    pub ttl: Ttl,
}

/// Whether there are objects for external-dns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExternalDns {
    /// None.
    #[default]
    Off,
    /// Beside name servers of our own.
    Beside,
    /// Instead of them.
    Instead,
}

/// Where a name stands, as far as it can be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// In the zone of our own name servers.
    Served(Served),
    /// Handed over to external-dns, in this object where there is one.
    HandedOver(Option<Handed>),
}

/// What was handed over to external-dns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The object.
    pub name: String,
    /// The addresses in it.
    pub addresses: Vec<String>,
    /// Whether external-dns has taken it up as it is.
    pub is_taken_up: bool,
}

impl Handed {
    /// What the object shows.
    pub fn of(endpoint: &Arc<DnsEndpoint>) -> Self {
        let observed = endpoint.status.as_ref().and_then(|status| status.observed_generation);
        let sets = endpoint.spec.endpoints.iter().filter(|set| matches!(&*set.record_type, "A" | "AAAA"));
        Self {
            name: endpoint.metadata.name.clone().unwrap_or_default(),
            addresses: sets.flat_map(|set| set.targets.clone()).collect(),
            is_taken_up: observed.is_some() && observed == endpoint.metadata.generation,
        }
    }
}
