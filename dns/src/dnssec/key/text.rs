//! The text of key files, read and written. Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use hickory_proto::rr::Name;

use super::{Key, Times, ZONE_KEY, times};
use crate::{
    dnssec::algorithm::{Algorithm, Secret},
    wire::WireName,
};

/// Why files are no key. No message holds anything of the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No record.
    #[error("the .key file has no line OWNER IN DNSKEY FLAGS 3 ALGORITHM KEY")]
    NoRecord,
    /// Another zone's.
    #[error("it is a key of {0}; make one of this zone")]
    Zone(String),
    /// No scheme of ours.
    #[error("its algorithm is {0:?}; use ED25519 (15) or ECDSAP256SHA256 (13)")]
    Algorithm(String),
    /// No key that signs records.
    #[error("its flags are {0}; a key of a zone has 256 (ZSK) or 257 (KSK, CSK); a revoked one (385) is not used")]
    Flags(String),
    /// No secret.
    #[error("the .private file has no line \"PrivateKey: \" with 32 octets in base 64")]
    NoSecret,
    /// Two keys.
    #[error("the .key and the .private file are not of one key")]
    NoPair,
    /// No time.
    #[error("{0:?} is no time; write YYYYMMDDHHMMSS, in UTC")]
    Time(String),
}

/// Reads both.
pub fn parse(public: &str, private: &str, origin: &WireName) -> Result<Key, KeyError> {
    let (flags, algorithm, public) = record(public, origin)?;
    let value = |name: &str| private.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let octets = value("PrivateKey:").and_then(|text| STANDARD.decode(text).ok());
    let secret = octets.and_then(|octets| Secret::of(algorithm, &octets)).ok_or(KeyError::NoSecret)?;
    if secret.public() != public {
        return Err(KeyError::NoPair);
    }
    let times = Times::parse(private).map_err(KeyError::Time)?;
    Ok(Key { flags, algorithm, public, secret, times })
}

/// Flags, algorithm and public half of the DNSKEY record.
fn record(text: &str, origin: &WireName) -> Result<(u16, Algorithm, Box<[u8]>), KeyError> {
    let mut lines = text.lines().map(|line| line.split(';').next().unwrap_or_default());
    let line = lines.find(|line| line.split_whitespace().any(|word| word == "DNSKEY")).ok_or(KeyError::NoRecord)?;
    let owner = line.split_whitespace().next().unwrap_or_default();
    let is_ours = Name::from_ascii(owner).is_ok_and(|name| WireName::of(&name) == *origin);
    if !is_ours {
        return Err(KeyError::Zone(owner.chars().take(300).collect()));
    }
    let mut words = line.split_whitespace().skip_while(|word| *word != "DNSKEY").skip(1);
    let mut next = || words.next().ok_or(KeyError::NoRecord);
    let (flags, _protocol, algorithm) = (next()?, next()?, next()?);
    let of_zone = flags.parse().ok().filter(|flags| matches!(*flags, ZONE_KEY | 257));
    let flags = of_zone.ok_or_else(|| KeyError::Flags(flags.to_owned()))?;
    let known = algorithm.parse().ok().and_then(Algorithm::of);
    let algorithm = known.ok_or_else(|| KeyError::Algorithm(algorithm.to_owned()))?;
    let key = STANDARD.decode(words.collect::<String>()).map_err(|_| KeyError::NoRecord)?;
    Ok((flags, algorithm, key.into()))
}

/// Writes both.
pub fn write(key: &Key, origin: &WireName, secret: &[u8]) -> (String, String) {
    let (number, name) = (key.algorithm.number(), key.algorithm.name());
    let public = format!(
        "; key tag {}\n{origin} IN DNSKEY {} 3 {number} {}\n",
        key.tag(),
        key.flags,
        STANDARD.encode(&key.public)
    );
    let private = format!(
        "Private-key-format: v1.3\nAlgorithm: {number} ({name})\nPrivateKey: {}\n{}",
        STANDARD.encode(secret),
        key.times.text()
    );
    (public, private)
}

/// The text of a `.private` file with other times.
pub fn retimed(private: &str, times: &Times) -> String {
    let is_time = |line: &&str| line.split_once(':').is_some_and(|(name, _)| times::NAMES.contains(&name));
    let kept: Vec<&str> = private.lines().filter(|line| !is_time(line)).collect();
    format!("{}\n{}", kept.join("\n"), times.text())
}
