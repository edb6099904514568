//! The signature schemes: those that give the same signature for the same data each time. Pure.

use p256::ecdsa::signature::Signer;
use ring::signature::{Ed25519KeyPair, KeyPair};

/// A signature scheme, by its number in the registry of DNSSEC algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[repr(u8)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 6605), its numbers derived from the data (RFC 6979).
    #[value(name = "ecdsap256sha256")]
    EcdsaP256 = 13,
    /// Ed25519 (RFC 8080), which is deterministic by itself.
    Ed25519 = 15,
}

impl Algorithm {
    /// The scheme with this number, if it is one of ours.
    pub fn of(number: u8) -> Option<Self> {
        [Self::EcdsaP256, Self::Ed25519].into_iter().find(|algorithm| algorithm.number() == number)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Its name in key files.
    pub fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSAP256SHA256",
            Self::Ed25519 => "ED25519",
        }
    }
}

/// The secret half of a key.
pub enum Secret {
    /// Of Ed25519.
    Ed25519(Ed25519KeyPair),
    /// Of ECDSA on P-256.
    EcdsaP256(Box<p256::ecdsa::SigningKey>),
}

impl Secret {
    /// The key with these 32 octets, if they make one.
    pub fn of(algorithm: Algorithm, octets: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Ed25519 => Ed25519KeyPair::from_seed_unchecked(octets).ok().map(Self::Ed25519),
            Algorithm::EcdsaP256 => {
                p256::ecdsa::SigningKey::from_slice(octets).ok().map(|key| Self::EcdsaP256(Box::new(key)))
            }
        }
    }

    /// The public half, as it stands in a DNSKEY record (RFC 8080, section 3; RFC 6605, section 4).
    pub fn public(&self) -> Box<[u8]> {
        match self {
            Self::Ed25519(key) => key.public_key().as_ref().into(),
            // Without the octet that says "uncompressed".
            Self::EcdsaP256(key) => key.verifying_key().to_sec1_point(false).as_bytes()[1..].into(),
        }
    }

    /// The signature over these octets, the same each time.
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(octets).as_ref().to_vec(),
            Self::EcdsaP256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(octets);
                signature.to_bytes().to_vec()
            }
        }
    }
}
