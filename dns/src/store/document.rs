//! The form in which the zone is kept: lines of text, and a checksum over all of them. Pure.

use std::{fmt::Write, net::IpAddr};

use ecqx_domain::hostname::Label;
use sha2::{Digest, Sha256};

use super::Held;
use crate::{
    book::{Key, Revision},
    published::Published,
};

/// The first line: what this is, and the version of its form.
const HEAD: &str = "ecqx-dns 1";
/// Stands before a checksum.
pub(super) const SEAL: &str = "sha256 ";
/// Stands at the end of an instance that answers SIP over TLS.
const SIPS: &str = " sips";
/// Stands at the end of one whose records are about to change.
const CHANGES: &str = " changes";

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The zone's name, without a final dot.
    pub zone: String,
    /// The serial under which it was served.
    pub serial: u32,
    /// The revision that it stood for.
    pub revision: Revision,
    /// What the rest of the zone was made from: arguments and static part, as a digest.
    pub settings: String,
    /// What instances publish.
    pub held: Held,
}

/// Why a text is not what was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The checksum is another.
    #[error("the checksum is wrong: the file was cut off or changed")]
    Checksum,
    /// A line is none of ours.
    #[error("line {0} cannot be read")]
    Line(usize),
    /// The zone has another name.
    #[error("it is of the zone {0}")]
    Zone(String),
}

impl Kept {
    /// As text.
    pub fn text(&self) -> Vec<u8> {
        let Self { zone, serial, revision, settings, held } = self;
        let mut text = format!("{HEAD}\nzone {zone}\nserial {serial}\nrevision {revision}\nsettings {settings}\n");
        for (key, published) in held {
            text.push_str(&line(key, published));
        }
        sealed(text).into_bytes()
    }

    /// Reads it again.
    ///
    /// # Errors
    /// When it is not, to the octet, what was written, or of another zone.
    pub fn read(text: &[u8], zone: &str) -> Result<Self, Damage> {
        let text = std::str::from_utf8(text).map_err(|_| Damage::Checksum)?;
        let body = unsealed(text).ok_or(Damage::Checksum)?;
        let mut lines = body.lines();
        let mut value = |at: usize, key: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(key));
            line.ok_or(Damage::Line(at))
        };
        value(1, HEAD)?;
        let own = value(2, "zone ")?;
        if own != zone {
            return Err(Damage::Zone(own.to_owned()));
        }
        let serial = value(3, "serial ")?.parse().map_err(|_| Damage::Line(3))?;
        let revision = value(4, "revision ")?.parse().map_err(|_| Damage::Line(4))?;
        let settings = value(5, "settings ")?.to_owned();
        let mut held = Held::new_sync();
        for (at, line) in lines.enumerate() {
            let (key, published) = instance(line).ok_or(Damage::Line(at + 6))?;
            held.insert_mut(key, published);
        }
        Ok(Self { zone: zone.to_owned(), serial, revision, settings, held })
    }
}

/// The line of an instance.
pub(super) fn line((namespace, name): &Key, published: &Published) -> String {
    let Published { label, addresses, sips, is_about_to_change } = published;
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    let word = |holds: bool, word| if holds { word } else { "" };
    let (sips, changes) = (word(*sips, SIPS), word(*is_about_to_change, CHANGES));
    format!("{namespace}/{name} {label} {}{sips}{changes}\n", addresses.join(","))
}

/// A text with its checksum under it.
pub(super) fn sealed(mut text: String) -> String {
    let sum = digest(text.as_bytes());
    text.push_str(SEAL);
    text.push_str(&sum);
    text.push('\n');
    text
}

/// A text that is, to the octet, what was sealed, without its checksum.
pub(super) fn unsealed(text: &str) -> Option<&str> {
    let (body, sum) = text.rsplit_once(SEAL)?;
    (sum.strip_suffix('\n')? == digest(body.as_bytes())).then_some(body)
}

/// The instance that such a line tells of.
pub(super) fn instance(line: &str) -> Option<(Key, Published)> {
    let mut parts = line.split(' ');
    let (key, label, addresses) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = key.split_once('/')?;
    let addresses = addresses.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let mut published =
        Published { label: Label::parse(label).ok()?, addresses, sips: false, is_about_to_change: false };
    for word in parts {
        match word {
            _ if word == SIPS.trim_start() => published.sips = true,
            _ if word == CHANGES.trim_start() => published.is_about_to_change = true,
            _ => return None,
        }
    }
    Some(((namespace.to_owned(), name.to_owned()), published))
}

/// A digest in hexadecimal digits.
pub fn digest(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().fold(String::with_capacity(64), |mut text, octet| {
        let _written = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A zone with these instances.
    pub fn kept(serial: u32, labels: &[&str]) -> Kept {
        let mut held = Held::new_sync();
        for label in labels {
            let addresses = ["203.0.113.9".parse().unwrap(), "2001:db8::9".parse().unwrap()].into();
            let (sips, is_about_to_change) = (*label == "b", *label == "c");
            let published = Published { label: Label::parse(label).unwrap(), addresses, sips, is_about_to_change };
            held.insert_mut(("reseller".to_owned(), format!("i-{label}")), published);
        }
        Kept { zone: "epygicloud.com".to_owned(), serial, revision: 4_000_000_000_000, settings: "x".to_owned(), held }
    }

    #[test]
    fn any_changed_octet_and_any_cut_is_found() {
        let text = kept(7, &["a", "b", "c"]).text();
        assert_eq!(Kept::read(&text, "epygicloud.com"), Ok(kept(7, &["a", "b", "c"])));
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            assert!(Kept::read(&changed, "epygicloud.com").is_err(), "octet {at} changed");
            assert!(Kept::read(&text[..at], "epygicloud.com").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_was_kept_of_another_zone_is_not_served() {
        let text = kept(7, &["a"]).text();
        assert_eq!(Kept::read(&text, "example.net"), Err(Damage::Zone("epygicloud.com".to_owned())));
    }
}
