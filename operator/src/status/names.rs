//! What is said of an instance's name in the DNS. Pure.

use std::{collections::BTreeSet, net::IpAddr};

use ecqx_crds::{
    EcqxInstanceStatus,
    condition::{self, reason},
    publication::{Fault, Publication},
};

use super::{Finding, finding};
use crate::naming::{Handed, Name, Served};

/// Whether the name servers lead the name to the addresses; nothing is said where no name server is asked.
///
/// While they are silent, what was said of the same addresses stays: names are served on, and 10,000 instances are not written
/// because a name server starts anew.
pub(super) fn published(
    fqdn: &str,
    addresses: &[String],
    name: Option<&Name>,
    previous: &EcqxInstanceStatus,
) -> Option<Finding> {
    let name = name?;
    if addresses.is_empty() {
        let message = "no name while no calls are taken";
        return Some(finding(condition::DNS_PUBLISHED, false, reason::NOT_IN_SERVICE, message));
    }
    Some(match name {
        Name::Served(served) => by_our_own(fqdn, addresses, served, previous),
        Name::HandedOver(handed) => by_external_dns(addresses, handed.as_ref()),
    })
}

fn by_our_own(fqdn: &str, addresses: &[String], served: &Served, previous: &EcqxInstanceStatus) -> Finding {
    let say = |holds, reason, message| finding(condition::DNS_PUBLISHED, holds, reason, message);
    let all = format!("{fqdn} leads to {}", addresses.join(", "));
    match served {
        Served::Unknown if was_published(previous, &all) => say(true, reason::PUBLISHED, all),
        Served::Unknown => {
            let message = "no name server tells the operator what it serves".to_owned();
            Finding { type_: condition::DNS_PUBLISHED, status: "Unknown", reason: reason::NO_ANSWER, message }
        }
        Served::Told(told) => match told.iter().find_map(|publication| publication.fault.as_ref()) {
            Some(fault) => say(false, reason_of(fault), message_of(fault)),
            None if told.iter().all(|publication| has(publication, addresses)) => say(true, reason::PUBLISHED, all),
            None => say(false, reason::PROGRESSING, format!("{all}: not by every name server yet")),
        },
    }
}

/// external-dns tells which state of the object it has taken up; what its provider made of it, nobody tells.
fn by_external_dns(addresses: &[String], handed: Option<&Handed>) -> Finding {
    let is_current = |handed: &&Handed| handed.addresses.iter().all(|address| addresses.contains(address));
    match handed.filter(is_current) {
        Some(handed) if handed.is_taken_up => {
            let message = format!("external-dns has taken up DNSEndpoint {}", handed.name);
            finding(condition::DNS_PUBLISHED, true, reason::HANDED_OVER, message)
        }
        _ => {
            let message = "external-dns has not taken up the DNSEndpoint yet; its kind must be installed, and external-dns run with --source=crd";
            finding(condition::DNS_PUBLISHED, false, reason::HANDED_OVER, message)
        }
    }
}

fn was_published(previous: &EcqxInstanceStatus, message: &str) -> bool {
    let known = previous.conditions.iter().find(|c| c.type_ == condition::DNS_PUBLISHED);
    known.is_some_and(|known| known.status == "True" && known.message == message)
}

fn has(publication: &Publication, addresses: &[String]) -> bool {
    let served: BTreeSet<&IpAddr> = publication.addresses.iter().collect();
    let wanted: Vec<IpAddr> = addresses.iter().filter_map(|address| address.parse().ok()).collect();
    served == wanted.iter().collect()
}

/// Only words that are ours stand in a status.
fn reason_of(fault: &Fault) -> &'static str {
    let known = [reason::NAME_RESERVED, reason::OTHER_ZONE, reason::HOSTNAME_TAKEN, reason::UNREADABLE];
    known.into_iter().find(|known| *known == fault.reason).unwrap_or(reason::INVALID)
}

