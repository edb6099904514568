//! What the DNS needs to know of one instance, and whether it is to be served at all. Pure.

use std::{collections::BTreeSet, net::IpAddr};

use ecqx_crds::EcqxInstance;
use ecqx_domain::hostname::Label;

/// A name with its addresses: all that is kept of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The label under the zone.
    pub label: Label,
    /// Where SIP is answered; ordered, so that records are too. Never empty.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether SIP over TLS is answered there too.
    pub sips: bool,
    /// Whether this is about to change, so that resolvers are to keep it for a shorter time.
    pub is_about_to_change: bool,
}

/// An instance as the DNS reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What is to be served, if anything.
    pub published: Option<Published>,
    /// What somebody should look at.
    pub faults: Vec<Fault>,
}

/// Something in an instance's status that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Neither IPv4 nor IPv6.
    #[error("status.addresses has {0:?}, which is no IP address; it is not served")]
    Address(String),
    /// The claimed name is not the wanted one.
    #[error("status.fqdn is {fqdn:?}, but spec.hostname and the zone make {expected:?}; not served until they agree")]
    Fqdn {
        /// As in the status.
        fqdn: String,
        /// By the spec and our zone.
        expected: String,
    },
    /// No DNS label.
    #[error("spec.hostname cannot be served: {0}")]
    Hostname(#[from] ecqx_domain::hostname::HostnameError),
    /// A name server or the static part of the zone has the name.
    #[error(
        "spec.hostname is a name of the zone's name servers or of its static part; not served under it: make an instance with another hostname, or take the name out of the static part"
    )]
    Taken,
    /// Another instance has the name.
    #[error("spec.hostname is served for another instance; make an instance with another hostname")]
    Shared,
    /// Its records cannot be written down.
    #[error("spec.hostname makes records that cannot be written: {0}")]
    Unwritable(String),
    /// Not of the expected shape.
    #[error("the object cannot be read, and what was known of it is served on: {0}")]
    Unreadable(String),
}

impl Reading {
    /// Reads an instance.
    ///
    /// It is served while it holds its name (`status.fqdn`), has addresses, is not suspended and is not being deleted. The
    /// operator alone decides when addresses stand in the status; the Ready condition is deliberately not read, or names
    /// would blink with it.
    pub fn of(instance: &EcqxInstance, zone: &str) -> Self {
        let Some(status) = &instance.status else { return Self::default() };
        let Some(fqdn) = &status.fqdn else { return Self::default() };
        if instance.spec.suspended || instance.metadata.deletion_timestamp.is_some() || status.addresses.is_empty() {
            return Self::default();
        }
        let label = match claimed(&instance.spec.hostname, fqdn, zone) {
            Ok(label) => label,
            Err(fault) => return Self { published: None, faults: vec![fault] },
        };
        let mut reading = Self::default();
        let mut addresses = BTreeSet::new();
        for text in &status.addresses {
            match text.parse() {
                Ok(address) => drop(addresses.insert(address)),
                Err(_) => reading.faults.push(Fault::Address(text.chars().take(80).collect())),
            }
        }
        let is_about_to_change = status.records_change_at.is_some();
        let published = Published { label, addresses, sips: status.sips, is_about_to_change };
        reading.published = Some(published).filter(|published| !published.addresses.is_empty());
        reading
    }
}

fn claimed(hostname: &str, fqdn: &str, zone: &str) -> Result<Label, Fault> {
    let label = Label::parse(hostname)?;
    let expected = label.fqdn(zone);
    if fqdn.trim_end_matches('.').eq_ignore_ascii_case(&expected) {
        Ok(label)
    } else {
        Err(Fault::Fqdn { fqdn: fqdn.chars().take(300).collect(), expected })
    }
}

#[cfg(test)]
mod tests {
    use ecqx_crds::EcqxInstanceStatus;
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
    use rstest::rstest;

    use super::*;

    fn ready() -> EcqxInstance {
        let spec = serde_json::from_str(r#"{"hostname": "syunikwin"}"#).unwrap();
        let mut instance = EcqxInstance::new("any-name", spec);
        instance.status = Some(EcqxInstanceStatus {
            fqdn: Some("syunikwin.epygicloud.com".to_owned()),
            addresses: vec!["203.0.113.9".to_owned(), "2001:db8::9".to_owned()],
            ..EcqxInstanceStatus::default()
        });
        instance
    }

    fn read(change: impl FnOnce(&mut EcqxInstance, &mut EcqxInstanceStatus)) -> Reading {
        let mut instance = ready();
        let mut status = instance.status.take().unwrap();
        change(&mut instance, &mut status);
        instance.status = Some(status);
        Reading::of(&instance, "epygicloud.com")
    }

    #[test]
    fn an_instance_with_its_name_and_addresses_is_served() {
        let published = read(|_, _| ()).published.unwrap();
        assert_eq!(published.label.as_str(), "syunikwin");
        assert_eq!(published.addresses.len(), 2);
    }

    #[test]
    fn sip_over_tls_is_served_as_the_status_says() {
        assert!(!read(|_, _| ()).published.unwrap().sips);
        assert!(read(|_, status| status.sips = true).published.unwrap().sips);
    }

    #[test]
    fn what_is_about_to_change_is_so_as_the_status_says_whatever_the_date() {
        assert!(!read(|_, _| ()).published.unwrap().is_about_to_change);
        for at in [Timestamp::MIN, Timestamp::MAX] {
            let reading = read(|_, status| status.records_change_at = Some(Time(at)));
            assert!(reading.published.unwrap().is_about_to_change, "the server has no clock for it: {at}");
        }
    }

    #[test]
    fn a_suspended_a_deleted_an_unclaimed_and_an_unready_instance_are_not_served() {
        let none = Reading::default();
        assert_eq!(read(|instance, _| instance.spec.suspended = true), none);
        let deleted = Some(Time(Timestamp::UNIX_EPOCH));
        assert_eq!(read(|instance, _| instance.metadata.deletion_timestamp = deleted), none);
        assert_eq!(read(|_, status| status.fqdn = None), none);
        assert_eq!(read(|_, status| status.addresses.clear()), none);
    }

    #[rstest]
    #[case("other.epygicloud.com")]
    #[case("syunikwin.example.net")]
    #[case("a.syunikwin.epygicloud.com")]
    fn a_claim_on_another_name_is_not_served_and_is_told(#[case] fqdn: &str) {
        let reading = read(|_, status| status.fqdn = Some(fqdn.to_owned()));
        assert_eq!(reading.published, None);
        assert!(reading.faults[0].to_string().contains(fqdn));
    }

    #[test]
    fn a_bad_address_is_skipped_and_the_others_are_served() {
        let reading = read(|_, status| status.addresses.push("203.0.113.9 ; rm".to_owned()));
        assert_eq!(reading.published.unwrap().addresses.len(), 2);
        assert_eq!(reading.faults, [Fault::Address("203.0.113.9 ; rm".to_owned())]);
    }

    #[test]
    fn only_bad_addresses_give_no_name_rather_than_an_empty_one() {
        let reading = read(|_, status| status.addresses = vec!["pbx".to_owned()]);
        assert_eq!((reading.published, reading.faults.len()), (None, 1));
    }
}
