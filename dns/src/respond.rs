//! From the octets of a message to the octets of its answer. Pure.
//!
//! There are two ways: [`fast`] copies finished answers to plain queries, [`full`] knows all the rules. Where both answer,
//! they give the same octets.

pub mod fast;
mod frame;
pub mod full;

use crate::zone::Zone;

/// How a message came, which bounds what may be sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram: what is too long is cut.
    Udp,
    /// Over a connection: up to 65535 octets.
    Tcp,
}

/// Writes the answer to `message` into `out`, which it clears first. False when none is due: to a response, or to less than
/// a header, there is nothing to say that could not be turned against others.
pub fn respond(zone: Option<&Zone>, message: &[u8], transport: Transport, out: &mut Vec<u8>) -> bool {
    zone.is_some_and(|zone| fast::respond(zone, message, transport, out))
        || full::respond(zone, message, transport, out)
}

#[cfg(test)]
mod tests;
