//! What is the same in every state of the zone: its name, name servers, times and static part, checked once. Pure.

mod error;

use std::{collections::HashMap, sync::Arc};

use ecqx_domain::{hostname::Label, name_change::Ttl};
use hickory_proto::rr::{
    Name, RData,
    rdata::{NS, SOA},
};

pub use error::ZoneError;

use super::{Branch, NameServer, Node, RrSet, StaticPart};
use crate::{store, wire::WireName};

/// The longest zone name below which every instance's names still fit into 255 octets: its label takes up to 64, and
/// `_sip._udp` 10.
const LONGEST_ZONE: usize = 255 - 64 - 10;

/// For how long resolvers may keep SOA, NS and the name servers' addresses, in seconds: they change with a release, not with
/// an instance.
const APEX_TTL: u32 = 3600;

/// The times of the zone, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// Of an instance's records.
    pub ttl: Ttl,
    /// Of the absence of a name: the SOA's minimum (RFC 2308).
    pub negative_ttl: u32,
    /// How often a secondary looks for a new serial.
    pub refresh: i32,
    /// How soon it looks again when it got no answer.
    pub retry: i32,
    /// How long it serves the zone without having got an answer.
    pub expire: i32,
}

impl Default for Timers {
    fn default() -> Self {
        Self { ttl: Ttl::default(), negative_ttl: 60, refresh: 3600, retry: 600, expire: 1_209_600 }
    }
}

/// The zone's settings, checked.
#[derive(Debug)]
pub struct ZoneSettings {
    origin: Name,
    wire_origin: WireName,
    timers: Timers,
    tls: bool,
    hostmaster: Name,
    primary: Name,
    name_servers: Vec<Name>,
    unreachable: Vec<Name>,
    apex: Vec<RrSet>,
    branches: HashMap<Box<[u8]>, Arc<Branch>>,
    digest: String,
}

impl ZoneSettings {
    /// Checks the settings, without a static part.
    ///
    /// # Errors
    /// With the name concerned and the remedy.
    pub fn new(zone: &str, name_servers: &[NameServer], timers: Timers) -> Result<Self, ZoneError> {
        Self::with_static(zone, name_servers, timers, "")
    }

    /// Checks the settings, with a static part in the form of a zone file (RFC 1035, section 5).
    ///
    /// # Errors
    /// With the name concerned and the remedy.
    pub fn with_static(zone: &str, servers: &[NameServer], timers: Timers, text: &str) -> Result<Self, ZoneError> {
        let origin = absolute(zone, &Name::root())?;
        let wire_origin = WireName::of(&origin);
        if wire_origin.as_bytes().len() > LONGEST_ZONE {
            return Err(ZoneError::TooLong(origin));
        }
        let mut content = StaticPart::parse(text, &origin)?;
        let mut name_servers = Vec::with_capacity(servers.len());
        for server in servers {
            let host = name_server(server, &origin)?;
            if name_servers.contains(&host) {
                return Err(ZoneError::Twice(host));
            }
            if origin.zone_of(&host) {
                content.add_name_server(&host, &server.addresses, APEX_TTL)?;
            }
            name_servers.push(host);
        }
        let Some(primary) = name_servers.first().cloned() else { return Err(ZoneError::NoNameServer(origin)) };
        let hostmaster = absolute("hostmaster", &origin)?;
        let unreachable = name_servers.iter().filter(|server| content.is_unreachable(server)).cloned().collect();
        let (apex, branches) = content.into_sets(&wire_origin)?;
        let branches = branches.into_iter().map(|(label, sets)| (label, Arc::new(Branch::new(sets)))).collect();
        let settings = Self {
            origin,
            wire_origin,
            timers,
            tls: false,
            hostmaster,
            primary,
            name_servers,
            unreachable,
            apex,
            branches,
            digest: digest(zone, servers, timers, text),
        };
        // What follows from the settings alone is written once here, so that it cannot fail later.
        settings.apex(0)?;
        Ok(settings)
    }

    /// The same with or without SIP over TLS among the services of each instance.
    #[must_use]
    pub fn offering_tls(self, tls: bool) -> Self {
        Self { tls, ..self }
    }

    /// What stands at the zone's own name: SOA, NS, and what the static part has for it.
    pub(super) fn apex(&self, serial: u32) -> Result<Node, ZoneError> {
        let servers = self.name_servers.iter().map(|server| RData::NS(NS(server.clone())));
        let own = [self.written(APEX_TTL, [self.soa(serial)])?, self.written(APEX_TTL, servers)?];
        Ok(Node::new(own.into_iter().chain(self.apex.iter().cloned()).collect()))
    }

    /// The SOA of a state.
    ///
    /// # Errors
    /// When it cannot be written down, which the settings' check has excluded.
    pub fn soa_set(&self, serial: u32) -> Result<RrSet, ZoneError> {
        self.written(APEX_TTL, [self.soa(serial)])
    }

    /// The SOA as it goes with negative answers.
    pub(super) fn negative_soa(&self, serial: u32) -> Result<RrSet, ZoneError> {
        self.written(self.timers.negative_ttl.min(APEX_TTL), [self.soa(serial)])
    }

