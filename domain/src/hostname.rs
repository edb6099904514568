//! The host names of instances (§6 of the guide): valid labels, reserved names, the wanted name in an order's notes. Pure.

use std::{collections::BTreeSet, fmt};

pub use note::from_note;

mod note;

/// Names that the provider needs for itself, by default (**Decision**).
pub const RESERVED_BY_DEFAULT: &[&str] = &[
    "admin",
    "api",
    "autoconfig",
    "autodiscover",
    "billing",
    "dns",
    "ecmon",
    "ecqx",
    "ftp",
    "help",
    "hostmaster",
    "imap",
    "localhost",
    "mail",
    "monitor",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "ns3",
    "ns4",
    "pop",
    "portal",
    "postmaster",
    "root",
    "shop",
    "sip",
    "smtp",
    "status",
    "stun",
    "support",
    "turn",
    "webmaster",
    "webmail",
    "www",
];

/// A DNS label in lower case: one to 63 letters, digits and inner hyphens (RFC 1123, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// Why a wanted host name is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostnameError {
    /// The notes name no host name in an accepted form.
    #[error(
        "the order's notes name no host name; write it alone, as a line \"hostname: LABEL\", or as a full name under {zone}"
    )]
    Missing {
        /// The zone that names are given under.
        zone: String,
    },
    /// The notes name more than one.
    #[error("the order's notes name more than one host name: {}; leave one", .candidates.join(", "))]
    Ambiguous {
        /// All that were found, in order.
        candidates: Vec<String>,
    },
    /// Not a DNS label.
    #[error("host name {given:?} is not valid: {reason}")]
    Invalid {
        /// As it was written, cut to a readable length.
        given: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The provider keeps the name for itself.
    #[error("host name {label} is reserved; choose another")]
    Reserved {
        /// The wanted label.
        label: Label,
    },
}

impl Label {
    /// A label from text in any case.
    ///
    /// # Errors
    /// [`HostnameError::Invalid`] with the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, HostnameError> {
        let label = text.to_ascii_lowercase();
        match fault(&label) {
            None => Ok(Self(label)),
            Some(reason) => Err(HostnameError::Invalid { given: text.chars().take(80).collect(), reason }),
        }
    }

    /// The label as text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name under the zone, without the final dot.
    pub fn fqdn(&self, zone: &str) -> String {
        format!("{}.{zone}", self.0)
    }

    /// The label itself, unless the provider keeps it.
    ///
    /// # Errors
    /// [`HostnameError::Reserved`].
    pub fn unless_reserved(self, reserved: &BTreeSet<String>) -> Result<Self, HostnameError> {
        if reserved.contains(&self.0) { Err(HostnameError::Reserved { label: self }) } else { Ok(self) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fault(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        Some("it is empty")
    } else if label.len() > 63 {
        Some("it is longer than 63 characters")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("it begins or ends with a hyphen")
    } else if label.contains('.') {
        Some("it is more than one label; only one is possible under the zone")
    } else if !label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        Some("it may hold only the letters a to z, digits and hyphens")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("syunikwin")]
    #[case("a")]
    #[case("3com")]
    #[case("a-b-c")]
    #[case("xn--mnchen-3ya")]
    fn a_label_is_accepted(#[case] text: &str) {
        assert_eq!(Label::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case("", "empty")]
    #[case("-a", "hyphen")]
    #[case("a-", "hyphen")]
    #[case("a_b", "letters a to z")]
    #[case("a b", "letters a to z")]
    #[case("münchen", "letters a to z")]
    #[case("a.b", "more than one label")]
    #[case("a;DROP", "letters a to z")]
    #[case("0123456789012345678901234567890123456789012345678901234567890123", "longer than 63")]
    fn a_bad_label_is_refused_with_the_rule_it_breaks(#[case] text: &str, #[case] rule: &str) {
        let message = Label::parse(text).unwrap_err().to_string();
        assert!(message.contains(rule), "{message}");
    }

    #[test]
    fn case_folds_and_the_full_name_stands_under_the_zone() {
        assert_eq!(Label::parse("SyunikWin").unwrap().fqdn("epygicloud.com"), "syunikwin.epygicloud.com");
    }

    #[test]
    fn every_reserved_name_is_a_label_and_is_refused() {
        let reserved: BTreeSet<String> = RESERVED_BY_DEFAULT.iter().map(|name| (*name).to_owned()).collect();
        for name in RESERVED_BY_DEFAULT {
            assert!(Label::parse(name).unwrap().unless_reserved(&reserved).is_err());
        }
        assert!(Label::parse("syunikwin").unwrap().unless_reserved(&reserved).is_ok());
    }
}
