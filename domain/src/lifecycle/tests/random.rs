//! Random lives and rules on a coarse grid of days, so that many dates fall on one instant.

use proptest::prelude::*;

use super::*;

/// The days that a life spans.
pub(crate) const SPAN: i64 = 40;

/// The instant of a day of the grid.
pub(crate) fn day(number: i64) -> Timestamp {
    at("2025-10-01T00:00:00Z") + days(number)
}

fn some_days(most: i64) -> impl Strategy<Value = SignedDuration> {
    (0..=most).prop_map(days)
}

prop_compose! {
    pub(crate) fn any_rules()(
        reminders in proptest::collection::vec(some_days(8), 0..4),
        grace in some_days(8),
        drain_deadline in some_days(2),
        retention in some_days(10),
        delete_data in any::<bool>(),
        deletion_notice in some_days(5),
        name_reservation in some_days(15),
    ) -> LifecycleRules {
        let document = LifecycleRules::try_from(LifecycleDocument::default()).unwrap();
        LifecycleRules { reminders, grace, drain_deadline, retention, delete_data, deletion_notice, name_reservation, ..document }
    }
}

prop_compose! {
    /// A life of which nothing is on record yet.
    pub(crate) fn a_new_life()(
        term in prop_oneof![Just(OrderTerm::Trial), Just(OrderTerm::Paid)],
        trial in proptest::option::weighted(0.8, (0..SPAN, 1_i64..12)),
        unsubscribed in proptest::option::weighted(0.4, 0..SPAN),
        failed in proptest::option::weighted(0.4, 0..SPAN),
        suspended in proptest::option::weighted(0.3, 0..SPAN),
        deletion in proptest::option::weighted(0.3, 0..2 * SPAN),
        release in proptest::option::weighted(0.3, 0..2 * SPAN),
    ) -> Life {
        Life {
            trial: trial.map(|(start, length)| Trial { started_at: day(start), ends_at: day(start + length) }),
            unsubscribed_at: unsubscribed.map(day),
            payment_failed_at: failed.map(day),
            suspended_at: suspended.map(day),
            data_deletion_at: deletion.map(day),
            name_release_at: release.map(day),
            ..Life::new(term)
        }
    }
}

prop_compose! {
    /// A life, rules, and any part of its milestones on record, in their order or not.
    pub(crate) fn a_life()(life in a_new_life(), rules in any_rules(), chosen in any::<u64>()) -> (Life, LifecycleRules) {
        let all = life.milestones(&rules).into_iter().enumerate();
        let reached = all.filter(|(index, _)| chosen >> index & 1 == 1 && chosen % 3 != 0).map(|(_, reached)| reached);
        (Life { reached: reached.collect(), ..life.clone() }, rules)
    }
}
