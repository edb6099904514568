//! What is the same in every state of the zone: its name, name servers and times, checked once. Pure.

use std::{collections::HashMap, sync::Arc};

use ecqx_domain::hostname::Label;
use hickory_proto::{
    ProtoError,
    rr::{
        LowerName, Name, RData,
        rdata::{NS, SOA},
    },
};

use super::{Branch, NameServer, Node, RrSet, sip};

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
    pub ttl: u32,
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
        Self { ttl: 60, negative_ttl: 60, refresh: 3600, retry: 600, expire: 1_209_600 }
    }
}

/// The zone's settings, checked.
#[derive(Debug)]
pub struct ZoneSettings {
    origin: Name,
    lower_origin: LowerName,
    timers: Timers,
    hostmaster: Name,
    primary: Name,
    name_servers: Vec<Name>,
    branches: HashMap<Box<[u8]>, Arc<Branch>>,
}

/// Why a zone cannot be served as it is wanted.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// No domain name.
    #[error("{name:?} is no domain name: {source}")]
    Name {
        /// As written.
        name: String,
        /// What is wrong.
        source: ProtoError,
    },
    /// Names below it would not fit.
    #[error("the zone {0} is too long: names of instances below it would exceed 255 octets; set a shorter field zone")]
    TooLong(Name),
    /// No name server.
    #[error("zone {0} has no name server; give at least one with --name-server")]
    NoNameServer(Name),
    /// Not ours to tell.
    #[error(
        "name server {0} stands outside the zone, where its addresses are served by others; leave the addresses out"
    )]
    ForeignAddress(Name),
    /// The zone itself.
    #[error("name server {0} is the zone itself; give it a name below, such as ns1")]
    Apex(Name),
    /// Given twice.
    #[error("name server {0} is given twice; give it once with all its addresses, separated by commas")]
    Twice(Name),
}

impl ZoneSettings {
    /// Checks the settings.
    ///
    /// # Errors
    /// With the name concerned and the remedy.
    pub fn new(zone: &str, name_servers: &[NameServer], timers: Timers) -> Result<Self, ZoneError> {
        let origin = name(zone, &Name::root())?;
        if origin.len() > LONGEST_ZONE {
            return Err(ZoneError::TooLong(origin));
        }
        let lower_origin = LowerName::new(&origin);
        let hostmaster = name("hostmaster", &origin)?;
        let (mut servers, mut glue) = (Vec::new(), HashMap::<Box<[u8]>, Vec<RrSet>>::new());
        for server in name_servers {
            let (host, addresses) = name_server(server, &origin)?;
            if servers.contains(&host) {
                return Err(ZoneError::Twice(host));
            }
            if let Some(label) = label_below(&host, &origin) {
                glue.entry(label.into()).or_default().extend(addresses);
            }
            servers.push(host);
        }
        let Some(primary) = servers.first().cloned() else { return Err(ZoneError::NoNameServer(origin)) };
        let mut branches = HashMap::new();
        for (label, sets) in glue {
            let top =
                origin.prepend_label(&*label).map_err(|source| ZoneError::Name { name: zone.to_owned(), source })?;
            branches.insert(label, Arc::new(Branch::new(&top, sets)));
        }
        Ok(Self { origin, lower_origin, timers, hostmaster, primary, name_servers: servers, branches })
    }

    /// What stands at the zone's own name: SOA and NS.
    pub(super) fn apex(&self, serial: u32) -> Node {
        let servers = self.name_servers.iter().map(|server| RData::NS(NS(server.clone())));
        let servers = RrSet::new(&self.origin, APEX_TTL, servers);
        Node::new([RrSet::one(&self.origin, APEX_TTL, self.soa(serial))].into_iter().chain(servers).collect())
    }

    /// The SOA as it goes with negative answers.
    pub(super) fn negative_soa(&self, serial: u32) -> RrSet {
        RrSet::one(&self.origin, self.timers.negative_ttl.min(APEX_TTL), self.soa(serial))
    }

    fn soa(&self, serial: u32) -> RData {
        let Timers { refresh, retry, expire, negative_ttl, .. } = self.timers;
        let (primary, hostmaster) = (self.primary.clone(), self.hostmaster.clone());
        RData::SOA(SOA::new(primary, hostmaster, serial, refresh, retry, expire, negative_ttl))
    }

    /// The names of the name servers that stand in the zone.
    pub(super) fn name_server_branches(&self) -> &HashMap<Box<[u8]>, Arc<Branch>> {
        &self.branches
    }

    /// Whether a name server stands at or below this label.
    pub fn is_name_server(&self, label: &Label) -> bool {
        self.branches.contains_key(label.as_str().as_bytes())
    }

    /// The name servers that stand in the zone without an address. The zone can be served, as in a trial where no address is
    /// known yet, but not delegated to them.
    pub fn unreachable_name_servers(&self) -> impl Iterator<Item = &Name> {
        self.name_servers.iter().filter(|server| {
            let branch = label_below(server, &self.origin).and_then(|label| self.branches.get(label));
            branch.is_some_and(|branch| branch.find(&LowerName::new(server)).is_none_or(|node| node.sets().is_empty()))
        })
    }

    /// The zone's own name.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// The zone's own name, for comparison.
    pub fn lower_origin(&self) -> &LowerName {
        &self.lower_origin
    }

    /// The TTL of an instance's records.
    pub fn ttl(&self) -> u32 {
        self.timers.ttl
    }
}

/// The absolute name of a text below another name, in lower case.
fn name(text: &str, below: &Name) -> Result<Name, ZoneError> {
    let refused = |source| ZoneError::Name { name: text.to_owned(), source };
    let relative = Name::from_ascii(text.trim_end_matches('.')).map_err(refused)?;
    Ok(relative.append_domain(below).map_err(refused)?.to_lowercase())
}

/// A name server's name, with the sets of its addresses when it stands in the zone.
fn name_server(server: &NameServer, origin: &Name) -> Result<(Name, Vec<RrSet>), ZoneError> {
    let below = if server.host.contains('.') { &Name::root() } else { origin };
    let host = name(&server.host, below)?;
    let inside = origin.zone_of(&host);
    if host == *origin {
        Err(ZoneError::Apex(host))
    } else if !inside && !server.addresses.is_empty() {
        Err(ZoneError::ForeignAddress(host))
    } else {
        let sets = sip::addresses(&host, APEX_TTL, &server.addresses).flatten().collect();
        Ok((host, sets))
    }
}

/// The label of a name that follows the zone's own, if it stands below the zone.
fn label_below<'n>(name: &'n Name, origin: &Name) -> Option<&'n [u8]> {
    // Not `num_labels()`: that leaves out a leading `*`.
    let at = name.iter().len().checked_sub(origin.iter().len() + 1)?;
    if origin.zone_of(name) { name.iter().nth(at) } else { None }
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
        assert!(settings.is_name_server(&Label::parse("ns1").unwrap()));
    }

    #[test]
    fn a_zone_so_long_that_instances_would_not_fit_is_refused() {
        let zone = ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join(".");
        let servers = ["ns.example.net".parse().unwrap()];
        let message = ZoneSettings::new(&zone, &servers, Timers::default()).unwrap_err().to_string();
        assert!(message.contains("too long"), "{message}");
    }
}
