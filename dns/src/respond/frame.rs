//! What surrounds the records of an answer: flags and EDNS (RFC 1035, section 4.1.1; RFC 6891). Pure.

use crate::wire::{HEADER, UDP_PAYLOAD, kind};

/// The QR bit, in the third octet of the header.
pub const RESPONSE: u8 = 0x80;
/// The AA bit, in the third octet.
pub const AUTHORITATIVE: u8 = 0x04;
/// The TC bit, in the third octet.
pub const TRUNCATED: u8 = 0x02;
/// The RD bit, in the third octet, which comes back as it was sent.
pub const RECURSION_DESIRED: u8 = 0x01;

/// Ends a message with an OPT record: our limit, the upper part of the code, the DO bit as it came (RFC 3225, section 3).
pub fn opt(out: &mut Vec<u8>, code: u16, dnssec_ok: bool, options: &[u8]) {
    let [_, upper] = (code >> 4).to_be_bytes();
    out.push(0);
    out.extend(kind::OPT.to_be_bytes());
    out.extend(UDP_PAYLOAD.to_be_bytes());
    out.extend([upper, 0, if dnssec_ok { 0x80 } else { 0 }, 0]);
    // Options are a cookie at most.
    out.extend(u16::try_from(options.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(options);
    let count = u16::from_be_bytes([out[10], out[11]]).wrapping_add(1);
    out[10..HEADER].copy_from_slice(&count.to_be_bytes());
}