/// The field goes first, unless the message begins with it.
fn message_of(fault: &Fault) -> String {
    if fault.message.starts_with(&fault.field) {
        fault.message.clone()
    } else {
        format!("{}: {}", fault.field, fault.message)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

    use super::*;
    use crate::{status::conditions, validate::tests::noon};

    const NAME: &str = "a.epygicloud.com";

    fn said(served: &Served, previous: &EcqxInstanceStatus) -> Finding {
        published(NAME, &["203.0.113.1".to_owned()], Some(&Name::Served(served.clone())), previous).unwrap()
    }

    fn told(last: &[u8]) -> Served {
        let publication = |last: &u8| Publication { addresses: vec![[203, 0, 113, *last].into()], fault: None };
        Served::Told(last.iter().map(publication).collect())
    }

    fn after(finding: Finding) -> EcqxInstanceStatus {
        let conditions: Vec<Condition> = conditions(&[finding], &[], Some(1), noon());
        EcqxInstanceStatus { conditions, ..EcqxInstanceStatus::default() }
    }

    #[test]
    fn published_is_what_every_name_server_serves() {
        let nothing = EcqxInstanceStatus::default();
        assert_eq!(said(&told(&[1, 1]), &nothing).reason, reason::PUBLISHED);
        let some = said(&told(&[1, 2]), &nothing);
        assert_eq!((some.status, some.reason), ("False", reason::PROGRESSING));
    }

    #[test]
    fn a_fault_is_told_with_its_field() {
        let fault = Fault {
            reason: reason::NAME_RESERVED.to_owned(),
            field: "spec.hostname".to_owned(),
            message: "taken".to_owned(),
        };
        let served = Served::Told(vec![Publication { addresses: Vec::new(), fault: Some(fault) }]);
        let finding = said(&served, &EcqxInstanceStatus::default());
        assert_eq!((finding.status, finding.reason), ("False", reason::NAME_RESERVED));
        assert_eq!(finding.message, "spec.hostname: taken");
        let made_up = Fault { reason: "../x".to_owned(), ..Fault::default() };
        let served = Served::Told(vec![Publication { addresses: Vec::new(), fault: Some(made_up) }]);
        assert_eq!(said(&served, &EcqxInstanceStatus::default()).reason, reason::INVALID);
    }

    #[test]
    fn silence_changes_nothing_of_what_was_published_and_is_told_of_what_was_not() {
        let before = after(said(&told(&[1]), &EcqxInstanceStatus::default()));
        assert_eq!(said(&Served::Unknown, &before), said(&told(&[1]), &before));
        assert_eq!(said(&Served::Unknown, &EcqxInstanceStatus::default()).status, "Unknown");
        let moved =
            published(NAME, &["203.0.113.2".to_owned()], Some(&Name::Served(Served::Unknown)), &before).unwrap();
        assert_eq!(moved.status, "Unknown", "of the new address nothing is known");
    }

    #[test]
    fn nothing_is_said_without_name_servers_and_without_calls_there_is_no_name() {
        assert_eq!(published(NAME, &[], None, &EcqxInstanceStatus::default()), None);
        let finding =
            published(NAME, &[], Some(&Name::Served(Served::Unknown)), &EcqxInstanceStatus::default()).unwrap();
        assert_eq!((finding.status, finding.reason), ("False", reason::NOT_IN_SERVICE));
    }

    #[test]
    fn what_external_dns_has_taken_up_is_handed_over() {
        let addresses = ["203.0.113.1".to_owned()];
        let handed = Handed { name: "ecqx-a".to_owned(), addresses: addresses.to_vec(), is_taken_up: true };
        let later = Handed { addresses: vec!["203.0.113.2".to_owned()], ..handed.clone() };
        let early = Handed { is_taken_up: false, ..handed.clone() };
        for (handed, status) in
            [(Some(handed), "True"), (Some(early), "False"), (Some(later), "False"), (None, "False")]
        {
            let name = Name::HandedOver(handed);
            let finding = published(NAME, &addresses, Some(&name), &EcqxInstanceStatus::default()).unwrap();
            assert_eq!((finding.status, finding.reason), (status, reason::HANDED_OVER), "{name:?}");
        }
    }
}
