//! Random histories on a coarse grid of days, so that many facts fall on one instant.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

/// The days that a history spans.
pub(crate) const DAYS: i64 = 40;
/// Few features, so that facts meet.
const FEATURES: [Feature; 2] = [Feature::IpPhoneExtension, Feature::CallRecording];

/// The instant of a day of the grid.
pub(crate) fn day(number: i64) -> Timestamp {
    at("2025-10-01T00:00:00Z") + SignedDuration::from_hours(24 * number)
}

fn a_feature() -> impl Strategy<Value = Feature> {
    proptest::sample::select(&FEATURES[..])
}

fn a_term() -> impl Strategy<Value = Term> {
    proptest::sample::select(&[Term::Paid, Term::Paid, Term::Trial, Term::Promotion][..])
}

prop_compose! {
    fn a_grant()(
        id in 0_u8..8,
        feature in a_feature(),
        quantity in 0_u32..120,
        term in a_term(),
        from in proptest::option::weighted(0.9, 0..DAYS),
        lasts in proptest::option::of(0..DAYS),
    ) -> Grant {
        let until = lasts.filter(|_| term != Term::Paid).map(|days| day(from.unwrap_or(0) + days));
        Grant { id: format!("grant-{id}"), feature, quantity, term, granted_at: from.map(day), until }
    }
}

prop_compose! {
    fn a_change()(
        id in 0_u8..8,
        service in prop_oneof![12 => a_feature().prop_map(Item::Feature), 1 => Just(Item::Ecqx)],
        ask in prop_oneof![
            3 => (0_u32..130).prop_map(|new_quantity| Ask::Decrease { new_quantity }),
            1 => Just(Ask::Unsubscribe),
        ],
        requested in 0..DAYS,
        effective in -2..DAYS,
        cancelled in proptest::option::weighted(0.3, -2..DAYS),
    ) -> Change {
        Change {
            id: format!("change-{id}"),
            service,
            ask,
            requested_at: day(requested),
            effective_at: day(requested + effective),
            cancelled_at: cancelled.map(|days| day(requested + days)),
            taken: false,
        }
    }
}

prop_compose! {
    /// A history in which each id stands for one fact.
    pub(crate) fn a_history()(
        mut grants in proptest::collection::vec(a_grant(), 0..8),
        mut changes in proptest::collection::vec(a_change(), 0..8),
    ) -> Facts {
        let mut seen = std::collections::BTreeSet::new();
        grants.retain(|grant| seen.insert(grant.id.clone()));
        changes.retain(|change| seen.insert(change.id.clone()));
        Facts { grants, changes }
    }
}
