//! Whether what is ordered fits on one instance beside what is paid already (§2 of the guide). Pure.

use std::collections::BTreeMap;

use super::{Hold, LineGrant};
use crate::{feature::Feature, settings::Settings};

/// Holds what passes a maximum: base configuration, what is paid and in force, and what is ordered, together. A pending decrease
/// makes no room until it takes effect; a trial is replaced by what is bought of it; what a promotion gives never costs an order.
pub(super) fn check(grants: &[LineGrant], paid: &BTreeMap<Feature, u64>, settings: &Settings, holds: &mut Vec<Hold>) {
    let mut ordered: BTreeMap<Feature, u64> = BTreeMap::new();
    for grant in grants {
        let sum = ordered.entry(grant.feature).or_default();
        *sum = sum.saturating_add(u64::try_from(grant.quantity).unwrap_or(0));
    }
    for (feature, ordered) in ordered {
        let base = u64::from(settings.catalogue.base(feature));
        let sum = base.saturating_add(paid.get(&feature).copied().unwrap_or(0)).saturating_add(ordered);
        let maximum = settings.catalogue.maximum(feature);
        if sum > u64::from(maximum) {
            holds.push(Hold::OverMaximum { feature, sum, maximum, ordered });
        }
    }
}
