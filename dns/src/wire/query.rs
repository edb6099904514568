//! The quick reading of plain queries: one question of the Internet's class, and at most a plain OPT record. Pure.

use super::{CLASS_IN, HEADER, LEAST_PAYLOAD, UDP_PAYLOAD, kind, name, read_u16};

/// The length of an OPT record without options (RFC 6891, section 6.1.2).
pub const OPT_LENGTH: usize = 11;

/// A plain query. Whatever is out of the ordinary is none, and is read by hickory instead.
#[derive(Clone, Copy, Debug)]
pub struct Query<'m> {
    message: &'m [u8],
    name_end: usize,
    /// The type.
    pub kind: u16,
    /// What EDNS says, if it is there.
    pub edns: Option<PlainEdns>,
}

/// EDNS without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainEdns {
    /// How large a datagram the client takes.
    pub payload: u16,
    /// Whether signatures are wanted (RFC 3225).
    pub dnssec_ok: bool,
}

impl<'m> Query<'m> {
    /// Reads a plain query, or gives up.
    pub fn read(message: &'m [u8]) -> Option<Self> {
        let header: &[u8; HEADER] = message.first_chunk()?;
        // A query with opcode 0; one question and nothing else but maybe one additional record.
        let is_query = header[2] & 0xfa == 0 && header[4..10] == [0, 1, 0, 0, 0, 0];
        if !is_query || header[10] != 0 || header[11] > 1 {
            return None;
        }
        let name_end = HEADER + name::uncompressed(&message[HEADER..])?.len();
        let kind = read_u16(message, name_end)?;
        if read_u16(message, name_end + 2)? != CLASS_IN {
            return None;
        }
        let rest = message.get(name_end + 4..)?;
        let edns = if header[11] == 1 { Some(opt(rest)?) } else { rest.is_empty().then_some(None)? };
        Some(Self { message, name_end, kind, edns })
    }

    /// The name as it was sent, in wire form.
    pub fn name(&self) -> &'m [u8] {
        &self.message[HEADER..self.name_end]
    }

    /// The question as it was sent.
    pub fn question(&self) -> &'m [u8] {
        &self.message[HEADER..self.name_end + 4]
    }

    /// The header.
    pub fn header(&self) -> &'m [u8] {
        &self.message[..HEADER]
    }

    /// The largest datagram that the client gets.
    pub fn limit(&self) -> usize {
        usize::from(self.edns.map_or(LEAST_PAYLOAD, |edns| edns.payload.clamp(LEAST_PAYLOAD, UDP_PAYLOAD)))
    }
}

/// An OPT record of version 0 without options, at the very end of the message.
fn opt(octets: &[u8]) -> Option<PlainEdns> {
    let octets: &[u8; OPT_LENGTH] = octets.try_into().ok()?;
    let is_plain = octets[..3] == [0, 0, 41] && octets[5..7] == [0, 0] && octets[9..] == [0, 0];
    debug_assert_eq!(kind::OPT, 41);
    is_plain
        .then(|| PlainEdns { payload: u16::from_be_bytes([octets[3], octets[4]]), dnssec_ok: octets[7] & 0x80 != 0 })
}
