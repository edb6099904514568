//! From the kinds, with what is on record in their status, to the facts that the domain works with. Pure.
//!
//! What somebody wrote counts as it was written. Where a time was left out the first sight counts, which the operator records
//! in the status; until it has, that is now. A first sight lies in the past, whatever a clock said that was wrong then.

use std::collections::{BTreeMap, BTreeSet};

use ecqx_domain::{
    calendar::{self, Calendar},
    feature::Feature,
    foresight::Situation,
    ledger::{self, Ask, Entitlements, Facts, Standing, Term},
    lifecycle::{self, Life, Reached},
    order::OrderTerm,
    settings::Settings,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::{
    Change, ChangeKind, ChangeRecord, EcqxInstance, Grant, GrantRecord, GrantState, InstanceTerm, LicenseSet, Verdict,
};

pub mod numbers;

/// The facts of a licence set.
pub fn facts_of(licenses: &LicenseSet, calendar: &Calendar, now: Timestamp) -> Facts {
    let records = Records::of(licenses);
    let past = Past::of(licenses, &records, now);
    let grants = licenses.spec.grants.iter().filter_map(|grant| grant_of(grant, records.grant(&grant.id), &past));
    let changes = licenses.spec.changes.iter();
    Facts {
        grants: grants.collect(),
        changes: changes.map(|change| change_of(change, records.change(&change.id), calendar, &past)).collect(),
    }
}

/// What is on record of a licence set, by id.
struct Records<'a> {
    grants: BTreeMap<&'a str, &'a GrantRecord>,
    changes: BTreeMap<&'a str, &'a ChangeRecord>,
}

impl<'a> Records<'a> {
    fn of(licenses: &'a LicenseSet) -> Self {
        let (grants, changes) = licenses.status.as_ref().map(|s| (&s.grants[..], &s.changes[..])).unwrap_or_default();
        Self {
            grants: grants.iter().map(|record| (record.id.as_str(), record)).collect(),
            changes: changes.iter().map(|record| (record.id.as_str(), record)).collect(),
        }
    }

    fn grant(&self, id: &str) -> Option<&'a GrantRecord> {
        self.grants.get(id).copied()
    }

    fn change(&self, id: &str) -> Option<&'a ChangeRecord> {
        self.changes.get(id).copied()
    }
}

/// The time of a fact, as it was written or recorded, and whether it is past.
#[derive(Clone, Copy)]
struct Stamp {
    /// None: never seen before.
    at: Option<Timestamp>,
    /// A first sight lies in the past, and so does what is on record as having happened, whatever the clock says now.
    is_past: bool,
}

impl Stamp {
    fn of(written: Option<&MicroTime>, recorded: Option<&MicroTime>, has_happened: bool) -> Self {
        // To the microsecond, as it is recorded: what is worked out anew has to be what is read back.
        let at = written.or(recorded).map(|at| Timestamp::from_microsecond(at.0.as_microsecond()).unwrap_or(at.0));
        Self { at, is_past: written.is_none() || has_happened }
    }

    fn of_grant(grant: &Grant, record: Option<&GrantRecord>) -> Self {
        let counted = record.is_some_and(|record| matches!(record.state, GrantState::InForce | GrantState::Ended));
        Self::of(grant.granted_at.as_ref(), record.map(|record| &record.counts_from), counted)
    }

    fn of_request(change: &Change, record: Option<&ChangeRecord>) -> Self {
        let made = record.is_some_and(|record| record.verdict != Verdict::NotYetMade);
        Self::of(change.requested_at.as_ref(), record.map(|record| &record.requested_at), made)
    }

    fn of_cancelling(change: &Change, record: Option<&ChangeRecord>) -> Self {
        let done = record.is_some_and(|record| record.verdict == Verdict::Cancelled);
        Self::of(change.cancelled_at.as_ref(), record.and_then(|record| record.cancelled_at.as_ref()), done)
    }
}

/// Where the past ends. A clock that was set back finds facts on record that are later than it says: they have happened all
/// the same, and in that order, which decides what a request is measured against. So they move to before now, each a second
/// before the next, and those before them with them where they would be overtaken.
struct Past {
    now: Timestamp,
    moved: BTreeMap<Timestamp, Timestamp>,
}

