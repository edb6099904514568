//! What is told of requests for less, as JSON. Pure.

use ecqx_crds::{ChangeKind, Upcoming, Verdict};
use ecqx_domain::{
    foresight::{self, Situation},
    item::Item,
    ledger::{self, Standing},
    settings::Settings,
};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{MicroTime, Time},
    jiff::Timestamp,
};
use serde::Serialize;

use super::{
    super::{
        InstanceError, Seen,
        view::{self, Identity},
    },
    judge,
};

/// One request, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    id: String,
    service: Item,
    kind: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_quantity: Option<i32>,
    requested_at: MicroTime,
    effective_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<MicroTime>,
    verdict: Verdict,
    /// By how much the paid quantity falls, or fell.
    #[serde(skip_serializing_if = "Option::is_none")]
    reduction: Option<u64>,
    /// Why it was refused, what replaced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// What is told of one request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Of when the facts are.
    as_of: MicroTime,
    instance: Identity,
    change: Change,
    /// The pending request whose place it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// What it does, in the form of `status.upcoming`: all that is to come because of it, or otherwise than without it.
    effects: Vec<Upcoming>,
}

/// All requests of an instance.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Of when the facts are.
    as_of: MicroTime,
    instance: Identity,
    /// In the order in which they were made.
    changes: Vec<Change>,
}

impl Told {
    /// Of a request that is there.
    pub(super) fn of(seen: &Seen, id: &str, settings: &Settings, now: Timestamp) -> Result<Self, InstanceError> {
        let mut licenses = seen.licenses();
        licenses.spec.changes.retain(|change| change.id != id);
        Self::adding(&seen.with(licenses), seen, id, settings, now)
    }

    /// Of a request that is there in `after` and not `before`.
    pub(super) fn adding(
        before: &Seen,
        after: &Seen,
        id: &str,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, InstanceError> {
        let made = judge::made(after, id).ok_or(InstanceError::ChangeUnknown)?;
        let (was, is) = (before.situation(settings, now), after.situation(settings, now));
        let standing = ledger::standing(&is.facts, &settings.catalogue, now);
        let already = foresight::upcoming(&was, now);
        let mut effects = foresight::upcoming(&is, now);
        effects.retain(|upcoming| !already.contains(upcoming));
        Ok(Self {
            as_of: MicroTime(now),
            instance: Identity::of(&after.instance, settings),
            change: Change::of(made, &is, &standing).ok_or(InstanceError::ChangeUnknown)?,
            replaces: replaced(&was, &standing, settings, id, now),
            effects: view::upcoming(effects),
        })
    }
}

/// The request that was pending without this one, and is replaced by it.
fn replaced(was: &Situation, is: &Standing, settings: &Settings, id: &str, now: Timestamp) -> Option<String> {
    let before = ledger::standing(&was.facts, &settings.catalogue, now).requests;
    let pending = |id: &String| matches!(before.get(id), Some(ledger::Verdict::Pending { .. }));
    let by_it = |verdict: &ledger::Verdict| matches!(verdict, ledger::Verdict::Replaced { by } if by == id);
    is.requests.iter().find(|(other, verdict)| by_it(verdict) && pending(other)).map(|(other, _)| other.clone())
}

impl Listed {
    pub(super) fn of(seen: &Seen, settings: &Settings, now: Timestamp) -> Self {
        let situation = seen.situation(settings, now);
        let standing = ledger::standing(&situation.facts, &settings.catalogue, now);
        let made = seen.licenses().spec.changes;
        let mut changes: Vec<Change> =
            made.iter().filter_map(|change| Change::of(change, &situation, &standing)).collect();
        changes.sort_by(|a, b| (a.requested_at.0, &a.id).cmp(&(b.requested_at.0, &b.id)));
        Self { as_of: MicroTime(now), instance: Identity::of(&seen.instance, settings), changes }
    }
}

impl Change {
    fn of(made: &ecqx_crds::Change, situation: &Situation, standing: &Standing) -> Option<Self> {
        let fact = situation.facts.changes.iter().find(|fact| fact.id == made.id)?;
        let verdict = standing.requests.get(&made.id);
        Some(Self {
            id: made.id.clone(),
            service: made.service,
            kind: made.kind,
            new_quantity: made.new_quantity,
            requested_at: MicroTime(fact.requested_at),
            effective_at: Time(fact.effective_at),
            cancelled_at: fact.cancelled_at.map(MicroTime),
            verdict: verdict.map_or(Verdict::NotYetMade, wire),
            reduction: match verdict {
                Some(ledger::Verdict::Pending { reduction, .. } | ledger::Verdict::Applied { reduction, .. }) => {
                    Some(*reduction)
                }
                _ => None,
            },
            message: match verdict {
                Some(
                    said @ (ledger::Verdict::Refused(_) | ledger::Verdict::Replaced { .. } | ledger::Verdict::Void),
                ) => Some(words(said)),
                _ => None,
            },
        })
    }
}

fn wire(verdict: &ledger::Verdict) -> Verdict {
    match verdict {
        ledger::Verdict::Refused(_) => Verdict::Refused,
        ledger::Verdict::Pending { .. } => Verdict::Pending,
        ledger::Verdict::Applied { .. } => Verdict::Applied,
        ledger::Verdict::Cancelled { .. } => Verdict::Cancelled,
        ledger::Verdict::Replaced { .. } => Verdict::Replaced,
        ledger::Verdict::Void => Verdict::Void,
    }
}

/// What became of a request, in words.
pub(super) fn words(verdict: &ledger::Verdict) -> String {
    match verdict {
        ledger::Verdict::Refused(refusal) => format!("it was refused: {refusal}"),
        ledger::Verdict::Pending { effective_at, .. } => format!("it takes effect at {effective_at}"),
        ledger::Verdict::Applied { at, .. } => format!("it took effect at {at}"),
        ledger::Verdict::Cancelled { at } => format!("it was cancelled at {at}"),
        ledger::Verdict::Replaced { by } => format!("request {by} took its place"),
        ledger::Verdict::Void => "the instance ended before it could take effect".to_owned(),
    }
}
