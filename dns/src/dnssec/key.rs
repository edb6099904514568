//! A key as it stands in a pair of files, in the form of BIND's `dnssec-keygen` and `ldns-keygen`: `NAME.key` holds the DNSKEY record,
//! `NAME.private` the secret and when the key is used. Pure.

mod text;
mod times;

use sha2::{Digest, Sha256};

pub use text::{KeyError, retimed};
pub use times::{Instant, Times};

use super::algorithm::{Algorithm, Secret};
use crate::wire::WireName;

/// The flags of a key that signs records (RFC 4034, section 2.1.1).
pub const ZONE_KEY: u16 = 256;
/// The flag of a key that the parent points to: a secure entry point.
pub const ENTRY: u16 = 1;
/// The number of the digest SHA-256 in DS records (RFC 4509).
const SHA_256: u8 = 2;

/// A key of the zone.
pub struct Key {
    flags: u16,
    algorithm: Algorithm,
    public: Box<[u8]>,
    secret: Secret,
    times: Times,
}

impl std::fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{:03}+{:05}", self.flags, self.algorithm.number(), self.tag())
    }
}

impl Key {
    /// Reads a pair of files.
    ///
    /// # Errors
    /// When they are no key of this zone that can be used, or no pair.
    pub fn parse(public: &str, private: &str, origin: &WireName) -> Result<Self, KeyError> {
        text::parse(public, private, origin)
    }

    /// The key with these 32 secret octets; an entry point is what the parent's DS points to.
    pub fn of(algorithm: Algorithm, secret: &[u8], is_entry: bool, times: Times) -> Option<Self> {
        let secret = Secret::of(algorithm, secret)?;
        let flags = if is_entry { ZONE_KEY | ENTRY } else { ZONE_KEY };
        Some(Self { flags, algorithm, public: secret.public(), secret, times })
    }

    /// The same, used at other times.
    #[must_use]
    pub fn used(self, times: Times) -> Self {
        Self { times, ..self }
    }

    /// The scheme.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the parent points to it.
    pub fn is_entry(&self) -> bool {
        self.flags & ENTRY != 0
    }

    /// When it is used.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// The data of its DNSKEY record, and of its CDNSKEY record.
    pub fn dnskey(&self) -> Vec<u8> {
        // The protocol is always 3 (RFC 4034, section 2.1.2).
        let [high, low] = self.flags.to_be_bytes();
        [&[high, low, 3, self.algorithm.number()], &*self.public].concat()
    }

    /// The data of the DS record at the parent, and of the CDS record here (RFC 4034, section 5.1.4).
    pub fn ds(&self, origin: &WireName) -> Vec<u8> {
        let dnskey = self.dnskey();
        let digest = Sha256::digest([origin.as_bytes(), &dnskey].concat());
        let [high, low] = self.tag().to_be_bytes();
        [&[high, low, self.algorithm.number(), SHA_256], &digest[..]].concat()
    }

    /// The number by which a validator finds the key among others (RFC 4034, appendix B).
    pub fn tag(&self) -> u16 {
        let octets = self.dnskey();
        let sum: u32 = octets
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u32::from(*high) << 8 | u32::from(*low),
                [high] => u32::from(*high) << 8,
                _ => 0,
            })
            .sum();
        // Two octets are meant.
        #[allow(clippy::cast_possible_truncation)]
        let tag = (sum + (sum >> 16)) as u16;
        tag
    }

    /// A signature over these octets, the same each time.
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        self.secret.sign(octets)
    }

    /// Both files' texts for a new key with these secret octets.
    pub fn texts(&self, origin: &WireName, secret: &[u8]) -> (String, String) {
        text::write(self, origin, secret)
    }
}

#[cfg(test)]
mod tests;
