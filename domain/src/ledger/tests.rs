//! The ledger's rules, each as a sentence, so that the guide can be read beside them.

pub(crate) mod history;
mod properties;
mod rules;
mod simulator;

use super::*;
use crate::item::Item;

/// The default base configuration and maxima.
fn catalogue() -> Catalogue {
    let base = BTreeMap::from([(Feature::IpPhoneExtension, 5), (Feature::AudioConference, 4)]);
    Catalogue::new(base, &BTreeMap::new(), 3000).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn paid(id: &str, quantity: u32, granted_at: &str) -> Grant {
    Grant {
        id: id.to_owned(),
        feature: Feature::CallRecording,
        quantity,
        term: Term::Paid,
        granted_at: Some(at(granted_at)),
        until: None,
    }
}

fn trial(id: &str, quantity: u32, granted_at: &str, until: &str) -> Grant {
    Grant { term: Term::Trial, until: Some(at(until)), ..paid(id, quantity, granted_at) }
}

fn change(id: &str, ask: Ask, requested_at: &str, effective_at: &str) -> Change {
    Change {
        id: id.to_owned(),
        service: Item::Feature(Feature::CallRecording),
        ask,
        requested_at: at(requested_at),
        effective_at: at(effective_at),
        cancelled_at: None,
        taken: false,
    }
}

fn decrease_to(new_quantity: u32, id: &str, requested_at: &str, effective_at: &str) -> Change {
    change(id, Ask::Decrease { new_quantity }, requested_at, effective_at)
}

/// Recording ports at an instant.
fn ports(facts: &Facts, now: &str) -> u32 {
    standing(facts, &catalogue(), at(now)).entitlements.quantity(Feature::CallRecording)
}

fn verdict(facts: &Facts, id: &str, now: &str) -> Verdict {
    standing(facts, &catalogue(), at(now)).requests[id].clone()
}
