//! Everything that will happen to an instance by itself, and how it will stand at any date. Pure.
//!
//! What is foreseen is what the replay of the ledger and the milestones of the lifecycle will do: nothing is worked out in
//! another way than when its time has come.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    catalogue::Catalogue,
    feature::Feature,
    ledger::{self, Entitlements, Facts, Standing},
    lifecycle::{self, Cause, Life, LifecycleRules, Milestone, Phase, Reached},
};

mod licences;
#[cfg(test)]
mod tests;

/// All that is known of one instance.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// Its dates. That of its end by an unsubscription is read from the facts.
    pub life: Life,
    /// Its licences.
    pub facts: Facts,
    /// The numbers of its configured extensions, in the order in which they are enabled; those beyond the licensed number are
    /// disabled.
    pub extensions: Vec<String>,
    /// Base configuration and maxima.
    pub catalogue: &'a Catalogue,
    /// The provider's decisions.
    pub rules: &'a LifecycleRules,
}

/// What will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Of the instance itself.
    Milestone(Milestone),
    /// A trial of a feature is over.
    FeatureTrialEnd,
    /// A promotion is over.
    PromotionEnd,
    /// Fewer of a feature.
    Decrease,
    /// A feature goes.
    Unsubscription,
    /// More of a feature: a grant with a date that is yet to come.
    Grant,
}

impl Event {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milestone(milestone) => milestone.name(),
            Self::FeatureTrialEnd => "FeatureTrialEnd",
            Self::PromotionEnd => "PromotionEnd",
            Self::Decrease => "Decrease",
            Self::Unsubscription => "Unsubscription",
            Self::Grant => "Grant",
        }
    }
}

/// One thing that will happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// Why, in words: which request, which trial.
    pub cause: String,
    /// What it does, in words.
    pub effect: String,
    /// How a feature's quantity changes with it, all that happens to the feature at that instant taken together.
    pub quantity: Option<Step>,
    /// The extensions that are disabled by it, by number.
    pub disables: Vec<String>,
}

/// A change of what may be used of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Of which.
    pub feature: Feature,
    /// Before.
    pub from: u32,
    /// After.
    pub to: u32,
}

/// How an instance stands at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The instant that it speaks of.
    pub at: Timestamp,
    /// Where the instance stands.
    pub phase: Phase,
    /// Why it takes no calls, if it takes none.
    pub cause: Option<Cause>,
    /// What it is entitled to; while it takes no calls, what it would come back with.
    pub entitlements: Entitlements,
    /// The extensions that are disabled, by number.
    pub disabled: Vec<String>,
    /// Whether its name is in the DNS once its PBX is ready.
    pub resolves: bool,
    /// Whether its name is kept for it.
    pub name_is_kept: bool,
    /// What happens after that.
    pub upcoming: Vec<Upcoming>,
}

/// Everything that will happen after `now`, in order, as the facts stand.
pub fn upcoming(situation: &Situation, now: Timestamp) -> Vec<Upcoming> {
    let steps: Vec<(Timestamp, Standing)> = ledger::transitions(&situation.facts, situation.catalogue, now).collect();
    let stages = stages(situation, now, &steps);
    // With the instance all its licences end: nothing happens to them by themselves after that.
    let end = stages.iter().find_map(Stage::end).unwrap_or(Timestamp::MAX);
    let mut all: Vec<Upcoming> = stages.iter().flat_map(|stage| stage.milestones(situation)).collect();
    all.extend(licences::upcoming(situation, now, &steps).into_iter().filter(|upcoming| upcoming.at < end));
    all.sort_by_key(|upcoming| (upcoming.at, upcoming.event));
    // Two reminders that are late come at one instant, as one.
    all.dedup();
    all
}

/// A time in which the ledger says the same of the instance's end. At `until` it says something else already, and what would have
/// come at that very instant is for the next stage to say.
struct Stage {
    life: Life,
    from: Timestamp,
    until: Timestamp,
    /// What had come before it.
    come: BTreeSet<Reached>,
}

impl Stage {
    /// When the instance ends, if that is in this time or before it.
    fn end(&self) -> Option<Timestamp> {
        let (at, _) = self.life.end().filter(|(at, _)| *at < self.until || self.life.ended(self.from).is_some())?;
        Some(at)
    }

    /// What comes in this time; at its beginning, what had no date before.
    fn milestones(&self, situation: &Situation) -> Vec<Upcoming> {
        let ahead = self.life.foreseen(situation.rules).into_iter();
        let here = ahead.filter(|ahead| !self.come.contains(ahead) && ahead.at < self.until);
        here.map(|ahead| milestone(&self.life, ahead.milestone, ahead.at.max(self.from))).collect()
    }
}

