//! A network: an address and how many of its bits count (RFC 4632). Pure.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::ParseIntError,
    str::FromStr,
};

/// `198.51.100.0/24` or `2001:db8::/32`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    network: IpAddr,
    length: u8,
}

/// Why a network is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Neither IPv4 nor IPv6.
    #[error("{0:?} is no IP address; write ADDRESS/LENGTH, such as 198.51.100.0/24 or 2001:db8::/32")]
    Address(String),
    /// Not the number of an address' bits.
    #[error("{0:?} is no prefix length: {1}; write ADDRESS/LENGTH, such as 198.51.100.0/24 or 2001:db8::/32")]
    Length(String, ParseIntError),
    /// More bits than there are.
    #[error("/{0} is longer than the address")]
    TooLong(u8),
}

impl Prefix {
    /// The network around an address, by the lengths for IPv4 and IPv6.
    pub fn around(address: IpAddr, (v4, v6): (u8, u8)) -> Self {
        let length = if address.is_ipv4() { v4 } else { v6 };
        Self { network: masked(address, length), length }
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.network.is_ipv4() == address.is_ipv4() && masked(address, self.length) == self.network
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Address(address.to_owned()))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => length.parse().map_err(|error| PrefixError::Length(length.to_owned(), error))?,
            None => most,
        };
        if length > most {
            Err(PrefixError::TooLong(length))
        } else {
            Ok(Self { network: masked(address, length), length })
        }
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("198.51.100.7/24", "198.51.100.255", true)]
    #[case("198.51.100.0/24", "198.51.101.0", false)]
    #[case("198.51.100.7", "198.51.100.7", true)]
    #[case("198.51.100.7", "198.51.100.8", false)]
    #[case("0.0.0.0/0", "203.0.113.1", true)]
    #[case("0.0.0.0/0", "2001:db8::1", false)]
    #[case("2001:db8::/32", "2001:db8:ffff::1", true)]
    #[case("::/0", "2001:db8::1", true)]
    fn a_network_contains_the_addresses_that_begin_like_it(
        #[case] prefix: &str,
        #[case] address: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(prefix.parse::<Prefix>().unwrap().contains(address.parse().unwrap()), expected);
    }

    #[rstest]
    #[case("somewhere/24", "no IP address")]
    #[case("198.51.100.0/x", "no prefix length")]
    #[case("198.51.100.0/33", "longer")]
    fn a_wrong_one_is_refused_with_what_is_wrong(#[case] text: &str, #[case] expected: &str) {
        let message = text.parse::<Prefix>().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