impl Past {
    fn of(licenses: &LicenseSet, records: &Records, now: Timestamp) -> Self {
        let of_grants = licenses.spec.grants.iter().map(|grant| Stamp::of_grant(grant, records.grant(&grant.id)));
        let of_changes = licenses.spec.changes.iter().flat_map(|change| {
            let record = records.change(&change.id);
            let cancelling = change.cancelled.then(|| Stamp::of_cancelling(change, record));
            [Some(Stamp::of_request(change, record)), cancelling].into_iter().flatten()
        });
        let past = of_grants.chain(of_changes).filter(|stamp| stamp.is_past).filter_map(|stamp| stamp.at);
        Self { now, moved: moved_before(now, &past.collect()) }
    }

    fn time(&self, stamp: Stamp) -> Timestamp {
        let Some(at) = stamp.at else { return self.now };
        if stamp.is_past { self.moved.get(&at).copied().unwrap_or(at) } else { at }
    }
}

/// Those of the instants that have to move, for the latest of them to be before now and their order to stay.
fn moved_before(now: Timestamp, instants: &BTreeSet<Timestamp>) -> BTreeMap<Timestamp, Timestamp> {
    let mut moved = BTreeMap::new();
    if instants.last().is_none_or(|last| *last <= now) {
        return moved;
    }
    let mut latest = now;
    for at in instants.iter().rev() {
        latest = latest.checked_sub(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MIN).min(*at);
        moved.insert(*at, latest);
    }
    moved
}

