//! From objects to facts: what was written counts, first sights are recorded, and what is on record stands.

mod documentation;
mod instances;
mod licences;

use ecqx_domain::{feature::Feature, item::Item};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::ObjectMeta;
use serde_json::{Value, json};

use super::*;
use crate::{EcqxInstanceSpec, EcqxInstanceStatus, LicenseSetStatus};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn settings(json: &Value) -> Settings {
    Settings::parse(&json.to_string()).unwrap()
}

fn defaults() -> Settings {
    settings(&json!({}))
}

/// A licence set of these facts and of what is on record of them.
#[allow(clippy::needless_pass_by_value)] // reads better with `json!` in place
fn licenses(grants: Value, changes: Value, status: Value) -> LicenseSet {
    let spec = serde_json::from_value(json!({ "grants": grants, "changes": changes })).unwrap();
    let status: LicenseSetStatus = serde_json::from_value(status).unwrap();
    LicenseSet { metadata: ObjectMeta::default(), spec, status: Some(status) }
}

fn standing(set: &LicenseSet, now: &str) -> Standing {
    let settings = defaults();
    ledger::standing(&facts_of(set, &settings.calendar, at(now)), &settings.catalogue, at(now))
}

/// Recording ports at an instant.
fn ports(set: &LicenseSet, now: &str) -> u32 {
    standing(set, now).entitlements.quantity(Feature::CallRecording)
}

/// The set with what an operator records that looks at `now`.
fn recorded(set: &LicenseSet, now: &str) -> LicenseSet {
    let settings = defaults();
    let facts = facts_of(set, &settings.calendar, at(now));
    let standing = ledger::standing(&facts, &settings.catalogue, at(now));
    let grants = facts.grants.iter().map(|grant| GrantRecord {
        id: grant.id.clone(),
        counts_from: MicroTime(grant.granted_at.unwrap()),
        until: grant.until.map(Time),
        state: match standing.in_force.contains(&grant.id) {
            true => GrantState::InForce,
            false if grant.granted_at.unwrap() > at(now) => GrantState::Waiting,
            false => GrantState::Ended,
        },
    });
    let changes = facts.changes.iter().map(|change| ChangeRecord {
        id: change.id.clone(),
        requested_at: MicroTime(change.requested_at),
        effective_at: Time(change.effective_at),
        cancelled_at: change.cancelled_at.map(MicroTime),
        verdict: match standing.requests.get(&change.id) {
            None => Verdict::NotYetMade,
            Some(ledger::Verdict::Pending { .. }) => Verdict::Pending,
            Some(ledger::Verdict::Applied { .. }) => Verdict::Applied,
            Some(ledger::Verdict::Cancelled { .. }) => Verdict::Cancelled,
            Some(ledger::Verdict::Replaced { .. }) => Verdict::Replaced,
            Some(ledger::Verdict::Refused(_)) => Verdict::Refused,
            Some(ledger::Verdict::Void) => Verdict::Void,
        },
        reduction: None,
        message: None,
    });
    let status =
        LicenseSetStatus { grants: grants.collect(), changes: changes.collect(), ..LicenseSetStatus::default() };
    LicenseSet { status: Some(status), ..set.clone() }
}
