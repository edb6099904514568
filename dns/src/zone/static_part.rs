//! The part of the zone that does not come from instances: web site, mail, CAA, verification records, delegations. Pure.

mod ds;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use hickory_proto::{
    ProtoError,
    rr::{DNSClass, Name, RData, RecordType},
    serialize::txt::Parser,
};

use super::{RrSet, ZoneError, sip::Placed};
use crate::wire::{WireName, name};

/// The TTL of records for which the file states none, in seconds.
const TTL: u32 = 3600;

/// The sets of the zone's own name, and those below by the label that follows it.
pub type Sets = (Vec<RrSet>, HashMap<Box<[u8]>, Vec<Placed>>);

/// Records by name and type.
#[derive(Debug, Default)]
pub struct StaticPart {
    sets: BTreeMap<(Name, RecordType), (u32, Vec<RData>)>,
}

impl StaticPart {
    /// Reads a zone file without SOA and without the zone's own NS, which are made elsewhere.
    ///
    /// # Errors
    /// When it is no zone file, or holds what could not be served.
    pub fn parse(text: &str, origin: &Name) -> Result<Self, ZoneError> {
        let text = ds::as_texts(&format!("$TTL {TTL}\n{text}\n"));
        let (_, found) = Parser::new(text, None, Some(origin.clone())).parse().map_err(ZoneError::Static)?;
        let mut part = Self::default();
        for set in found.into_values() {
            let (name, kind) = (set.name().to_lowercase(), set.record_type());
            if let Some(reason) = refused(&name, kind, set.dns_class(), origin) {
                return Err(ZoneError::StaticRecord { name, kind, reason });
            }
            for record in set.records_without_rrsigs() {
                let data = ds::of_text(&record.data).unwrap_or_else(|| Ok(record.data.clone()));
                let wrong = |reason| ZoneError::StaticRecord { name: name.clone(), kind: RecordType::DS, reason };
                let data = data.map_err(wrong)?;
                let set = part.sets.entry((name.clone(), data.record_type())).or_insert((record.ttl, Vec::new()));
                set.1.push(data);
            }
        }
        part.check_aliases()?;
        part.check_digests()?;
        Ok(part)
    }

    /// Adds a name server's addresses. Without any, the name exists all the same.
    ///
    /// # Errors
    /// When the static part says something else of the name.
    pub fn add_name_server(&mut self, host: &Name, addresses: &[IpAddr], ttl: u32) -> Result<(), ZoneError> {
        for kind in [RecordType::A, RecordType::AAAA] {
            let of_kind = addresses.iter().filter(|address| address.is_ipv4() == (kind == RecordType::A));
            let data: Vec<_> = of_kind.map(|address| RData::from(*address)).collect();
            let both = !data.is_empty() && self.sets.contains_key(&(host.clone(), kind));
            if both || self.sets.contains_key(&(host.clone(), RecordType::CNAME)) {
                let reason = "the name is a name server's; give its addresses with --name-server alone";
                return Err(ZoneError::StaticRecord { name: host.clone(), kind, reason });
            }
            // An empty set is none, but keeps the name taken.
            self.sets.entry((host.clone(), kind)).or_insert((ttl, data));
        }
        Ok(())
    }

    /// Whether this name server stands in the zone without an address.
    pub fn is_unreachable(&self, host: &Name) -> bool {
        let none = |kind| self.sets.get(&(host.clone(), kind)).is_none_or(|(_, data)| data.is_empty());
        self.sets.contains_key(&(host.clone(), RecordType::A)) && none(RecordType::A) && none(RecordType::AAAA)
    }

    /// All sets, by where they stand. Names outside the zone, which are name servers elsewhere, are left out.
    ///
    /// # Errors
    /// When a record cannot be written down.
    pub fn into_sets(self, origin: &WireName) -> Result<Sets, ZoneError> {
        let (mut apex, mut below) = (Vec::new(), HashMap::<Box<[u8]>, Vec<Placed>>::new());
        for ((owner, _), (ttl, data)) in self.sets {
            let refused = |source: ProtoError| ZoneError::Name { name: owner.to_ascii(), source };
            let set = RrSet::new(ttl, data).map_err(refused)?;
            let wire = WireName::of(&owner);
            let Some(part) = wire.below(origin) else { continue };
            let Some(last) = name::starts(part).last() else {
                apex.extend(set);
                continue;
            };
            let sets = below.entry(part[last + 1..].into()).or_default();
            sets.extend(set.map(|set| (part[..last].into(), set)));
        }
        Ok((apex, below))
    }

    /// The digests of another zone's keys stand where that zone begins (RFC 4035, section 2.4).
    fn check_digests(&self) -> Result<(), ZoneError> {
        let of_digests = self.sets.keys().filter(|(_, kind)| *kind == RecordType::DS);
        let astray = of_digests.into_iter().find(|(name, _)| !self.sets.contains_key(&(name.clone(), RecordType::NS)));
        let reason = "a DS record stands beside the NS records of a delegation, and that of this zone's own keys in the parent zone";
        astray.map_or(Ok(()), |(name, kind)| Err(ZoneError::StaticRecord { name: name.clone(), kind: *kind, reason }))
    }

    /// An alias stands alone (RFC 1034, section 3.6.2).
    fn check_aliases(&self) -> Result<(), ZoneError> {
        for ((name, kind), (_, data)) in &self.sets {
            let of_alias = self.sets.get(&(name.clone(), RecordType::CNAME));
            if of_alias.is_some() && (*kind != RecordType::CNAME || data.len() > 1) {
                let reason = "a name with a CNAME can hold nothing else; remove one of them";
                return Err(ZoneError::StaticRecord { name: name.clone(), kind: *kind, reason });
            }
        }
        Ok(())
    }
}

/// Why a record cannot stand in the static part.
fn refused(name: &Name, kind: RecordType, class: DNSClass, origin: &Name) -> Option<&'static str> {
    match kind {
        _ if class != DNSClass::IN => Some("only the class IN is served"),
        _ if !origin.zone_of(name) => Some("the name is not in the zone"),
        RecordType::SOA => Some("the SOA is made by the server, since it holds the serial; remove it"),
        RecordType::NS if name == origin => Some("the zone's own name servers are given with --name-server; remove it"),
        RecordType::CNAME if name == origin => Some("the zone's own name cannot be an alias (RFC 1912, section 2.4)"),
        RecordType::DNSKEY | RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 | RecordType::NSEC3PARAM => {
            Some("signatures and keys are not taken from a file; remove it")
        }
        _ if u16::from(kind) == crate::wire::kind::DNAME => Some("DNAME is not served; name each alias"),
        _ => None,
    }
}
