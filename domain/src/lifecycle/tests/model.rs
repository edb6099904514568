//! An independent model of the phase: it walks day by day, keeps flags, and shares no code with the lifecycle.

use proptest::prelude::*;

use super::{
    random::{SPAN, a_new_life, any_rules, day},
    *,
};

/// What the walk knows at the end of a day.
#[derive(Default)]
struct Walk {
    ended: bool,
    days_since_end: i64,
    unpaid_days: Option<i64>,
}

/// The phase at the end of day `until`, of a life that is watched every day.
fn walk(life: &Life, rules: &LifecycleRules, until: i64) -> Phase {
    let count = |length: SignedDuration| length.as_hours() / 24;
    let mut walk = Walk::default();
    for today in -15..=until {
        let is_today = |at: Option<Timestamp>| at == Some(day(today));
        if walk.ended {
            walk.days_since_end += 1;
        }
        let trial_over = life.term == OrderTerm::Trial && is_today(life.trial.map(|trial| trial.ends_at));
        if trial_over || is_today(life.unsubscribed_at) {
            walk.ended = true;
        }
        walk.unpaid_days = walk.unpaid_days.map(|days| days + 1).or(is_today(life.payment_failed_at).then_some(0));
    }
    let overdue = life.term == OrderTerm::Paid && life.payment_failed_at.is_some();
    if walk.ended {
        return if walk.days_since_end >= count(rules.retention) { Phase::Expired } else { Phase::Ended };
    }
    if life.suspended_at.is_some() || (overdue && walk.unpaid_days.is_some_and(|days| days >= count(rules.grace))) {
        return Phase::Suspended;
    }
    match (overdue, life.term) {
        (true, _) => Phase::Grace,
        (false, OrderTerm::Trial) => Phase::Trial,
        (false, OrderTerm::Paid) => Phase::Paid,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]
    #[test]
    fn the_phase_agrees_with_a_model_that_walks_day_by_day(
        life in a_new_life(),
        rules in any_rules(),
        today in 0..2 * SPAN,
    ) {
        prop_assert_eq!(life.phase(&rules, day(today)), walk(&life, &rules, today));
    }
}
