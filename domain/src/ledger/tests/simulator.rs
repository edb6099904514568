//! An independent model: it walks day by day through whole lists and keeps plain numbers, and shares no code with the ledger.

use proptest::prelude::*;

use super::{
    history::{DAYS, a_history, day},
    *,
};

/// A trial or a promotion that counts, with its id.
struct Lent {
    id: String,
    term: Term,
    quantity: i64,
}

/// One feature as the model sees it.
#[derive(Default)]
struct Column {
    paid: i64,
    lent: Vec<Lent>,
    /// The pending request: its id and by how much it reduces.
    pending: Option<(String, i64)>,
}

impl Column {
    fn lent(&self, term: Term) -> i64 {
        self.lent.iter().filter(|lent| lent.term == term).map(|lent| lent.quantity).sum()
    }
}

/// Paid, trial and promotion of a feature at the end of a day; all zero once the instance has ended.
fn simulate(history: &Facts, feature: Feature, until: i64) -> [i64; 3] {
    let (mut column, mut ending, mut ended) = (Column::default(), None::<String>, false);
    let mut grants: Vec<&Grant> = history.grants.iter().filter(|grant| grant.feature == feature).collect();
    grants.sort_by(|a, b| a.id.cmp(&b.id));
    let mut changes: Vec<&Change> = history.changes.iter().collect();
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    // Since ever is the day before the first that the model looks at.
    for today in -3..=until {
        for change in changes.iter().filter(|change| change.effective_at == day(today)) {
            due(change, feature, &mut column, &mut ending, &mut ended);
        }
        for grant in &history.grants {
            if grant.until == Some(day(today)) {
                column.lent.retain(|lent| lent.id != grant.id);
            }
        }
        for grant in grants.iter().filter(|grant| grant.granted_at.unwrap_or(day(-3)) == day(today)) {
            give(grant, today, &mut column);
        }
        for change in &changes {
            if change.requested_at == day(today) {
                ask(change, feature, &mut column, &mut ending, ended);
                if change.effective_at <= day(today) {
                    due(change, feature, &mut column, &mut ending, &mut ended);
                }
            }
            if change.cancelled_at.is_some_and(|at| at.max(change.requested_at) == day(today)) {
                if column.pending.as_ref().is_some_and(|(id, _)| *id == change.id) {
                    column.pending = None;
                }
                ending = ending.filter(|id| *id != change.id);
            }
        }
    }
    if ended { [0; 3] } else { [column.paid, column.lent(Term::Trial), column.lent(Term::Promotion)] }
}

fn give(grant: &Grant, today: i64, column: &mut Column) {
    if grant.until.is_some_and(|until| until <= day(today)) {
        return;
    }
    if grant.term == Term::Paid {
        column.lent.retain(|lent| lent.term == Term::Promotion);
        column.paid += i64::from(grant.quantity);
    } else {
        column.lent.push(Lent { id: grant.id.clone(), term: grant.term, quantity: i64::from(grant.quantity) });
    }
}

fn ask(change: &Change, feature: Feature, column: &mut Column, ending: &mut Option<String>, ended: bool) {
    if ended {
        return;
    }
    if change.service == Item::Ecqx {
        if change.ask == Ask::Unsubscribe {
            *ending = Some(change.id.clone());
        }
        return;
    }
    if change.service != Item::Feature(feature) || column.paid == 0 {
        return;
    }
    let left = match change.ask {
        Ask::Unsubscribe => 0,
        Ask::Decrease { new_quantity: 0 } => return,
        Ask::Decrease { new_quantity } => i64::from(new_quantity),
    };
    if left <= column.paid {
        column.pending = Some((change.id.clone(), column.paid - left));
    }
}

fn due(change: &Change, feature: Feature, column: &mut Column, ending: &mut Option<String>, ended: &mut bool) {
    if ending.as_ref() == Some(&change.id) {
        *ended = true;
    }
    if change.service == Item::Feature(feature)
        && !*ended
        && let Some((_, reduction)) = column.pending.take_if(|(id, _)| *id == change.id)
    {
        column.paid -= reduction;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]
    #[test]
    fn the_ledger_agrees_with_a_model_that_walks_day_by_day(history in a_history(), today in 0..2 * DAYS) {
        let standing = standing(&history, &catalogue(), day(today));
        for feature in [Feature::IpPhoneExtension, Feature::CallRecording] {
            let entitlement = standing.entitlements.get(feature).unwrap();
            let parts = [entitlement.paid, entitlement.trial, entitlement.promotion].map(|part| i64::try_from(part).unwrap());
            prop_assert_eq!(parts, simulate(&history, feature, today), "{:?}", feature);
        }
    }
}
