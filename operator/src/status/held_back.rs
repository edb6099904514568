//! What was granted beyond a maximum (§2 of the product rules). Pure.

use ecqx_crds::condition::{self, reason};
use ecqx_domain::ledger::Entitlements;

use super::{Finding, finding};

/// The condition, naming feature, sum and maximum of each that is over.
pub fn finding_of(entitlements: &Entitlements) -> Finding {
    let over: Vec<String> = entitlements
        .over_maximum()
        .map(|e| {
            format!(
                "{}: the sum of {} is over the maximum of {}; {} held back",
                e.feature,
                e.sum(),
                e.maximum,
                e.held_back()
            )
        })
        .collect();
    if over.is_empty() {
        finding(condition::LIMITS_HELD_BACK, false, reason::WITHIN_MAXIMUM, "nothing is held back")
    } else {
        finding(condition::LIMITS_HELD_BACK, true, reason::OVER_MAXIMUM, over.join("; "))
    }
}
