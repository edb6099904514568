//! From the kinds, with what is on record in their status, to the facts that the domain works with. Pure.
//!
//! What somebody wrote counts as it was written. Where a time was left out the first sight counts, which the operator records
//! in the status; until it has, that is now. A first sight lies in the past, whatever a clock said that was wrong then.

use std::collections::BTreeSet;

use ecqx_domain::{
    calendar::{self, Calendar},
    feature::Feature,
    foresight::Situation,
    ledger::{self, Ask, Facts, Standing, Term},
    lifecycle::{self, Cause, Life, Reached},
    order::OrderTerm,
    settings::Settings,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    Change, ChangeKind, ChangeRecord, EcqxInstance, Grant, GrantRecord, GrantState, InstanceTerm, LicenseSet, Verdict,
};

/// The number of the first extension where the spec lists none.
pub const FIRST_EXTENSION: u32 = 101;

/// The facts of a licence set.
pub fn facts_of(licenses: &LicenseSet, calendar: &Calendar, now: Timestamp) -> Facts {
    let status = licenses.status.as_ref();
    let grant_record = |id: &str| status.and_then(|status| status.grants.iter().find(|record| record.id == id));
    let change_record = |id: &str| status.and_then(|status| status.changes.iter().find(|record| record.id == id));
    let grants = licenses.spec.grants.iter().filter_map(|grant| grant_of(grant, grant_record(&grant.id), now));
    let changes = licenses.spec.changes.iter();
    Facts {
        grants: grants.collect(),
        changes: changes.map(|change| change_of(change, change_record(&change.id), calendar, now)).collect(),
    }
}

/// What was written, or the first sight: as it is on record, and never later than now.
fn first(written: Option<&Time>, recorded: Option<&Time>, now: Timestamp) -> Timestamp {
    match (written, recorded) {
        (Some(written), _) => written.0,
        (None, Some(recorded)) => recorded.0.min(now),
        (None, None) => now,
    }
}

/// None for a trial that is not on record as this instance's: it counts when it is its turn, and not before.
fn grant_of(grant: &Grant, record: Option<&GrantRecord>, now: Timestamp) -> Option<ledger::Grant> {
    let granted_at = first(grant.granted_at.as_ref(), record.map(|record| &record.counts_from), now);
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

fn change_of(change: &Change, record: Option<&ChangeRecord>, calendar: &Calendar, now: Timestamp) -> ledger::Change {
    let requested_at = first(change.requested_at.as_ref(), record.map(|record| &record.requested_at), now);
    let (kind, ask) = match change.kind {
        ChangeKind::Unsubscribe => (calendar::ChangeKind::Unsubscribe, Ask::Unsubscribe),
        ChangeKind::Decrease => {
            let new_quantity = change.new_quantity.and_then(|quantity| u32::try_from(quantity).ok()).unwrap_or(0);
            (calendar::ChangeKind::Decrease, Ask::Decrease { new_quantity })
        }
    };
    let applied = record.is_some_and(|record| record.verdict == Verdict::Applied);
    let effective_at = record.map_or_else(|| calendar.effective(requested_at, kind), |record| record.effective_at.0);
    let cancelled_at = || first(change.cancelled_at.as_ref(), record.and_then(|r| r.cancelled_at.as_ref()), now);
    ledger::Change {
        requested_at,
        id: change.id.clone(),
        service: change.service,
        ask,
        effective_at,
        // What is on record as done is done: nobody takes it back with a date of the past.
        cancelled_at: (change.cancelled && !applied).then(cancelled_at),
        taken: applied && effective_at > now,
    }
}

/// The dates of an instance whose licences stand as given.
pub fn life_of(instance: &EcqxInstance, licences: &Standing, now: Timestamp) -> Life {
    let spec = &instance.spec;
    // As it will be recorded: what is worked out before and after that has to be the same.
    let whole_second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let status = instance.status.clone().unwrap_or_default();
    let since = status.out_of_service.as_ref().filter(|out| out.cause == Cause::Provider.name()).map(|out| &out.since);
    let reached = |milestone: &crate::Milestone| {
        let what = lifecycle::Milestone::from_name(&milestone.what)?;
        Some(Reached { at: milestone.at.0, milestone: what })
    };
    Life {
        term: match spec.term {
            InstanceTerm::Trial => OrderTerm::Trial,
            InstanceTerm::Paid => OrderTerm::Paid,
        },
        trial: status
            .trial
            .as_ref()
            .map(|trial| lifecycle::Trial { started_at: trial.started_at.0, ends_at: trial.ends_at.0 }),
        unsubscribed_at: licences.ended_at.or(licences.ends_at),
        payment_failed_at: spec.payment_failed_at.as_ref().map(|at| at.0),
        suspended_at: spec.suspended.then(|| first(None, since, whole_second)),
        data_deletion_at: status.data_deletion_at.as_ref().map(|at| at.0),
        reached: status.reached.iter().filter_map(reached).collect::<BTreeSet<_>>(),
    }
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
        extensions: extension_numbers(instance, standing.entitlements.quantity(Feature::IpPhoneExtension)),
        facts,
        catalogue: &settings.catalogue,
        rules: &settings.lifecycle,
    }
}

/// The configured extensions, in the order in which they are enabled: those listed, or numbers from 101 up, as many as are
/// licensed and as were disabled before.
fn extension_numbers(instance: &EcqxInstance, licensed: u32) -> Vec<String> {
    let listed = &instance.spec.pbx.extensions;
    if !listed.is_empty() {
        let mut numbers: Vec<String> = listed.iter().map(|extension| extension.number.clone()).collect();
        numbers.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        return numbers;
    }
    let disabled = instance.status.as_ref().map_or(0, |status| status.disabled_extensions.len());
    let count = licensed.saturating_add(u32::try_from(disabled).unwrap_or(u32::MAX)).min(3000);
    (0..count).map(|index| (FIRST_EXTENSION + index).to_string()).collect()
}
