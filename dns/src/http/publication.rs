//! What the operator is told of one instance. Pure.

use ecqx_crds::publication::Publication;

use crate::{
    book::Key,
    faults::Faults,
    published::{Fault, Published},
    store::Held,
    wire::{kind, name},
    zone::Zone,
};

/// What of an instance is served, and why not all of it where it is not.
pub fn of(key: &Key, held: &Held, zone: &Zone, faults: &Faults) -> Publication {
    let Some(published) = held.get(key) else {
        return Publication { addresses: Vec::new(), fault: faults.first(key).map(|fault| fault.told()) };
    };
    match fault(published, zone) {
        Some(fault) => Publication { addresses: Vec::new(), fault: Some(fault.told()) },
        None => Publication {
            addresses: published.addresses.iter().copied().collect(),
            fault: faults.first(key).map(|fault| fault.told()),
        },
    }
}

/// Why the zone does not have it under its name.
fn fault(published: &Published, zone: &Zone) -> Option<Fault> {
    let label = &published.label;
    if zone.is_taken(label) {
        return Some(Fault::Taken);
    }
    if let Some(why) = zone.unwritten(label) {
        return Some(Fault::Unwritable(why.to_owned()));
    }
    (!has(published, zone)).then_some(Fault::Shared)
}

/// Whether these addresses, and no others, stand under its name.
fn has(published: &Published, zone: &Zone) -> bool {
    let part = name::label(published.label.as_str());
    let Some((branch, rest)) = zone.branch(&part) else { return false };
    let Some(node) = branch.get(rest) else { return false };
    let data = |kind| node.get(kind).into_iter().flat_map(|set| set.data().map(<[u8]>::to_vec).collect::<Vec<_>>());
    let served: std::collections::BTreeSet<_> = data(kind::A).chain(data(kind::AAAA)).collect();
    let wanted = published.addresses.iter().map(|address| match address {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    });
    served == wanted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::tests::{published, zone_with};

    fn key(name: &str) -> Key {
        ("reseller".to_owned(), name.to_owned())
    }

    fn told(name: &str) -> Publication {
        let instances = [("a", "a"), ("www", "www"), ("z-late", "a"), ("gone", "gone")];
        let held = instances.map(|(name, label)| (key(name), published(label, &[address(name)])));
        let zone = zone_with("www A 203.0.113.80", &[published("a", &[address("a")])]);
        let faults = Faults::default();
        faults.note(&key("none"), vec![Fault::Address("pbx".to_owned())]);
        of(&key(name), &held.into_iter().collect(), &zone, &faults)
    }

    fn address(name: &str) -> &'static str {
        if name == "a" { "203.0.113.1" } else { "203.0.113.2" }
    }

    #[test]
    fn what_is_served_is_told_with_its_addresses() {
        let publication = told("a");
        assert_eq!(publication.addresses, ["203.0.113.1".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(publication.fault, None);
    }

    #[test]
    fn what_is_not_served_is_told_with_its_field() {
        for (name, field) in [("www", "spec.hostname"), ("z-late", "spec.hostname"), ("none", "status.addresses")] {
            let publication = told(name);
            assert_eq!((publication.addresses, publication.fault.unwrap().field), (Vec::new(), field.to_owned()));
        }
    }

    #[test]
    fn of_what_is_unknown_nothing_is_told() {
        assert_eq!(told("nobody"), Publication::default());
    }
}
