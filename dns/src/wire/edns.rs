//! The OPT record as it stands in a message (EDNS, RFC 6891). Pure.

use std::borrow::Cow;

use super::{kind, read_u16, record};
use crate::cookie;

/// A number for local use (RFC 6891, section 9): of options that nobody reads.
const NOBODYS: u16 = 65_001;

/// The DO bit of a message's OPT record (RFC 3225), if it has one.
pub fn dnssec_ok(message: &[u8]) -> Option<bool> {
    let mut found = None;
    record::walk(message, |record| {
        if record.kind == kind::OPT {
            found = Some(record.ttl & 0x8000 != 0);
        }
    })?;
    found
}

/// The version of a message's EDNS; none without.
pub fn version(message: &[u8]) -> Option<u8> {
    let mut found = None;
    record::walk(message, |record| {
        if record.kind == kind::OPT {
            found = Some(record.ttl.to_be_bytes()[1]);
        }
    })?;
    found
}

/// The message with every option that is not ours under a number that nobody reads: what is not known is to be ignored, whatever it
/// holds (RFC 6891, section 6.1.2), and hickory knows more than we do. Nothing when records or options are longer than the message.
pub fn with_known_options(message: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut places = Vec::new();
    let mut is_whole = true;
    record::walk(message, |record| {
        if record.kind == kind::OPT {
            is_whole &= options(record.data, record.start + record.name.len() + 10, &mut places).is_some();
        }
    })?;
    is_whole.then_some(())?;
    if places.is_empty() {
        return Some(Cow::Borrowed(message));
    }
    let mut message = message.to_vec();
    for place in places {
        message.get_mut(place..place + 2)?.copy_from_slice(&NOBODYS.to_be_bytes());
    }
    Some(Cow::Owned(message))
}

/// Notes where in the message the options stand that are not ours. Nothing when one is longer than the record.
fn options(data: &[u8], start: usize, places: &mut Vec<usize>) -> Option<()> {
    let mut at = 0;
    while at < data.len() {
        let (code, length) = (read_u16(data, at)?, read_u16(data, at + 2)?);
        if code != cookie::OPTION {
            places.push(start + at);
        }
        at += 4 + usize::from(length);
    }
    (at == data.len()).then_some(())
}
