//! The zone as a whole, for named secondaries: who may have it, what changed since, and that it has changed.
//!
//! Pure but for [`notify`], which sends.

mod history;
pub mod notify;
pub mod stream;
pub mod tsig;

pub use history::History;
pub use stream::Stream;
pub use tsig::{Keys, KeysError};

use std::sync::Arc;

use crate::{
    wire::{CLASS_IN, edns, kind, read_u16, record},
    zone::Zone,
};

/// What a request for a transfer gets: a stream of messages, if it is one and signed with a key of ours. All others get what
/// any question gets, and that is REFUSED.
pub fn requested(zone: &Arc<Zone>, history: &History, keys: &Keys, message: &[u8], now: u64) -> Option<Stream> {
    if !matches!(crate::wire::asked_kind(message), Some(kind::AXFR | kind::IXFR)) {
        return None;
    }
    let tsig::Checked::Good { session, message } = keys.check(message, now) else { return None };
    let (question, serial) = of_zone(zone, &message)?;
    let items = match serial {
        Some(serial) => history.since(serial, zone),
        None => stream::whole(zone),
    };
    Some(Stream::new(&message, question, items, session))
}

/// What a signed IXFR in a datagram gets: the SOA alone, which says that there is nothing new, or that the secondary has to come over TCP
/// (RFC 1995, section 2).
pub fn over_udp(zone: &Zone, message: &[u8], session: &tsig::Session, now: u64) -> Option<Vec<u8>> {
    if crate::wire::asked_kind(message) != Some(kind::IXFR) {
        return None;
    }
    let (question, _) = of_zone(zone, message)?;
    Stream::new(message, question, stream::soa(zone).into_iter().collect(), session.clone()).next(now)
}

/// The same as [`read`] tells, of a request for this zone. What a later version of EDNS means we cannot know: BADVERS.
fn of_zone<'m>(zone: &Zone, message: &'m [u8]) -> Option<(&'m [u8], Option<u32>)> {
    if edns::version(message).is_some_and(|version| version > 0) {
        return None;
    }
    let (question, serial) = read(message)?;
    let [name @ .., _, _, _, _] = question else { return None };
    (name.to_ascii_lowercase() == zone.wire_origin().as_bytes()).then_some((question, serial))
}

/// The question, and for IXFR the serial that the secondary has (RFC 1995, section 3).
fn read(message: &[u8]) -> Option<(&[u8], Option<u32>)> {
    let header = message.first_chunk::<12>()?;
    if header[2] & 0xf8 != 0 || header[4..6] != [0, 1] {
        return None;
    }
    let name: usize = crate::wire::name::labels(&message[12..]).map(|label| label.len() + 1).sum();
    let end = 12 + name + 5;
    let question = message.get(12..end)?;
    if read_u16(message, end - 2)? != CLASS_IN {
        return None;
    }
    if read_u16(message, end - 4)? == kind::AXFR {
        return Some((question, None));
    }
    // The SOA stands in the authority section; its serial is the first of the five numbers that end it.
    let soa = record::at(message, end).filter(|record| record.kind == kind::SOA)?;
    let serial = soa.data.len().checked_sub(20).and_then(|at| soa.data.get(at..at + 4))?;
    Some((question, Some(u32::from_be_bytes(serial.try_into().ok()?))))
}
