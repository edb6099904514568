//! What will happen to an instance's licences: the steps of the ledger's replay, with the fact behind each. Pure.

use jiff::Timestamp;

use super::{Event, Situation, Step, Upcoming, newly_disabled};
use crate::{
    feature::Feature,
    item::Item,
    ledger::{self, Ask, Change, Standing, Term, Verdict},
};

/// Everything that changes what may be used after `now`, in order: what each of the ledger's steps brings.
pub(super) fn upcoming(situation: &Situation, now: Timestamp, steps: &[(Timestamp, Standing)]) -> Vec<Upcoming> {
    let present = ledger::standing(&situation.facts, situation.catalogue, now);
    let mut before = &present;
    let mut all = Vec::new();
    for (at, after) in steps {
        for feature in Feature::ALL {
            all.extend(of_feature(situation, feature, *at, before, after));
        }
        before = after;
    }
    all
}

/// What happens to one feature at one instant: one entry for each cause.
fn of_feature(
    situation: &Situation,
    feature: Feature,
    at: Timestamp,
    before: &Standing,
    after: &Standing,
) -> Vec<Upcoming> {
    let (Some(was), Some(is)) = (before.entitlements.get(feature), after.entitlements.get(feature)) else {
        return Vec::new();
    };
    let mut causes = requests(situation, feature, before, after);
    causes.extend(grants(situation, feature, before, after));
    let quantity = Step { feature, from: was.quantity, to: is.quantity };
    let disables = match feature {
        Feature::IpPhoneExtension => newly_disabled(&situation.extensions, &before.entitlements, &after.entitlements),
        _ => Vec::new(),
    };
    let entry = |(event, cause)| Upcoming {
        at,
        event,
        cause,
        effect: effect(quantity, &disables),
        quantity: Some(quantity),
        disables: disables.clone(),
    };
    causes.into_iter().map(entry).collect()
}

fn effect(step: Step, disables: &[String]) -> String {
    let Step { feature, from, to } = step;
    match disables {
        [] if from == to => format!("{feature} stays at {to}"),
        [] => format!("{feature} goes from {from} to {to}"),
        [one] => format!("{feature} goes from {from} to {to}; extension {one} is disabled"),
        [first, .., last] => {
            let count = disables.len();
            format!("{feature} goes from {from} to {to}; {count} extensions are disabled, {first} to {last}")
        }
    }
}

/// The requests that take effect with this step.
fn requests(situation: &Situation, feature: Feature, before: &Standing, after: &Standing) -> Vec<(Event, String)> {
    let applied = |standing: &Standing, id: &str| matches!(standing.requests.get(id), Some(Verdict::Applied { .. }));
    let now_due = |change: &&Change| {
        change.service == Item::Feature(feature) && applied(after, &change.id) && !applied(before, &change.id)
    };
    let mut all: Vec<_> = situation.facts.changes.iter().filter(now_due).map(request).collect();
    all.sort();
    all.dedup();
    all
}

fn request(change: &Change) -> (Event, String) {
    match change.ask {
        Ask::Decrease { new_quantity } => {
            (Event::Decrease, format!("request {}: a decrease to {new_quantity}", change.id))
        }
        Ask::Unsubscribe => (Event::Unsubscription, format!("request {}: the service is unsubscribed", change.id)),
    }
}

/// The grants that begin or run out with this step. A trial that is bought instead is no end of its own.
fn grants(situation: &Situation, feature: Feature, before: &Standing, after: &Standing) -> Vec<(Event, String)> {
    let of = |id: &&String| situation.facts.grants.iter().find(|grant| grant.id == **id && grant.feature == feature);
    let begun = || after.in_force.difference(&before.in_force).filter(|id| of(id).is_some());
    let over = |term| before.in_force.difference(&after.in_force).any(|id| of(&id).is_some_and(|g| g.term == term));
    let bought = begun().any(|id| of(&id).is_some_and(|grant| grant.term == Term::Paid));
    let mut all = Vec::new();
    if over(Term::Trial) && !bought {
        all.push((Event::FeatureTrialEnd, format!("the trial of {feature} is over")));
    }
    if over(Term::Promotion) {
        all.push((Event::PromotionEnd, "a promotion is over".to_owned()));
    }
    all.extend(begun().map(|id| (Event::Grant, format!("grant {id} begins, which was made ahead"))));
    all
}
