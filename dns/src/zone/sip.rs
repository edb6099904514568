//! The records of one instance, by which a SIP caller finds transport, port and address (RFC 3263, section 4). Pure.

use std::net::IpAddr;

use hickory_proto::{
    ProtoError,
    rr::{
        Name, RData,
        rdata::{NAPTR, SRV},
    },
};

use super::{Branch, RrSet, ZoneSettings};
use crate::published::Published;

/// The port of SIP on UDP and TCP (RFC 3261, section 19.1.2).
const SIP_PORT: u16 = 5060;

/// The transports, best first. UDP comes first: phones keep no connection alive over it, so it outlives a restart of the
/// PBX, and RFC 3263 has the caller take the lowest order that it supports; TCP is for messages too large for a datagram.
const TRANSPORTS: [Transport; 2] = [
    Transport { order: 10, service: "SIP+D2U", label: "_udp" },
    Transport { order: 20, service: "SIP+D2T", label: "_tcp" },
];

struct Transport {
    order: u16,
    service: &'static str,
    label: &'static str,
}

/// All names of an instance: its own with addresses and NAPTR, and `_sip._udp` and `_sip._tcp` below it with SRV.
pub fn branch(published: &Published, settings: &ZoneSettings) -> Result<Branch, ProtoError> {
    let ttl = settings.ttl();
    let host = settings.origin().prepend_label(published.label.as_str())?;
    let services = TRANSPORTS.iter().map(|transport| host.prepend_label(transport.label)?.prepend_label("_sip"));
    let services = services.collect::<Result<Vec<Name>, _>>()?;
    let naptr = TRANSPORTS.iter().zip(&services).map(|(transport, service)| naptr(transport, service));
    let srv = services.iter().map(|service| RrSet::new(service, ttl, [srv(&host)]));
    let sets = addresses(&host, ttl, &published.addresses).chain([RrSet::new(&host, ttl, naptr)]).chain(srv);
    Ok(Branch::new(&host, sets.flatten()))
}

/// The A and the AAAA set of a name.
pub fn addresses<'a>(
    host: &Name,
    ttl: u32,
    addresses: impl IntoIterator<Item = &'a IpAddr>,
) -> std::array::IntoIter<Option<RrSet>, 2> {
    let (v4, v6): (Vec<&IpAddr>, Vec<&IpAddr>) = addresses.into_iter().partition(|address| address.is_ipv4());
    [v4, v6]
        .map(|addresses| RrSet::new(host, ttl, addresses.into_iter().map(|address| RData::from(*address))))
        .into_iter()
}

fn naptr(transport: &Transport, service: &Name) -> RData {
    let text = |text: &str| text.as_bytes().into();
    RData::NAPTR(NAPTR::new(transport.order, 10, text("s"), text(transport.service), text(""), service.clone()))
}

fn srv(host: &Name) -> RData {
    RData::SRV(SRV::new(10, 10, SIP_PORT, host.clone()))
}