    fn written(&self, ttl: u32, data: impl IntoIterator<Item = RData>) -> Result<RrSet, ZoneError> {
        let set = RrSet::new(ttl, data).map_err(|source| ZoneError::Name { name: self.origin.to_ascii(), source })?;
        set.ok_or_else(|| ZoneError::NoNameServer(self.origin.clone()))
    }

    fn soa(&self, serial: u32) -> RData {
        let Timers { refresh, retry, expire, negative_ttl, .. } = self.timers;
        let (primary, hostmaster) = (self.primary.clone(), self.hostmaster.clone());
        RData::SOA(SOA::new(primary, hostmaster, serial, refresh, retry, expire, negative_ttl))
    }

    /// What stands in the zone whatever the instances, by the label that follows the zone's own.
    pub(super) fn branches(&self) -> &HashMap<Box<[u8]>, Arc<Branch>> {
        &self.branches
    }

    /// Whether a name server or the static part stands at or below this label.
    pub fn is_taken(&self, label: &Label) -> bool {
        self.branches.contains_key(label.as_str().as_bytes())
    }

    /// The labels at or below which a name server or the static part stands.
    pub fn taken(&self) -> impl Iterator<Item = &[u8]> {
        self.branches.keys().map(|label| &**label)
    }

    /// The name servers that stand in the zone without an address. The zone can be served, as in a trial where no address is
    /// known yet, but not delegated to them.
    pub fn unreachable_name_servers(&self) -> impl Iterator<Item = &Name> {
        self.unreachable.iter()
    }

    /// The name servers, the primary first.
    pub fn name_servers(&self) -> &[Name] {
        &self.name_servers
    }

    /// The zone's own name.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// The zone's own name in wire form.
    pub fn wire_origin(&self) -> &WireName {
        &self.wire_origin
    }

    /// The TTL of an instance's records.
    pub fn ttl(&self) -> Ttl {
        self.timers.ttl
    }

    /// A digest of all that the zone is made from besides instances: with another, it is another zone.
    pub fn digest(&self) -> String {
        format!("{}-{}", self.digest, self.tls)
    }

    /// Whether instances offer SIP over TLS.
    pub fn offers_tls(&self) -> bool {
        self.tls
    }
}

fn digest(zone: &str, servers: &[NameServer], timers: Timers, text: &str) -> String {
    store::digest(format!("{zone} {servers:?} {timers:?} {text}").as_bytes())
}

/// The absolute name of a text below another name, in lower case.
fn absolute(text: &str, below: &Name) -> Result<Name, ZoneError> {
    let refused = |source| ZoneError::Name { name: text.to_owned(), source };
    let relative = Name::from_ascii(text.trim_end_matches('.')).map_err(refused)?;
    Ok(relative.append_domain(below).map_err(refused)?.to_lowercase())
}

/// A name server's name.
fn name_server(server: &NameServer, origin: &Name) -> Result<Name, ZoneError> {
    let below = if server.host.contains('.') { &Name::root() } else { origin };
    let host = absolute(&server.host, below)?;
    if host == *origin {
        Err(ZoneError::Apex(host))
    } else if !origin.zone_of(&host) && !server.addresses.is_empty() {
        Err(ZoneError::ForeignAddress(host))
    } else {
        Ok(host)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nobody(&[], "has no name server")]
    #[case::foreign_with_an_address(&["ns.example.net=203.0.113.1"], "leave the addresses out")]
    #[case::twice(&["ns1=203.0.113.1", "NS1.epygicloud.com=203.0.113.2"], "given twice")]
    #[case::the_zone_itself(&["epygicloud.com=203.0.113.1"], "is the zone itself")]
    #[case::no_name(&["ns..x=203.0.113.1"], "is no domain name")]
    fn name_servers_that_nobody_could_use_are_refused(#[case] servers: &[&str], #[case] expected: &str) {
        let servers: Vec<NameServer> = servers.iter().map(|text| text.parse().unwrap()).collect();
        let message = ZoneSettings::new("epygicloud.com", &servers, Timers::default()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn a_name_server_in_the_zone_without_an_address_is_served_and_told() {
        let servers = ["ns1", "ns2=203.0.113.2", "ns.example.net"].map(|text| text.parse().unwrap());
        let settings = ZoneSettings::new("epygicloud.com", &servers, Timers::default()).unwrap();
        let unreachable: Vec<_> = settings.unreachable_name_servers().map(Name::to_ascii).collect();
        assert_eq!(unreachable, ["ns1.epygicloud.com."]);
        assert!(settings.is_taken(&Label::parse("ns1").unwrap()));
    }

    #[test]
    fn a_zone_so_long_that_instances_would_not_fit_is_refused() {
        let zone = ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join(".");
        let servers = ["ns.example.net".parse().unwrap()];
        let message = ZoneSettings::new(&zone, &servers, Timers::default()).unwrap_err().to_string();
        assert!(message.contains("too long"), "{message}");
    }
}
