//! What will happen to an instance's licences: the steps of the ledger's replay, with the fact behind each. Pure.

use jiff::Timestamp;

use super::{Event, Situation, Step, Upcoming, newly_disabled};
use crate::{
    feature::Feature,
    item::Item,
    ledger::{self, Ask, Change, Entitlement, Standing, Verdict},
};

/// Everything that changes what may be used after `now`, in order.
pub(super) fn upcoming(situation: &Situation, now: Timestamp) -> Vec<Upcoming> {
    let mut before = ledger::standing(&situation.facts, situation.catalogue, now);
    let mut all = Vec::new();
    for (at, after) in ledger::transitions(&situation.facts, situation.catalogue, now) {
        for feature in Feature::ALL {
            all.extend(of_feature(situation, feature, at, &before, &after));
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
    causes.extend(grants(feature, was, is));
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

/// The grants that begin or run out with this step.
fn grants(feature: Feature, was: &Entitlement, is: &Entitlement) -> Vec<(Event, String)> {
    let rises = is.sum() > was.sum();
    let paid_instead = is.paid > was.paid && is.trial < was.trial;
    let of = |event, holds: bool, words: &str| holds.then(|| (event, words.to_owned()));
    [
        of(Event::FeatureTrialEnd, is.trial < was.trial && !paid_instead, &format!("the trial of {feature} is over")),
        of(Event::PromotionEnd, is.promotion < was.promotion, "a promotion is over"),
        of(Event::Grant, rises || paid_instead, "a grant begins that was made ahead"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
