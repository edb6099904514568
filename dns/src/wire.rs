//! DNS messages as octets (RFC 1035, section 4): names, the quick reading of plain queries, the writing of answers. Pure.
//!
//! hickory reads whatever is unusual; what is written is written here, since both ways to an answer must give the same octets,
//! and since hickory compresses by letter case, which the case that clients vary would defeat.

pub mod edns;
pub mod name;
pub mod query;
pub mod record;
pub mod writer;

pub use name::WireName;
pub use query::Query;
pub use writer::{Section, Writer};

/// The length of a message's header (RFC 1035, section 4.1.1).
pub const HEADER: usize = 12;

/// The class of the Internet (RFC 1035, section 3.2.4).
pub const CLASS_IN: u16 = 1;

/// The largest datagram that we send or take: it passes every usual path unfragmented (DNS Flag Day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// What a client takes that says nothing of it (RFC 1035, section 2.3.4), and the least that may be said (RFC 6891, section 6.2.5).
pub const LEAST_PAYLOAD: u16 = 512;

/// Record types by number, as far as they have rules of their own here.
pub mod kind {
    /// A host address (RFC 1035).
    pub const A: u16 = 1;
    /// A name server (RFC 1035).
    pub const NS: u16 = 2;
    /// An alias (RFC 1035).
    pub const CNAME: u16 = 5;
    /// The start of a zone (RFC 1035).
    pub const SOA: u16 = 6;
    /// A pointer to a name (RFC 1035).
    pub const PTR: u16 = 12;
    /// A mail exchange (RFC 1035).
    pub const MX: u16 = 15;
    /// An IPv6 address (RFC 3596).
    pub const AAAA: u16 = 28;
    /// A service (RFC 2782).
    pub const SRV: u16 = 33;
    /// A step towards a service (RFC 3403).
    pub const NAPTR: u16 = 35;
    /// A redirection of all below (RFC 6672).
    pub const DNAME: u16 = 39;
    /// The EDNS pseudo record (RFC 6891).
    pub const OPT: u16 = 41;
    /// The digest of a child's key, which the parent holds (RFC 4034).
    pub const DS: u16 = 43;
    /// A signature over a set (RFC 4034).
    pub const RRSIG: u16 = 46;
    /// A key of the zone (RFC 4034).
    pub const DNSKEY: u16 = 48;
    /// A proof of what does not exist (RFC 5155).
    pub const NSEC3: u16 = 50;
    /// How names are hashed for such proofs (RFC 5155).
    pub const NSEC3PARAM: u16 = 51;
    /// The DS that the parent is asked to have (RFC 7344).
    pub const CDS: u16 = 59;
    /// The key that the parent is asked to point to (RFC 7344).
    pub const CDNSKEY: u16 = 60;
    /// A signature over a message (RFC 8945).
    pub const TSIG: u16 = 250;
    /// A request for changes (RFC 1995).
    pub const IXFR: u16 = 251;
    /// A request for the whole zone (RFC 5936).
    pub const AXFR: u16 = 252;
    /// A request for several types, obsolete (RFC 1035).
    pub const MAILB: u16 = 253;
    /// A request for several types, obsolete (RFC 1035).
    pub const MAILA: u16 = 254;
    /// A request for any types (RFC 8482).
    pub const ANY: u16 = 255;
}

/// The type that a message of ours answers, if it has a question.
pub fn asked_kind(message: &[u8]) -> Option<u16> {
    if message.get(5) != Some(&1) {
        return None;
    }
    let name: usize = name::labels(message.get(HEADER..)?).map(|label| label.len() + 1).sum();
    read_u16(message, HEADER + name + 1)
}

/// The response code of a message of ours, with its upper part, which stands in the OPT record (RFC 6891, section 6.1.3). Only an
/// answer without other records has one.
pub fn code(message: &[u8]) -> u16 {
    let lower = message.get(3).map_or(0, |octet| u16::from(octet & 0x0f));
    if message.get(6..10) != Some(&[0; 4][..]) {
        return lower;
    }
    let question = match (message.get(5), message.get(HEADER..)) {
        (Some(1), Some(rest)) => name::labels(rest).map(|label| label.len() + 1).sum::<usize>() + 5,
        _ => 0,
    };
    let opt = message.get(HEADER + question..).filter(|rest| rest.starts_with(&[0, 0, 41]));
    opt.and_then(|opt| opt.get(5)).map_or(lower, |upper| u16::from(*upper) << 4 | lower)
}

/// Reads a 16-bit number.
pub fn read_u16(octets: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(octets.get(at..at + 2)?.try_into().ok()?))
}
