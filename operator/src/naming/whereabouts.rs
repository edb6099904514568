//! Where the name servers are. I/O: a watch.

use std::net::{IpAddr, SocketAddr};

use futures::StreamExt;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        reflector::{self, Store},
        watcher::{self, watcher},
    },
};

use crate::watches::WATCH_SECONDS;

/// The label that leads from a slice to its Service.
const SERVICE: &str = "kubernetes.io/service-name";
/// The port of the Service on which name servers tell what they serve.
const PORT: &str = "http";

/// Where the name servers are.
#[derive(Debug)]
pub enum Whereabouts {
    /// At these addresses.
    At(Vec<SocketAddr>),
    /// Behind a Service, as its slices say: the cluster's own DNS is not needed, and a change is known at once.
    Behind(Store<EndpointSlice>),
}

impl Whereabouts {
    /// Behind this Service, which is followed for as long as the process runs.
    pub fn behind(client: Client, namespace: &str, service: &str) -> Self {
        let (store, writer) = reflector::store();
        let of_service = watcher::Config::default().labels(&format!("{SERVICE}={service}")).timeout(WATCH_SECONDS);
        let slices = watcher(Api::<EndpointSlice>::namespaced(client, namespace), of_service);
        let followed = slices.default_backoff().reflect(writer).for_each(|change| {
            if let Err(error) = change {
                tracing::warn!(%error, "lost sight of the name servers; trying again");
            }
            std::future::ready(())
        });
        tokio::spawn(followed);
        Self::Behind(store)
    }

    /// All of them that are ready, as far as is known.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::At(addresses) => addresses.clone(),
            Self::Behind(slices) => slices.state().iter().flat_map(|slice| of_slice(slice)).collect(),
        }
    }
}

fn of_slice(slice: &EndpointSlice) -> Vec<SocketAddr> {
    let mut ports = slice.ports.iter().flatten().filter(|port| port.name.as_deref() == Some(PORT));
    let Some(port) = ports.find_map(|port| u16::try_from(port.port?).ok()) else { return Vec::new() };
    let ready = slice.endpoints.iter().filter(|endpoint| is_ready(endpoint));
    // The first stands for the same server as the others do.
    let addresses = ready.filter_map(|endpoint| endpoint.addresses.first()?.parse::<IpAddr>().ok());
    addresses.map(|address| SocketAddr::new(address, port)).collect()
}

/// Nothing said means that it is (the API's own rule).
fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slice(value: serde_json::Value) -> EndpointSlice {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn those_that_are_ready_are_asked_at_the_port_named_http() {
        let slice = slice(json!({
            "addressType": "IPv4",
            "metadata": { "name": "dns-replicas-a" },
            "ports": [{ "name": "metrics", "port": 9090 }, { "name": "http", "port": 8081 }],
            "endpoints": [
                { "addresses": ["10.0.0.1"], "conditions": { "ready": true } },
                { "addresses": ["10.0.0.2"], "conditions": { "ready": false } },
                { "addresses": ["10.0.0.3", "10.0.0.4"] },
                { "addresses": ["ns.example.com"] },
            ],
        }));
        assert_eq!(of_slice(&slice), ["10.0.0.1:8081".parse().unwrap(), "10.0.0.3:8081".parse().unwrap()]);
    }

    #[test]
    fn addresses_of_version_6_are_asked_too() {
        let slice = slice(json!({
            "addressType": "IPv6",
            "metadata": {},
            "ports": [{ "name": "http", "port": 8080 }],
            "endpoints": [{ "addresses": ["2001:db8::1"] }],
        }));
        assert_eq!(of_slice(&slice), ["[2001:db8::1]:8080".parse().unwrap()]);
    }

    #[test]
    fn a_service_without_that_port_is_none_of_name_servers() {
        let slice = slice(json!({
            "addressType": "IPv4",
            "metadata": {},
            "ports": [{ "port": 80 }],
            "endpoints": [{ "addresses": ["10.0.0.1"] }],
        }));
        assert_eq!(of_slice(&slice), []);
    }
}
