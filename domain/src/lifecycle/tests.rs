//! The lifecycle's rules, each as a sentence, and what holds for every life.

mod diagram;
mod model;
mod payments;
mod properties;
pub(crate) mod random;
mod retention;
mod set_back;
mod trials;
mod unsubscribed;

use super::*;

/// When every trial of these tests starts; it ends 30 days later, on 2026-10-01.
const START: &str = "2026-09-01T10:00:00Z";
const END: &str = "2026-10-01T10:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

/// The instant just before.
fn before(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_nanos(1)
}

fn rules() -> LifecycleRules {
    LifecycleDocument::default().try_into().unwrap()
}

/// Where the provider has the data deleted.
fn deleting() -> LifecycleRules {
    LifecycleRules { delete_data: true, ..rules() }
}

fn on_trial() -> Life {
    let trial = Trial { started_at: at(START), ends_at: at(START) + rules().trial };
    Life { trial: Some(trial), ..Life::new(OrderTerm::Trial) }
}

fn paid() -> Life {
    Life::new(OrderTerm::Paid)
}

fn converted(life: &Life) -> Life {
    Life { term: OrderTerm::Paid, ..life.clone() }
}

/// The life as it is on record once its milestones until `now` were seen.
pub(crate) fn seen(life: &Life, rules: &LifecycleRules, now: Timestamp) -> Life {
    let announced = Life { data_deletion_at: life.announced_deletion(rules, now), ..life.clone() };
    Life { reached: announced.reached(rules, now), ..announced }
}

fn milestones(life: &Life) -> Vec<(Timestamp, Milestone)> {
    life.milestones(&rules()).into_iter().map(|reached| (reached.at, reached.milestone)).collect()
}
