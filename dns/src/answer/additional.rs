//! What a caller will ask next: NAPTR leads to SRV, SRV and NS to addresses (RFC 3263, RFC 2782, RFC 1035). Pure.

use hickory_proto::rr::{LowerName, Name, RData, RecordType};

use crate::zone::{Place, RrSet, Zone};

const ADDRESSES: [RecordType; 2] = [RecordType::A, RecordType::AAAA];

/// The sets that go along with `set`: services first, then addresses, each once.
pub fn of<'z>(zone: &'z Zone, set: &RrSet) -> Vec<&'z RrSet> {
    let mut found = Vec::new();
    follow(zone, set, &mut found);
    for service in found.clone() {
        follow(zone, service, &mut found);
    }
    found
}

fn follow<'z>(zone: &'z Zone, set: &RrSet, found: &mut Vec<&'z RrSet>) {
    for record in set.records() {
        match &record.data {
            RData::NAPTR(naptr) if naptr.flags.eq_ignore_ascii_case(b"s") => {
                add(zone, &naptr.replacement, &[RecordType::SRV], found);
            }
            RData::SRV(srv) => add(zone, &srv.target, &ADDRESSES, found),
            RData::NS(ns) => add(zone, &ns.0, &ADDRESSES, found),
            _ => (),
        }
    }
}

fn add<'z>(zone: &'z Zone, name: &Name, kinds: &[RecordType], found: &mut Vec<&'z RrSet>) {
    let Place::Here(node) = zone.find(&LowerName::new(name)) else { return };
    for set in kinds.iter().filter_map(|kind| node.get(*kind)) {
        if !found.iter().any(|known| std::ptr::eq(*known, set)) {
            found.push(set);
        }
    }
}
