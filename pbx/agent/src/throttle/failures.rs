//! Which happenings in Asterisk are failures to authenticate, and whose. Pure.

use std::net::IpAddr;

use crate::ami::Event;

/// The reason that the registrar gives for a stranger, who has no address of record.
const STRANGER: &str = "registrar_attempt_without_configured_aors";

/// The source of a failure. Only what cannot be made up in another's name: an answer to a challenge (whoever gives one has received it),
/// or anything over a connection. A single UDP packet may come from anybody in the name of a customer, whom it must not lock out.
pub fn source(event: &Event) -> Option<IpAddr> {
    let (transport, source) = address(event.get("RemoteAddress")?)?;
    let counts = match event.name.as_str() {
        "ChallengeResponseFailed" | "InvalidPassword" => true,
        "InvalidAccountID" => transport != "UDP",
        "FailedACL" => transport != "UDP" && event.get("ACLName") == Some(STRANGER),
        _ => false,
    };
    counts.then_some(source)
}

/// The transport and the address of `IPV4/UDP/192.0.2.1/5060`.
pub fn address(remote: &str) -> Option<(&str, IpAddr)> {
    let mut parts = remote.splitn(4, '/').skip(1);
    Some((parts.next()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_between_the_transport_and_the_port() {
        assert_eq!(address("IPV4/UDP/192.0.2.1/5060"), Some(("UDP", "192.0.2.1".parse().unwrap())));
        assert_eq!(address("IPV6/TLS/2001:db8::1/5061"), Some(("TLS", "2001:db8::1".parse().unwrap())));
        assert_eq!(address("nonsense"), None);
    }
}
