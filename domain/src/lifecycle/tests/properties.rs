//! What holds for every life.

use proptest::prelude::*;

use super::{
    random::{SPAN, a_life, a_new_life, any_rules, day},
    *,
};

/// All that anybody can see of a life.
fn seen_at(life: &Life, rules: &LifecycleRules, now: Timestamp) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        life.phase(rules, now),
        life.out_of_service(rules, now),
        life.is_drained(rules, now),
        life.name_is_released(rules, now),
        life.data_is_due(rules, now),
        life.reached(rules, now),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30_000))]

    #[test]
    fn nothing_changes_strictly_before_the_next_transition_and_something_does_at_it(
        (life, rules) in a_life(),
        today in -1..2 * SPAN,
        share in 0.0_f64..1.0,
    ) {
        let now = day(today);
        let next = next_transition(&life, &rules, now);
        let end = next.map_or_else(|| day(5 * SPAN), |next| next.at);
        prop_assert!(end > now);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let within = SignedDuration::from_secs(((end.as_second() - now.as_second()) as f64 * share) as i64);
        for later in [(now + within).min(before(end)), before(end)] {
            prop_assert_eq!(seen_at(&life, &rules, now), seen_at(&life, &rules, later), "at {}", later);
        }
        if let Some(next) = next {
            prop_assert_ne!(seen_at(&life, &rules, now), seen_at(&life, &rules, next.at));
            prop_assert!(life.reached(&rules, next.at).contains(&next));
        }
    }

    #[test]
    fn the_next_transitions_in_a_row_are_the_milestones_in_order(life in a_new_life(), rules in any_rules()) {
        let (mut now, mut met) = (day(-30), std::collections::BTreeSet::new());
        while let Some(next) = next_transition(&life, &rules, now) {
            now = next.at;
            met.extend(life.milestones(&rules).into_iter().filter(|milestone| milestone.at == now));
        }
        prop_assert_eq!(met, life.milestones(&rules).into_iter().collect());
    }

    #[test]
    fn seeing_a_life_often_or_once_comes_to_the_same(
        life in a_new_life(),
        rules in any_rules(),
        mut looks in proptest::collection::vec(-1..2 * SPAN, 0..6),
    ) {
        // The deletion's date depends on the look that announces it; everything else does not.
        let (life, rules) = (Life { data_deletion_at: None, ..life }, LifecycleRules { delete_data: false, ..rules });
        looks.sort_unstable();
        let last = day(looks.last().copied().unwrap_or(0));
        let often = looks.iter().fold(life.clone(), |life, look| seen(&life, &rules, day(*look)));
        prop_assert_eq!(seen_at(&often, &rules, last), seen_at(&seen(&life, &rules, last), &rules, last));
    }

    #[test]
    fn a_clock_that_jumps_undoes_nothing_and_brings_nothing_twice(
        life in a_new_life(),
        rules in any_rules(),
        looks in proptest::collection::vec(-1..2 * SPAN, 1..8),
    ) {
        let mut life = Life { data_deletion_at: None, ..life };
        for look in looks {
            let before = life.reached.clone();
            life = seen(&life, &rules, day(look));
            prop_assert!(before.is_subset(&life.reached), "{:?} became {:?}", before, life.reached);
        }
    }

    #[test]
    fn data_is_deleted_only_after_the_retention_and_the_notice(
        life in a_new_life(),
        rules in any_rules(),
        mut looks in proptest::collection::vec(-1..2 * SPAN, 1..8),
    ) {
        looks.sort_unstable();
        let (mut life, mut said) = (Life { data_deletion_at: None, ..life }, None);
        for look in looks {
            if life.data_is_due(&rules, day(look)) {
                let (ended_at, _) = life.ended(day(look)).unwrap();
                prop_assert!(rules.delete_data && day(look) >= ended_at + rules.retention);
                prop_assert!(said.is_some_and(|said| day(look) >= day(said) + rules.deletion_notice));
            }
            life = seen(&life, &rules, day(look));
            said = said.or(life.data_deletion_at.map(|_| look));
        }
    }
}
