//! The records of one instance, by which a SIP caller finds transport, port and address (RFC 3263, section 4). Pure.

use std::net::IpAddr;

use hickory_proto::{
    ProtoError,
    rr::{
        Name, RData,
        rdata::{NAPTR, SRV},
    },
};

use ecqx_domain::sip::{TLS, TRANSPORTS, Transport};

use super::{RrSet, ZoneSettings};
use crate::{published::Published, wire::name::label};

/// A set with what stands before the instance's label in its name.
pub type Placed = (Box<[u8]>, RrSet);

/// All sets of an instance: at its own name addresses and NAPTR, and below it the services with SRV.
pub fn sets(published: &Published, settings: &ZoneSettings) -> Result<Vec<Placed>, ProtoError> {
    let ttl = settings.ttl().at(published.is_about_to_change);
    let host = settings.origin().prepend_label(published.label.as_str())?;
    let mut sets: Vec<Placed> = Vec::with_capacity(6);
    sets.extend(addresses(ttl, &published.addresses)?.into_iter().map(|set| (Box::default(), set)));
    let (mut pointers, mut services) = (Vec::new(), Vec::new());
    for transport in TRANSPORTS.iter().chain((published.sips || settings.offers_tls()).then_some(&TLS)) {
        let service = host.prepend_label(transport.protocol)?.prepend_label(transport.scheme)?;
        pointers.push(naptr(transport, service));
        let part = [label(transport.scheme), label(transport.protocol)].concat();
        let target = RData::SRV(SRV::new(10, 10, transport.port, host.clone()));
        services.extend(RrSet::new(ttl, [target])?.map(|set| (part.into(), set)));
    }
    sets.extend(RrSet::new(ttl, pointers)?.map(|set| (Box::default(), set)));
    sets.extend(services);
    Ok(sets)
}

/// The A and the AAAA set of these addresses.
pub fn addresses<'a>(ttl: u32, addresses: impl IntoIterator<Item = &'a IpAddr>) -> Result<Vec<RrSet>, ProtoError> {
    let (v4, v6): (Vec<&IpAddr>, Vec<&IpAddr>) = addresses.into_iter().partition(|address| address.is_ipv4());
    let sets = [v4, v6].map(|family| RrSet::new(ttl, family.into_iter().map(|address| RData::from(*address))));
    sets.into_iter().filter_map(Result::transpose).collect()
}

fn naptr(transport: &Transport, service: Name) -> RData {
    let text = |text: &str| text.as_bytes().into();
    RData::NAPTR(NAPTR::new(transport.order, 10, text("s"), text(transport.service), text(""), service))
}
