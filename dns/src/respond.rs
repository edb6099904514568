//! From the octets of a message to the octets of its answer. Pure.
//!
//! There are two ways: [`fast`] copies finished answers to plain queries, [`full`] knows all the rules. Where both answer,
//! they give the same octets.

pub mod fast;
pub(crate) mod frame;
pub mod full;

use std::net::IpAddr;

use crate::{
    cookie::Cookies,
    transfer::{
        self, Keys,
        tsig::{Checked, Session},
    },
    zone::Zone,
};

/// How a message came, which bounds what may be sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram: what is too long is cut.
    Udp,
    /// Over a connection: up to 65535 octets.
    Tcp,
}

/// Who asks, and how.
#[derive(Clone, Copy)]
pub struct Asking<'c> {
    /// How the message came.
    pub transport: Transport,
    /// From where.
    pub client: IpAddr,
    /// When, in Unix seconds.
    pub now: u64,
    /// The secrets of cookies.
    pub cookies: &'c Cookies,
    /// The keys that are shared with secondaries.
    pub keys: &'c Keys,
}

/// An answer that was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Whether the client has shown a cookie of ours, so that its address is no forgery.
    pub proven: bool,
}

/// Writes the answer to `message` into `out`, which it clears first. None is due to a response, or to less than a header:
/// there is nothing to say that could not be turned against others.
pub fn respond(zone: Option<&Zone>, message: &[u8], asking: Asking<'_>, out: &mut Vec<u8>) -> Option<Answered> {
    if zone.is_some_and(|zone| fast::respond(zone, message, asking.transport, out)) {
        return Some(Answered::default());
    }
    match asking.keys.check(message, asking.now) {
        Checked::Unsigned => full::respond(zone, message, asking, 0, out),
        Checked::Good { session, message } => signed(zone, &message, session, asking, out),
        Checked::Bad(answer) => {
            // A response is not answered, whatever it is signed with.
            *out = answer;
            (message[2] & frame::RESPONSE == 0).then_some(Answered::default())
        }
    }
}

/// The answer to a signed message, signed too. It leaves room for the signature, or is cut (RFC 8945, section 5.3.2).
fn signed(
    zone: Option<&Zone>,
    message: &[u8],
    mut session: Session,
    asking: Asking<'_>,
    out: &mut Vec<u8>,
) -> Option<Answered> {
    let is_udp = asking.transport == Transport::Udp;
    if let Some(answer) =
        zone.filter(|_| is_udp).and_then(|zone| transfer::over_udp(zone, message, &session, asking.now))
    {
        *out = answer;
        return Some(Answered { proven: true });
    }
    full::respond(zone, message, asking, session.octets(), out)?;
    session.sign(out, asking.now);
    Some(Answered { proven: true })
}

#[cfg(test)]
mod tests;
