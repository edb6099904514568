//! What holds for every history.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    history::{DAYS, a_history, day},
    *,
};

proptest! {
    #[test]
    fn any_order_repetition_and_merge_of_the_facts_give_the_same(
        history in a_history(),
        split in any::<proptest::sample::Index>(),
        today in 0..DAYS,
    ) {
        // Two writers, each with a part, one of which the other has too, merged the wrong way round.
        let (grants, changes) = (&history.grants, &history.changes);
        let (i, j) = (split.index(grants.len() + 1), split.index(changes.len() + 1));
        let merged = Facts {
            grants: grants[i..].iter().chain(&grants[..i]).chain(grants.iter().rev()).cloned().collect(),
            changes: changes[j..].iter().chain(changes.iter().rev()).chain(&changes[..j]).cloned().collect(),
        };
        prop_assert_eq!(
            standing(&history, &catalogue(), day(today)),
            standing(&merged, &catalogue(), day(today))
        );
    }

    #[test]
    fn no_quantity_passes_its_maximum_and_the_parts_account_for_all(history in a_history(), today in 0..DAYS) {
        for entitlement in standing(&history, &catalogue(), day(today)).entitlements.iter() {
            prop_assert!(entitlement.quantity <= entitlement.maximum);
            prop_assert_eq!(u64::from(entitlement.quantity) + entitlement.held_back(), entitlement.sum());
        }
    }

    #[test]
    fn nothing_changes_strictly_before_the_next_transition_and_something_does_at_it(
        history in a_history(),
        today in -1..DAYS,
        share in 0.0_f64..1.0,
    ) {
        let now = day(today);
        let next = next_transition(&history, &catalogue(), now);
        let end = next.unwrap_or_else(|| day(3 * DAYS));
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let within = ((end.as_second() - now.as_second()) as f64 * share) as i64;
        let (present, later) = (standing(&history, &catalogue(), now), now + SignedDuration::from_secs(within));
        prop_assert_eq!(&present, &standing(&history, &catalogue(), later.min(end - SignedDuration::from_nanos(1))));
        if let Some(next) = next {
            prop_assert!(next > now);
            prop_assert_ne!(&present, &standing(&history, &catalogue(), next));
        }
    }

    #[test]
    fn the_transitions_are_the_chain_of_next_transitions(history in a_history()) {
        let mut now = day(-1);
        for (at, then) in transitions(&history, &catalogue(), now) {
            prop_assert_eq!(next_transition(&history, &catalogue(), now), Some(at));
            prop_assert_eq!(&then, &standing(&history, &catalogue(), at));
            now = at;
        }
        prop_assert_eq!(next_transition(&history, &catalogue(), now), None);
    }
}