/// The times from `now` on, each with the life as the ledger's standing then has it: an unsubscription of the ecQX can have a
/// date that is yet to come.
fn stages(situation: &Situation, now: Timestamp, steps: &[(Timestamp, Standing)]) -> Vec<Stage> {
    let standing = ledger::standing(&situation.facts, situation.catalogue, now);
    let life = life_under(situation, &standing);
    let mut come = come(&life, situation.rules, now);
    let mut stage = Stage { life, from: now, until: Timestamp::MAX, come: come.clone() };
    let mut all = Vec::new();
    for (at, standing) in steps {
        let then = life_under(situation, standing);
        if then.unsubscribed_at != stage.life.unsubscribed_at {
            come.extend(self::come(&stage.life, situation.rules, before(*at)));
            let next = Stage {
                life: Life { reached: come.clone(), ..then },
                from: *at,
                until: Timestamp::MAX,
                come: come.clone(),
            };
            all.push(Stage { until: *at, ..std::mem::replace(&mut stage, next) });
        }
    }
    all.push(stage);
    all
}

/// The last instant before another.
fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

/// What has come of what is foreseen.
fn come(life: &Life, rules: &LifecycleRules, now: Timestamp) -> BTreeSet<Reached> {
    let past = life.foreseen(rules).into_iter().filter(|foreseen| foreseen.at <= now);
    past.chain(life.reached(rules, now)).collect()
}

fn life_under(situation: &Situation, standing: &Standing) -> Life {
    Life { unsubscribed_at: standing.ended_at.or(standing.ends_at), ..situation.life.clone() }
}

/// How the instance will stand at `at`, if nobody does anything.
pub fn forecast(situation: &Situation, at: Timestamp) -> Forecast {
    let (facts, rules) = (&situation.facts, situation.rules);
    let standing = ledger::standing(facts, situation.catalogue, at);
    let life = life_under(situation, &standing);
    let phase = life.phase(rules, at);
    Forecast {
        at,
        phase,
        cause: life.out_of_service(rules, at).map(|out| out.cause),
        disabled: disabled(&situation.extensions, &standing.entitlements),
        entitlements: standing.entitlements,
        resolves: phase.in_service(),
        name_is_kept: !life.name_is_released(rules, at),
        upcoming: upcoming(situation, at),
    }
}

/// The instant of what happens next.
pub fn next_transition(situation: &Situation, now: Timestamp) -> Option<Timestamp> {
    let life = life_under(situation, &ledger::standing(&situation.facts, situation.catalogue, now));
    let life = lifecycle::next_transition(&life, situation.rules, now).map(|reached| reached.at);
    let ledger = ledger::next_transition(&situation.facts, situation.catalogue, now);
    [life, ledger].into_iter().flatten().min()
}

fn disabled(extensions: &[String], entitlements: &Entitlements) -> Vec<String> {
    let enabled = usize::try_from(entitlements.quantity(Feature::IpPhoneExtension)).unwrap_or(usize::MAX);
    extensions.iter().skip(enabled).cloned().collect()
}

/// The extensions that are enabled before and not after.
fn newly_disabled(extensions: &[String], before: &Entitlements, after: &Entitlements) -> Vec<String> {
    let already: BTreeSet<String> = disabled(extensions, before).into_iter().collect();
    disabled(extensions, after).into_iter().filter(|number| !already.contains(number)).collect()
}

fn milestone(life: &Life, milestone: Milestone, at: Timestamp) -> Upcoming {
    let (cause, effect) = words(life, milestone);
    Upcoming {
        at,
        event: Event::Milestone(milestone),
        cause,
        effect: effect.to_owned(),
        quantity: None,
        disables: Vec::new(),
    }
}

fn words(life: &Life, milestone: Milestone) -> (String, &'static str) {
    let end = match life.end() {
        Some((at, Cause::TrialEnded)) => format!("the trial ends at {at}"),
        Some((at, _)) => format!("the ecQX is unsubscribed from {at} on"),
        None => "the instance is out of service".to_owned(),
    };
    let overdue = || match life.payment_failed_at {
        Some(at) => format!("a payment has been overdue since {at}"),
        None => "a payment is overdue".to_owned(),
    };
    match milestone {
        Milestone::TrialReminder => (end, "the reseller is reminded to convert the trial with a paid order"),
        Milestone::TrialEnd => (
            "the trial is over unless a paid order converts it".to_owned(),
            "no new calls, calls in progress may finish; the name leaves the DNS; data and name are kept",
        ),
        Milestone::InstanceEnd => (
            "the ecQX was unsubscribed".to_owned(),
            "no new calls, calls in progress may finish; the name leaves the DNS; data and name are kept",
        ),
        Milestone::GraceEnd => (
            overdue(),
            "the instance is suspended: no new calls, the name leaves the DNS; data and name are kept; payment resumes it",
        ),
        Milestone::DrainDeadline => {
            ("calls may finish until then".to_owned(), "calls still in progress are ended and the pod goes")
        }
        Milestone::DeletionNotice => (end, "the deletion of the data is announced once more"),
        Milestone::RetentionEnd => {
            (end, "the time for which data was promised to be kept is over; a trial can no longer be converted")
        }
        Milestone::DataDeletion => (end, "the data is deleted: voicemail, recordings, settings"),
        Milestone::NameRelease => (end, "others may take the host name"),
    }
}
