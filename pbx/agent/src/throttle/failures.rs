//! Which happenings in Asterisk are failures to authenticate, and whose. Pure.

use std::net::IpAddr;

use crate::ami::Event;

/// The reason that the registrar gives for a stranger, who has no address of record.
const STRANGER: &str = "registrar_attempt_without_configured_aors";

/// A failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose, as the packet says.
    pub source: IpAddr,
    /// Whether anybody could have sent it in that name: it came in a datagram.
    pub forgeable: bool,
}

/// What failed, where that counts. A datagram may come from anybody in the name of a customer, whom it must not lock out, so that of those
/// only an answer to a challenge counts. That is no proof either: Asterisk compares an answer to a challenge of its own with one to a
/// made-up one in the same way, and says the same of both.
pub fn of(event: &Event) -> Option<Failure> {
    let (transport, source) = address(event.get("RemoteAddress")?)?;
    let counts = match event.name.as_str() {
        "ChallengeResponseFailed" | "InvalidPassword" => true,
        "InvalidAccountID" => transport != "UDP",
        "FailedACL" => transport != "UDP" && event.get("ACLName") == Some(STRANGER),
        _ => false,
    };
    counts.then_some(Failure { source, forgeable: transport == "UDP" })
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
