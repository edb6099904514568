//! For every situation: what is foreseen is what an operator then sees that looks every day.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    ledger::{
        Verdict,
        tests::history::{DAYS, a_history, day},
    },
    lifecycle::tests::{
        random::{a_new_life, any_rules},
        seen,
    },
};

/// The longest that anything of these situations lasts.
const LAST: i64 = 4 * DAYS;

prop_compose! {
    fn a_case()(
        mut life in a_new_life(),
        facts in a_history(),
        rules in any_rules(),
        extensions in 0..130,
        today in 0..DAYS,
    ) -> (Life, Facts, LifecycleRules, Vec<String>, i64) {
        // Of an end that nobody has seen yet nothing is on record.
        (life.data_deletion_at, life.name_release_at) = (None, None);
        // Nobody knows today of a suspension of tomorrow.
        life.suspended_at = life.suspended_at.map(|at| at.min(day(today)));
        (life, facts, rules, (0..extensions).map(|index| (101 + index).to_string()).collect(), today)
    }
}

/// All that an operator sees on a day, with what it has on record until then.
#[derive(Debug, PartialEq)]
struct View {
    phase: Phase,
    cause: Option<Cause>,
    reached: BTreeSet<Reached>,
    name_is_kept: bool,
    /// While the instance has not ended: what may be used, which grants count, which requests have taken effect.
    licences: Option<(Entitlements, BTreeSet<String>, BTreeSet<String>)>,
}

/// The operator looks on a day, and records what it sees.
fn look(life: &mut Life, situation: &Situation, today: i64) -> View {
    let (now, rules) = (day(today), situation.rules);
    let standing = ledger::standing(&situation.facts, situation.catalogue, now);
    life.unsubscribed_at = standing.ended_at.or(standing.ends_at);
    *life = seen(life, rules, now);
    let features: BTreeSet<&String> =
        situation.facts.changes.iter().filter(|change| change.service != Item::Ecqx).map(|change| &change.id).collect();
    let applied = standing.requests.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Applied { .. }));
    let applied = applied.map(|(id, _)| id).filter(|id| features.contains(id)).cloned().collect();
    View {
        phase: life.phase(rules, now),
        cause: life.out_of_service(rules, now).map(|out| out.cause),
        reached: life.reached.clone(),
        name_is_kept: !life.name_is_released(rules, now),
        licences: life.ended(now).is_none().then_some((standing.entitlements, standing.in_force, applied)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn what_is_foreseen_is_what_happens_on_that_day_and_on_no_other((life, facts, rules, extensions, today) in a_case()) {
        let mut situation = Situation { life, facts, extensions, catalogue: &CATALOGUE, rules: &rules };
        let mut life = situation.life.clone();
        let mut before = look(&mut life, &situation, today);
        situation.life = life.clone();
        let foreseen: BTreeSet<Timestamp> = upcoming(&situation, day(today)).into_iter().map(|entry| entry.at).collect();
        prop_assert!(foreseen.iter().all(|at| *at > day(today)));
        for tomorrow in today + 1..LAST {
            let then = look(&mut life, &situation, tomorrow);
            prop_assert_eq!(then != before, foreseen.contains(&day(tomorrow)), "{:?} to {:?}", before, then);
            before = then;
        }
    }

    #[test]
    fn a_forecast_is_how_the_operator_will_find_it((life, facts, rules, extensions, today) in a_case(), ahead in 1..LAST) {
        let mut situation = Situation { life, facts, extensions, catalogue: &CATALOGUE, rules: &rules };
        let mut life = situation.life.clone();
        look(&mut life, &situation, today);
        situation.life = life.clone();
        let foreseen = forecast(&situation, day(today + ahead));
        let found = (today + 1..=today + ahead).map(|day| look(&mut life, &situation, day)).last().unwrap();
        prop_assert_eq!((foreseen.phase, foreseen.cause, foreseen.name_is_kept), (found.phase, found.cause, found.name_is_kept));
        prop_assert_eq!(foreseen.resolves, found.phase.in_service());
        if let Some((entitlements, ..)) = found.licences {
            prop_assert_eq!(&foreseen.disabled, &disabled(&situation.extensions, &entitlements));
            prop_assert_eq!(foreseen.entitlements, entitlements);
        }
        let rest: Vec<_> = upcoming(&situation, day(today)).into_iter().filter(|entry| entry.at > day(today + ahead)).collect();
        prop_assert_eq!(foreseen.upcoming, rest);
    }

    #[test]
    fn entries_are_in_order_and_none_stands_twice((life, facts, rules, extensions, today) in a_case()) {
        let situation = Situation { life, facts, extensions, catalogue: &CATALOGUE, rules: &rules };
        let all = upcoming(&situation, day(today));
        prop_assert!(all.is_sorted_by_key(|entry| (entry.at, entry.event)));
        for (index, entry) in all.iter().enumerate() {
            prop_assert!(!all[..index].contains(entry), "{:?}", entry);
        }
    }
}
