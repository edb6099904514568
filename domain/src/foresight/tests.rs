//! What is foreseen, rule by rule, and for every situation.

mod order;
mod properties;
mod words;

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::SignedDuration;

use super::*;
use crate::{
    item::Item,
    ledger::{Ask, Change, Grant, Term},
    lifecycle::{LifecycleDocument, Trial},
    order::OrderTerm,
};

static RULES: LazyLock<LifecycleRules> = LazyLock::new(|| LifecycleDocument::default().try_into().unwrap());
static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::new([(Feature::IpPhoneExtension, 5)].into(), &BTreeMap::new(), 3000).unwrap());

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

/// A paid instance with 10 extensions beside the base of 5, of which all are configured.
fn fifteen() -> Situation<'static> {
    let grant = Grant {
        granted_at: Some(at("2026-09-01T00:00:00Z")),
        id: "first".to_owned(),
        feature: Feature::IpPhoneExtension,
        quantity: 10,
        term: Term::Paid,
        until: None,
    };
    Situation {
        life: Life::new(OrderTerm::Paid),
        facts: Facts { grants: vec![grant], changes: Vec::new() },
        extensions: (101..116).map(|number| number.to_string()).collect(),
        catalogue: &CATALOGUE,
        rules: &RULES,
    }
}

fn request(id: &str, service: Item, ask: Ask) -> Change {
    Change {
        requested_at: at("2026-09-10T00:00:00Z"),
        id: id.to_owned(),
        service,
        ask,
        effective_at: at("2026-10-01T00:00:00Z"),
        cancelled_at: None,
        taken: false,
    }
}

fn fewer_extensions() -> Change {
    request("fewer", Item::Feature(Feature::IpPhoneExtension), Ask::Decrease { new_quantity: 6 })
}

/// An instance on trial from 1 September to 1 October.
fn on_trial() -> Situation<'static> {
    let started_at = at("2026-09-01T00:00:00Z");
    let trial = Trial { started_at, ends_at: started_at + days(30) };
    Situation { life: Life { trial: Some(trial), ..Life::new(OrderTerm::Trial) }, facts: Facts::default(), ..fifteen() }
}

fn events(upcoming: &[Upcoming]) -> Vec<(&'static str, Timestamp)> {
    upcoming.iter().map(|upcoming| (upcoming.event.name(), upcoming.at)).collect()
}
