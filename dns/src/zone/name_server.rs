//! A name server of the zone, as it is written on the command line. Pure.

use std::{net::IpAddr, str::FromStr};

/// `ns1=203.0.113.1,2001:db8::1` or `ns.example.net`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// A label of the zone, or a full name (with a dot).
    pub host: String,
    /// Its addresses, when it stands in the zone.
    pub addresses: Vec<IpAddr>,
}

/// Why a name server is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameServerError {
    /// Nothing before the `=`.
    #[error("{0:?} has no name; write NAME=ADDRESS, such as ns1=203.0.113.1")]
    NoHost(String),
    /// Neither IPv4 nor IPv6.
    #[error("{address:?} is no IP address; write NAME=ADDRESS, such as ns1=203.0.113.1 or ns1=203.0.113.1,2001:db8::1")]
    Address {
        /// As written.
        address: String,
    },
}

impl FromStr for NameServer {
    type Err = NameServerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, addresses) = text.split_once('=').map_or((text, None), |(host, addresses)| (host, Some(addresses)));
        if host.is_empty() {
            return Err(NameServerError::NoHost(text.to_owned()));
        }
        let parse =
            |text: &str| text.trim().parse().map_err(|_| NameServerError::Address { address: text.trim().to_owned() });
        let addresses = addresses.map(|addresses| addresses.split(',').map(parse).collect()).transpose()?;
        Ok(Self { host: host.to_owned(), addresses: addresses.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ns1=203.0.113.1", "ns1", 1)]
    #[case("ns1=203.0.113.1,2001:db8::1", "ns1", 2)]
    #[case("ns.example.net", "ns.example.net", 0)]
    fn a_name_server_is_a_name_with_or_without_addresses(#[case] text: &str, #[case] host: &str, #[case] count: usize) {
        let server: NameServer = text.parse().unwrap();
        assert_eq!((server.host.as_str(), server.addresses.len()), (host, count));
    }

    #[rstest]
    #[case("=203.0.113.1", "no name")]
    #[case("ns1=", "no IP address")]
    #[case("ns1=203.0.113", "\"203.0.113\" is no IP address")]
    fn a_wrong_one_is_refused_with_the_form_that_is_wanted(#[case] text: &str, #[case] expected: &str) {
        let message = text.parse::<NameServer>().unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("NAME=ADDRESS"), "{message}");
    }
}
