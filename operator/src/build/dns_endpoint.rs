//! The `DNSEndpoint` for external-dns: the same records that our own name server makes of an instance. Pure.

use std::net::IpAddr;

use ecqx_domain::sip::{TLS, TRANSPORTS, Transport};

use super::metadata;
use crate::{
    naming::endpoint::{DnsEndpoint, DnsEndpointSpec, Endpoint},
    validate::ValidatedInstance,
};

/// Builds it; none for an instance that takes no calls, which has no name.
pub fn build(instance: &ValidatedInstance, addresses: &[String], sips: bool, ttl: u32) -> Option<DnsEndpoint> {
    let known: Vec<IpAddr> = addresses.iter().filter_map(|address| address.parse().ok()).collect();
    let targets = |is_v4| known.iter().filter(|address| address.is_ipv4() == is_v4).map(ToString::to_string).collect();
    let (host, ttl) = (&instance.fqdn, i64::from(ttl));
    let set = |name: String, kind: &str, targets: Vec<String>| {
        let set = Endpoint { dns_name: name, record_ttl: ttl, record_type: kind.to_owned(), targets };
        Some(set).filter(|set| !set.targets.is_empty())
    };
    let transports = || TRANSPORTS.iter().chain(sips.then_some(&TLS));
    let addresses = [set(host.clone(), "A", targets(true)), set(host.clone(), "AAAA", targets(false))];
    let pointers = set(host.clone(), "NAPTR", transports().map(|transport| naptr(transport, host)).collect());
    // external-dns takes an SRV record's host with its final dot only (RFC 2782).
    let services = transports()
        .map(|transport| set(name(transport, host), "SRV", vec![format!("10 10 {} {host}.", transport.port)]));
    let endpoints = addresses.into_iter().chain([pointers]).chain(services).flatten().collect();
    let mut endpoint = DnsEndpoint::new("", DnsEndpointSpec { endpoints });
    endpoint.metadata = metadata(instance, instance.names.base());
    (!known.is_empty()).then_some(endpoint)
}

fn name(transport: &Transport, host: &str) -> String {
    format!("{}.{}.{host}", transport.scheme, transport.protocol)
}

fn naptr(transport: &Transport, host: &str) -> String {
    format!(r#"{} 10 "s" "{}" "" {}."#, transport.order, transport.service, name(transport, host))
}

#[cfg(test)]
mod tests {
    use insta::assert_yaml_snapshot;

    use super::*;
    use crate::validate::tests::{instance, validated};

    fn endpoint(addresses: &[&str], sips: bool) -> Option<DnsEndpoint> {
        let addresses: Vec<String> = addresses.iter().map(|address| (*address).to_owned()).collect();
        build(&validated(&instance("syunikwin"), None), &addresses, sips, 60)
    }

    #[test]
    fn a_name_has_addresses_and_the_ways_of_sip() {
        assert_yaml_snapshot!(endpoint(&["203.0.113.9", "2001:db8::9"], true));
    }

    #[test]
    fn without_tls_there_is_no_sips_and_without_addresses_no_name() {
        let endpoint_without = endpoint(&["203.0.113.9"], false).unwrap();
        assert!(!serde_json::to_string(&endpoint_without).unwrap().contains("sips"));
        assert_eq!(endpoint(&[], true), None);
        assert_eq!(endpoint(&["pbx.example.net"], true), None);
    }
}
