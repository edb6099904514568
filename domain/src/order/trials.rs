//! That everything is tried once (§6 of the guide). Pure.

use std::collections::BTreeMap;

use super::{Hold, Item, Order, OrderTerm, Portfolio, SkuMap, contents::Contents, devices, names};
use crate::{settings::Settings, trial::Beneficiary};

/// The trials that an order would use up, each with the name of its record: of the ecQX and of each feature in it. None for a
/// paid order, and for one that does not say for which instance it is. The caller looks up which of the records there are
/// before it asks for the judgement.
pub fn wanted_trials(
    order: &Order,
    portfolio: &Portfolio,
    settings: &Settings,
    skus: &SkuMap,
) -> BTreeMap<Item, String> {
    if order.term != OrderTerm::Trial {
        return BTreeMap::new();
    }
    let contents = Contents::read(order, skus, &mut Vec::new());
    let company = if contents.ecqx_lines > 0 {
        order.company.as_deref()
    } else {
        match devices::of_add_on(order, portfolio, settings, &mut Vec::new()) {
            Some(instance) => instance.company.as_deref(),
            None => return BTreeMap::new(),
        }
    };
    let namespace = names::reseller_namespace(&order.customer);
    let beneficiary = Beneficiary::of(settings.lifecycle.trial_scope, &namespace, company);
    contents.services().into_iter().map(|service| (service, beneficiary.claim_name(service))).collect()
}

/// Holds a second trial.
pub(super) fn check(order: &Order, portfolio: &Portfolio, settings: &Settings, skus: &SkuMap, holds: &mut Vec<Hold>) {
    let wanted = wanted_trials(order, portfolio, settings, skus);
    let used = wanted.into_iter().filter(|(_, record)| portfolio.used_trials.contains(record));
    let services: Vec<Item> = used.map(|(service, _)| service).collect();
    if !services.is_empty() {
        holds.push(Hold::TrialUsed { services });
    }
}
