//! The keys that are shared with secondaries. Pure.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hickory_proto::rr::Name;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use crate::wire::WireName;

/// The keys, by name.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Key>);

/// One key.
#[derive(Clone)]
pub struct Key {
    name: WireName,
    algorithm: Algorithm,
    secret: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha512,
}

/// Why keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the TSIG keys: {reason}; write NAME ALGORITHM SECRET, such as: secondary1 hmac-sha256 {example}"
)]
pub struct KeysError {
    line: usize,
    reason: &'static str,
    example: &'static str,
}

impl Keys {
    /// Reads keys, one a line: name, algorithm (hmac-sha256 or hmac-sha512), secret in base 64.
    ///
    /// # Errors
    /// With the line that is none.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let key = |(at, line): (usize, &str)| {
            key(line).map_err(|reason| KeysError {
                line: at + 1,
                reason,
                example: "c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=",
            })
        };
        lines.map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The key of this name.
    pub fn named(&self, name: &str) -> Option<&Key> {
        let name = WireName::of(&Name::from_ascii(name).ok()?);
        self.0.iter().find(|key| key.name == name)
    }

    pub(super) fn find(&self, name: &[u8], algorithm: &[u8]) -> Option<&Key> {
        self.0.iter().find(|key| key.name.as_bytes() == name && key.algorithm() == algorithm)
    }
}

impl Key {
    pub(super) fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    pub(super) fn algorithm(&self) -> &'static [u8] {
        match self.algorithm {
            Algorithm::Sha256 => b"\x0bhmac-sha256\0",
            Algorithm::Sha512 => b"\x0bhmac-sha512\0",
        }
    }

    pub(super) fn sign(&self, octets: &[u8]) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Sha256 => {
                mac::<Hmac<Sha256>>(&self.secret, octets).map(|mac| mac.finalize().into_bytes().to_vec())
            }
            Algorithm::Sha512 => {
                mac::<Hmac<Sha512>>(&self.secret, octets).map(|mac| mac.finalize().into_bytes().to_vec())
            }
        }
        .unwrap_or_default()
    }

    /// How many octets a whole signature has.
    pub(super) fn octets(&self) -> usize {
        match self.algorithm {
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// Whether its signature of this begins so; in a time that tells nothing of the right one.
    pub(super) fn verify(&self, octets: &[u8], begin: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Sha256 => {
                mac::<Hmac<Sha256>>(&self.secret, octets).is_some_and(|mac| mac.verify_truncated_left(begin).is_ok())
            }
            Algorithm::Sha512 => {
                mac::<Hmac<Sha512>>(&self.secret, octets).is_some_and(|mac| mac.verify_truncated_left(begin).is_ok())
            }
        }
    }
}

/// A secret of any length will do, so there always is one.
fn mac<M: Mac + KeyInit>(secret: &[u8], octets: &[u8]) -> Option<M> {
    <M as KeyInit>::new_from_slice(secret).ok().map(|mac| mac.chain_update(octets))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret is nobody's to read in a log.
        write!(f, "{} {:?}", self.name, self.algorithm)
    }
}

fn key(line: &str) -> Result<Key, &'static str> {
    let parts: Vec<_> = line.split_whitespace().collect();
    let [name, algorithm, secret] = *parts else { return Err("it has not three parts") };
    let mut name = Name::from_ascii(name).map_err(|_| "the name is no domain name")?;
    name.set_fqdn(true);
    let algorithm = match algorithm.to_ascii_lowercase().as_str() {
        "hmac-sha256" => Algorithm::Sha256,
        "hmac-sha512" => Algorithm::Sha512,
        _ => return Err("the algorithm is neither hmac-sha256 nor hmac-sha512"),
    };
    let secret = BASE64_STANDARD.decode(secret).map_err(|_| "the secret is not in base 64")?;
    if secret.len() < 16 {
        return Err("the secret has less than 16 octets");
    }
    Ok(Key { name: WireName::of(&name), algorithm, secret })
}
