//! DNS cookies: a client that shows ours again has really asked from its address (RFC 7873, RFC 9018). Pure.

use std::{hash::Hasher, net::IpAddr};

use siphasher::sip::SipHasher24;

/// The option's number.
pub const OPTION: u16 = 10;

/// The length of the client's part.
const CLIENT: usize = 8;
/// The length of ours: version, three reserved octets, time, hash (RFC 9018, section 4).
const SERVER: usize = 16;
/// The version of RFC 9018.
const VERSION: [u8; 4] = [1, 0, 0, 0];
/// How long a cookie of ours is good, in seconds, and how far ahead another server's clock may be (RFC 9018, section 4.3).
const LIFE: u32 = 3600;
const AHEAD: u32 = 300;

/// The secrets by which cookies are made and known again.
#[derive(Clone)]
pub struct Cookies {
    secrets: Vec<[u8; 16]>,
}

/// What a client's option says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Not of a length that a cookie can have.
    Malformed,
    /// The client's part, with nothing of ours or nothing that is good any more.
    Client([u8; CLIENT]),
    /// The client's part with a good one of ours: the sender's address is not forged.
    Proven([u8; CLIENT]),
}

/// Why secrets are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {0} of the cookie secrets is no secret; write 32 hexadecimal digits a line, the one to make cookies with first"
)]
pub struct SecretError(usize);

impl Cookies {
    /// With a secret of this process only: other servers do not know its cookies.
    pub fn of_this_process() -> Self {
        Self { secrets: vec![rand::random()] }
    }

    /// With secrets that servers share, one a line in hexadecimal digits. The first makes cookies, all know them again, so that
    /// one can be replaced with no gap.
    ///
    /// # Errors
    /// With the line that is none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
        let secrets = lines.map(|(at, line)| secret(line).ok_or(SecretError(at + 1))).collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() { Err(SecretError(1)) } else { Ok(Self { secrets }) }
    }

    /// Reads a client's option.
    pub fn read(&self, option: &[u8], client: IpAddr, now: u32) -> Shown {
        let Some((theirs, ours)) = option.split_first_chunk::<CLIENT>() else { return Shown::Malformed };
        match ours.len() {
            8..=32 if self.is_good(*theirs, ours, client, now) => Shown::Proven(*theirs),
            0 | 8..=32 => Shown::Client(*theirs),
            _ => Shown::Malformed,
        }
    }

    /// The content of the option that goes back: the client's part, then ours.
    pub fn write(&self, theirs: [u8; CLIENT], client: IpAddr, now: u32) -> Vec<u8> {
        let secret = self.secrets.first().copied().unwrap_or_default();
        let mut option = theirs.to_vec();
        option.extend(made(secret, theirs, VERSION, now.to_be_bytes(), client));
        option
    }

    fn is_good(&self, theirs: [u8; CLIENT], ours: &[u8], client: IpAddr, now: u32) -> bool {
        let Ok(ours) = <&[u8; SERVER]>::try_from(ours) else { return false };
        let [version @ .., a, b, c, d] = ours.first_chunk::<8>().copied().unwrap_or_default();
        let age = now.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
        let is_fresh = age <= LIFE || age.wrapping_neg() <= AHEAD;
        is_fresh && self.secrets.iter().any(|secret| made(*secret, theirs, version, [a, b, c, d], client) == *ours)
    }
}

fn made(secret: [u8; 16], theirs: [u8; CLIENT], version: [u8; 4], time: [u8; 4], client: IpAddr) -> [u8; SERVER] {
    let mut hasher = SipHasher24::new_with_key(&secret);
    hasher.write(&theirs);
    hasher.write(&version);
    hasher.write(&time);
    match client {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()),
    }
    let mut cookie = [0; SERVER];
    cookie[..4].copy_from_slice(&version);
    cookie[4..8].copy_from_slice(&time);
    cookie[8..].copy_from_slice(&hasher.finish().to_le_bytes());
    cookie
}

fn secret(line: &str) -> Option<[u8; 16]> {
    let digits = line.as_bytes();
    let mut secret = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (octet, pair) in secret.iter_mut().zip(digits.chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEIRS: [u8; 8] = [0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57];
    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

    fn client() -> IpAddr {
        "198.51.100.100".parse().unwrap()
    }

    #[test]
    fn a_cookie_is_that_of_the_example_of_rfc_9018() {
        let cookie = Cookies::parse(SECRET).unwrap().write(THEIRS, client(), 1_559_731_985);
        let expected = [0x01, 0, 0, 0, 0x5c, 0xf7, 0x9f, 0x11, 0x1f, 0x81, 0x30, 0xc3, 0xee, 0xe2, 0x94, 0x80];
        assert_eq!(cookie[8..], expected);
    }

    #[test]
    fn a_cookie_proves_its_address_for_an_hour_and_no_other() {
        let cookies = Cookies::parse(SECRET).unwrap();
        let option = cookies.write(THEIRS, client(), 10_000);
        assert_eq!(cookies.read(&option, client(), 13_600), Shown::Proven(THEIRS));
        assert_eq!(cookies.read(&option, client(), 13_601), Shown::Client(THEIRS));
        assert_eq!(
            cookies.read(&option, client(), 9_700),
            Shown::Proven(THEIRS),
            "another server's clock may be ahead"
        );
        assert_eq!(cookies.read(&option, client(), 9_699), Shown::Client(THEIRS));
        assert_eq!(cookies.read(&option, "198.51.100.101".parse().unwrap(), 10_000), Shown::Client(THEIRS));
    }

    #[test]
    fn a_secret_that_was_replaced_is_known_as_long_as_it_is_listed() {
        let option = Cookies::parse(SECRET).unwrap().write(THEIRS, client(), 10_000);
        let both = Cookies::parse(&format!("{}\n{SECRET}\n", "00".repeat(16))).unwrap();
        assert_eq!(both.read(&option, client(), 10_000), Shown::Proven(THEIRS));
        assert_ne!(both.write(THEIRS, client(), 10_000), option);
    }

    #[test]
    fn an_option_of_a_wrong_length_is_malformed_and_a_secret_of_a_wrong_length_is_refused() {
        let cookies = Cookies::of_this_process();
        for (length, malformed) in
            [(0, true), (7, true), (8, false), (9, true), (15, true), (16, false), (40, false), (41, true)]
        {
            assert_eq!(cookies.read(&vec![1; length], client(), 0) == Shown::Malformed, malformed, "{length}");
        }
        assert_eq!(Cookies::parse("00ff").err(), Some(SecretError(1)));
        assert_eq!(Cookies::parse(&format!("{SECRET}\nx")).err(), Some(SecretError(2)));
    }
}
