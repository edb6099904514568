//! What is on record of each fact: dates at the first sight, and what became of it. Pure.

use std::collections::BTreeMap;

use ecqx_crds::{
    Change, ChangeKind, ChangeRecord, Grant, GrantRecord, GrantState, LicenseSet, LicenseSetStatus, Verdict,
    facts::facts_of,
};
use ecqx_domain::{
    calendar,
    ledger::{self, Facts, Standing, Term},
    settings::Settings,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

use super::feature_trials::FeatureTrial;
use crate::context::to_the_microsecond;

/// The set with a record of each fact: the dates that are on record, and those of what is seen for the first time.
pub(super) fn with_first_sights(
    licenses: &LicenseSet,
    trials: &BTreeMap<String, FeatureTrial>,
    settings: &Settings,
    now: Timestamp,
) -> LicenseSet {
    let now = to_the_microsecond(now);
    let seen = Seen::of(licenses, settings, now);
    let status = licenses.status.clone().unwrap_or_default();
    let grants: BTreeMap<&str, &GrantRecord> =
        status.grants.iter().map(|record| (record.id.as_str(), record)).collect();
    let changes: BTreeMap<&str, &ChangeRecord> =
        status.changes.iter().map(|record| (record.id.as_str(), record)).collect();
    let grant = |grant: &Grant| {
        let trial = trials.get(&grant.id);
        grant_record(grant, grants.get(grant.id.as_str()).copied(), trial, seen.grant(&grant.id))
    };
    let change = |change: &Change| {
        let record = changes.get(change.id.as_str()).copied();
        change_record(change, record, settings, seen.change(&change.id))
    };
    let recorded = LicenseSetStatus {
        grants: licenses.spec.grants.iter().map(grant).collect(),
        changes: licenses.spec.changes.iter().map(change).collect(),
        ..status.clone()
    };
    LicenseSet { status: Some(recorded), ..licenses.clone() }
}

/// When each fact was first seen: as it is on record, or now. A record of a clock that was ahead is put right: a first sight lies
/// in the past, and before what was seen after it.
struct Seen {
    facts: Facts,
    now: Timestamp,
}

impl Seen {
    fn of(licenses: &LicenseSet, settings: &Settings, now: Timestamp) -> Self {
        Self { facts: facts_of(licenses, &settings.calendar, now), now }
    }

    fn grant(&self, id: &str) -> Timestamp {
        let fact = self.facts.grants.iter().find(|grant| grant.id == id);
        fact.and_then(|grant| grant.granted_at).map_or(self.now, to_the_microsecond)
    }

    /// When it was asked, and taken back.
    fn change(&self, id: &str) -> (Timestamp, Timestamp) {
        let fact = self.facts.changes.iter().find(|change| change.id == id);
        let requested_at = fact.map_or(self.now, |change| change.requested_at);
        let cancelled_at = fact.and_then(|change| change.cancelled_at).unwrap_or(self.now);
        (to_the_microsecond(requested_at), to_the_microsecond(cancelled_at))
    }
}

fn grant_record(
    grant: &Grant,
    record: Option<&GrantRecord>,
    trial: Option<&FeatureTrial>,
    first_seen: Timestamp,
) -> GrantRecord {
    // A trial whose turn has not come is no fact yet, and keeps its record.
    let waits = |record: &&GrantRecord| matches!(record.state, GrantState::Waiting | GrantState::Refused);
    let recorded = record.filter(waits).map(|record| record.counts_from.clone());
    let counts_from = grant.granted_at.clone().or(recorded).map_or(first_seen, |at| to_the_microsecond(at.0));
    // A trial began when its claim says, also where its grant was written anew: what was bought since has ended it.
    let counts_from = match trial {
        Some(FeatureTrial::Held(Some(trial))) => counts_from.min(trial.started_at),
        _ => counts_from,
    };
    let counts_from = MicroTime(counts_from);
    let ended = record.is_some_and(|record| record.state == GrantState::Ended);
    let (until, state) = match (grant.term, trial) {
        (Term::Trial, None) => (None, GrantState::Waiting),
        (Term::Trial, Some(FeatureTrial::Used(_))) => (None, GrantState::Refused),
        (Term::Trial, Some(FeatureTrial::Held(trial))) => (trial.map(|trial| trial.ends_at), GrantState::InForce),
        (Term::Promotion, _) => (promotion_end(grant, record, counts_from.0), GrantState::InForce),
        (Term::Paid, _) => (None, GrantState::InForce),
    };
    let state = if ended && state == GrantState::InForce { GrantState::Ended } else { state };
    GrantRecord { id: grant.id.clone(), counts_from, until: until.map(Time), state }
}

/// The end of a promotion stands as it was recorded.
fn promotion_end(grant: &Grant, record: Option<&GrantRecord>, counts_from: Timestamp) -> Option<Timestamp> {
    let recorded = record.and_then(|record| record.until.as_ref()).map(|until| until.0);
    let lasts = grant.days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
    recorded.or_else(|| lasts.map(|lasts| counts_from.checked_add(lasts).unwrap_or(Timestamp::MAX)))
}

fn change_record(
    change: &Change,
    record: Option<&ChangeRecord>,
    settings: &Settings,
    (requested_at, cancelled_at): (Timestamp, Timestamp),
) -> ChangeRecord {
    let written = |at: &MicroTime| to_the_microsecond(at.0);
    let requested_at = MicroTime(change.requested_at.as_ref().map_or(requested_at, written));
    let kind = match change.kind {
        ChangeKind::Decrease => calendar::ChangeKind::Decrease,
        ChangeKind::Unsubscribe => calendar::ChangeKind::Unsubscribe,
    };
    let effective_at = record.map(|record| record.effective_at.clone());
    let effective_at = effective_at.unwrap_or_else(|| Time(settings.calendar.effective(requested_at.0, kind)));
    // One that came too late is no fact, and keeps its record.
    let recorded = record.filter(|record| record.verdict == Verdict::Applied).and_then(|r| r.cancelled_at.clone());
    let cancelled_at = change.cancelled_at.clone().or(recorded).map_or(cancelled_at, |at| written(&at));
    let cancelled_at = change.cancelled.then_some(MicroTime(cancelled_at));
    ChangeRecord {
        id: change.id.clone(),
        requested_at,
        effective_at,
        cancelled_at,
        verdict: record.map_or(Verdict::NotYetMade, |record| record.verdict),
        reduction: None,
        message: None,
    }
}

/// The records with what became of each fact at `now`.
pub(super) fn judged(mut status: LicenseSetStatus, standing: &Standing, now: Timestamp) -> LicenseSetStatus {
    for record in &mut status.grants {
        record.state = match record.state {
            GrantState::Refused | GrantState::Waiting => record.state,
            _ if standing.in_force.contains(&record.id) => GrantState::InForce,
            _ if record.counts_from.0 > now && record.state != GrantState::Ended => GrantState::Waiting,
            _ => GrantState::Ended,
        };
    }
    for record in &mut status.changes {
        (record.verdict, record.reduction, record.message) = verdict(standing.requests.get(&record.id));
    }
    status
}

fn verdict(verdict: Option<&ledger::Verdict>) -> (Verdict, Option<i64>, Option<String>) {
    let count = |reduction: u64| Some(i64::try_from(reduction).unwrap_or(i64::MAX));
    match verdict {
        None => (Verdict::NotYetMade, None, None),
        Some(ledger::Verdict::Pending { reduction, .. }) => (Verdict::Pending, count(*reduction), None),
        Some(ledger::Verdict::Applied { reduction, .. }) => (Verdict::Applied, count(*reduction), None),
        Some(ledger::Verdict::Cancelled { .. }) => (Verdict::Cancelled, None, None),
        Some(ledger::Verdict::Replaced { by }) => (Verdict::Replaced, None, Some(format!("replaced by {by}"))),
        Some(ledger::Verdict::Refused(refusal)) => (Verdict::Refused, None, Some(refusal.to_string())),
        Some(ledger::Verdict::Void) => {
            (Verdict::Void, None, Some("the instance had ended before it could take effect".to_owned()))
        }
    }
}
