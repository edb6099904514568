//! What of each instance cannot be served, and why, for whoever asks: the operator writes it into the instance's status. No I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use ecqx_crds::{condition::reason, publication};

use crate::{book::Key, published::Fault};

/// How many faults of one instance are remembered: the first ones say enough.
const REMEMBERED: usize = 4;

/// The faults of the instances that have some. An instance without any costs nothing.
#[derive(Debug, Default)]
pub struct Faults(Mutex<BTreeMap<Key, Vec<Fault>>>);

impl Faults {
    /// What an instance was found to be like; without a fault it is forgotten.
    pub fn note(&self, key: &Key, faults: Vec<Fault>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.is_empty() {
            all.remove(key);
        } else {
            all.insert(key.clone(), faults.into_iter().take(REMEMBERED).collect());
        }
    }

    /// A complete list has these; all others have gone.
    pub fn keep_only(&self, listed: &BTreeSet<Key>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| listed.contains(key));
    }

    /// The first fault of an instance.
    pub fn first(&self, key: &Key) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.first().cloned()
    }

    /// How many instances have some.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Fault {
    /// The same in the words of a condition: one word, the field that is at fault, and what to do.
    pub fn told(&self) -> publication::Fault {
        let (reason, field) = match self {
            Self::Address(_) => (reason::INVALID, "status.addresses"),
            Self::Fqdn { .. } => (reason::OTHER_ZONE, "status.fqdn"),
            Self::Hostname(_) | Self::Unwritable(_) => (reason::INVALID, "spec.hostname"),
            Self::Taken => (reason::NAME_RESERVED, "spec.hostname"),
            Self::Shared => (reason::HOSTNAME_TAKEN, "spec.hostname"),
            Self::Unreadable(_) => (reason::UNREADABLE, "spec"),
        };
        publication::Fault { reason: reason.to_owned(), field: field.to_owned(), message: self.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("reseller".to_owned(), name.to_owned())
    }

    #[test]
    fn faults_stay_until_the_instance_is_mended_or_gone() {
        let faults = Faults::default();
        faults.note(&key("a"), vec![Fault::Address("x".to_owned())]);
        faults.note(&key("b"), vec![Fault::Taken]);
        assert_eq!((faults.count(), faults.first(&key("b"))), (2, Some(Fault::Taken)));
        faults.note(&key("a"), Vec::new());
        assert_eq!(faults.first(&key("a")), None);
        faults.keep_only(&BTreeSet::new());
        assert_eq!(faults.count(), 0);
    }

    #[test]
    fn memory_of_one_instance_is_bounded() {
        let faults = Faults::default();
        faults.note(&key("a"), vec![Fault::Taken; 1000]);
        assert_eq!(faults.0.lock().unwrap()[&key("a")].len(), REMEMBERED);
    }

    #[test]
    fn every_fault_names_its_field() {
        for (fault, field) in [
            (Fault::Address("pbx".to_owned()), "status.addresses"),
            (Fault::Fqdn { fqdn: "a.b".to_owned(), expected: "a.c".to_owned() }, "status.fqdn"),
            (Fault::Taken, "spec.hostname"),
            (Fault::Shared, "spec.hostname"),
            (Fault::Unwritable("too long".to_owned()), "spec.hostname"),
            (Fault::Unreadable("no spec".to_owned()), "spec"),
        ] {
            assert_eq!(fault.told().field, field);
        }
    }
}