/// None for a trial that is not on record as this instance's: it counts when it is its turn, and not before.
fn grant_of(grant: &Grant, record: Option<&GrantRecord>, past: &Past) -> Option<ledger::Grant> {
    let granted_at = past.time(Stamp::of_grant(grant, record));
    let waits = |record: &GrantRecord| matches!(record.state, GrantState::Refused | GrantState::Waiting);
    if grant.term == Term::Trial && record.is_none_or(waits) {
        return None;
    }
    let recorded = record.and_then(|record| record.until.as_ref()).map(|until| until.0);
    let lasts = grant.days.filter(|_| grant.term == Term::Promotion).map(|days| hours(24 * i64::from(days)));
    let until = recorded.or_else(|| lasts.map(|lasts| granted_at.checked_add(lasts).unwrap_or(Timestamp::MAX)));
    // What has run out once does not come back when a clock is set back.
    let is_over = record.is_some_and(|record| record.state == GrantState::Ended) && grant.term != Term::Paid;
    Some(ledger::Grant {
        granted_at: Some(granted_at),
        id: grant.id.clone(),
        feature: grant.feature,
        quantity: u32::try_from(grant.quantity).unwrap_or(0),
        term: grant.term,
        until: if is_over { Some(granted_at) } else { until },
    })
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn change_of(change: &Change, record: Option<&ChangeRecord>, calendar: &Calendar, past: &Past) -> ledger::Change {
    let requested_at = past.time(Stamp::of_request(change, record));
    let (kind, ask) = match change.kind {
        ChangeKind::Unsubscribe => (calendar::ChangeKind::Unsubscribe, Ask::Unsubscribe),
        ChangeKind::Decrease => {
            let new_quantity = change.new_quantity.and_then(|quantity| u32::try_from(quantity).ok()).unwrap_or(0);
            (calendar::ChangeKind::Decrease, Ask::Decrease { new_quantity })
        }
    };
    let applied = record.is_some_and(|record| record.verdict == Verdict::Applied);
    let effective_at = record.map_or_else(|| calendar.effective(requested_at, kind), |record| record.effective_at.0);
    let cancelled_at = || past.time(Stamp::of_cancelling(change, record));
    ledger::Change {
        requested_at,
        id: change.id.clone(),
        service: change.service,
        ask,
        effective_at,
        // What is on record as done is done: nobody takes it back with a date of the past.
        cancelled_at: (change.cancelled && !applied).then(cancelled_at),
        taken: applied && effective_at > past.now,
    }
}

/// The dates of an instance whose licences stand as given.
pub fn life_of(instance: &EcqxInstance, licences: &Standing, now: Timestamp) -> Life {
    let spec = &instance.spec;
    let status = instance.status.clone().unwrap_or_default();
    // Whatever took it out of service first: no call has been let in since, so no time to finish calls begins anew.
    let out_since = status.out_of_service.as_ref().map(|out| out.since.0);
    let reached = |milestone: &crate::Milestone| {
        let what = lifecycle::Milestone::from_name(&milestone.what)?;
        Some(Reached { at: milestone.at.0, milestone: what })
    };
    let reached: BTreeSet<Reached> = status.reached.iter().filter_map(reached).collect();
    let life = Life {
        term: match spec.term {
            InstanceTerm::Trial => OrderTerm::Trial,
            InstanceTerm::Paid => OrderTerm::Paid,
        },
        trial: status
            .trial
            .as_ref()
            .map(|trial| lifecycle::Trial { started_at: trial.started_at.0, ends_at: trial.ends_at.0 }),
        unsubscribed_at: licences.ended_at.or(licences.ends_at),
        payment_failed_at: spec.payment_failed_at.as_ref().map(|at| whole_second(at.0)),
        suspended_at: spec.suspended.then(|| suspended_since(out_since, &reached, now)),
        noticed_at: status.out_of_service.as_ref().and_then(|out| out.noticed_at.as_ref()).map(|at| at.0),
        data_deletion_at: status.data_deletion_at.as_ref().map(|at| at.0),
        name_release_at: status.name_release_at.as_ref().map(|at| at.0),
        reached,
    };
    // Announcements belong to the end that is on record with them: another end has a retention and a reservation of its own.
    let ended_at = status.ended_at.as_ref().map(|at| at.0);
    let is_of_this_end = ended_at.is_some() && life.end().map(|(at, _)| at) == ended_at;
    Life {
        data_deletion_at: life.data_deletion_at.filter(|_| is_of_this_end),
        name_release_at: life.name_release_at.filter(|_| is_of_this_end),
        ..life
    }
}

/// A first sight lies in the past; but when the last call is on record as over, a clock that was set back does not bring it back.
fn suspended_since(recorded: Option<Timestamp>, reached: &BTreeSet<Reached>, now: Timestamp) -> Timestamp {
    let is_drained =
        |since| reached.iter().any(|r| r.milestone == lifecycle::Milestone::DrainDeadline && r.at >= since);
    let now = whole_second(now);
    recorded.map_or(now, |since| if is_drained(since) { since } else { since.min(now) })
}

/// As it will be recorded: what is worked out before and after that has to be the same.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// All that is known of an instance, as its objects have it.
pub fn situation_of<'a>(
    instance: &EcqxInstance,
    licenses: Option<&LicenseSet>,
    settings: &'a Settings,
    now: Timestamp,
) -> Situation<'a> {
    let facts = licenses.map(|licenses| facts_of(licenses, &settings.calendar, now)).unwrap_or_default();
    let standing = ledger::standing(&facts, &settings.catalogue, now);
    Situation {
        life: life_of(instance, &standing, now),
        extensions: extension_numbers(instance, &standing.entitlements),
        facts,
        catalogue: &settings.catalogue,
        rules: &settings.lifecycle,
    }
}

/// The configured extensions, in the order in which they are enabled: those listed, or numbers from 101 up, as many as are
/// licensed, and those that are disabled.
fn extension_numbers(instance: &EcqxInstance, entitlements: &Entitlements) -> Vec<String> {
    let listed = &instance.spec.pbx.extensions;
    if !listed.is_empty() {
        let mut numbers: Vec<String> = listed.iter().map(|extension| extension.number.clone()).collect();
        numbers.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        return numbers;
    }
    let disabled: BTreeSet<&str> =
        instance.status.iter().flat_map(|status| &status.disabled_extensions).map(String::as_str).collect();
    // Those below the highest that is disabled were used too.
    let last = disabled.iter().filter_map(|number| number.parse::<u32>().ok()).max().unwrap_or(0);
    let taken = numbers::taken(&instance.spec.pbx, entitlements.quantity(Feature::AudioConference));
    numbers::unlisted(&taken, entitlements.quantity(Feature::IpPhoneExtension), |number| {
        disabled.contains(number) || !taken.contains(number) && number.parse::<u32>().is_ok_and(|number| number <= last)
    })
}

#[cfg(test)]
mod tests;
