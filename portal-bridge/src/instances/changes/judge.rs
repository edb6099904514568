//! What a request would come to, asked of the ledger before anything is written. Pure.

use ecqx_crds::Change;
use ecqx_domain::{
    ledger::{self, Refusal, Verdict},
    settings::Settings,
};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};

use super::{super::Seen, Asked, InstanceError, view::words};

/// The request of that id, as it is written.
pub(super) fn made<'a>(seen: &'a Seen, id: &str) -> Option<&'a Change> {
    seen.licenses.as_ref().and_then(|licenses| licenses.spec.changes.iter().find(|change| change.id == id))
}

/// What became of the request at `now`; none before its time.
pub(super) fn verdict(seen: &Seen, id: &str, settings: &Settings, now: Timestamp) -> Option<Verdict> {
    let facts = seen.situation(settings, now).facts;
    ledger::standing(&facts, &settings.catalogue, now).requests.remove(id)
}

/// The instance with the request made now; none if another one of this very microsecond would count as the later of the two.
pub(super) fn request(
    seen: &Seen,
    asked: &Asked,
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<Seen>, InstanceError> {
    let mut licenses = seen.licenses();
    licenses.spec.changes.push(asked.made_at(now));
    let with_it = seen.with(licenses);
    if with_it.situation(settings, now).life.ended(now).is_some() {
        return Err(Refusal::Ended.into());
    }
    let reduction = match verdict(&with_it, &asked.id, settings, now) {
        Some(Verdict::Refused(refusal)) => return Err(refusal.into()),
        Some(Verdict::Replaced { .. }) => return Ok(None),
        verdict => reduction(verdict.as_ref()),
    };
    // A grant without a time that is not on record counts from its first sight: a moment later that would be after the
    // request, which would then be measured against other quantities than now.
    let later = now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now);
    let holds =
        reduction.is_some() && reduction == self::reduction(verdict(&with_it, &asked.id, settings, later).as_ref());
    if holds { Ok(Some(with_it)) } else { Err(InstanceError::NotRecorded) }
}

fn reduction(verdict: Option<&Verdict>) -> Option<u64> {
    match verdict {
        Some(Verdict::Pending { reduction, .. } | Verdict::Applied { reduction, .. }) => Some(*reduction),
        _ => None,
    }
}

/// The instance with the request taken back now; none if it is already.
pub(super) fn cancel(
    seen: &Seen,
    id: &str,
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<Seen>, InstanceError> {
    let made = made(seen, id).ok_or(InstanceError::ChangeUnknown)?;
    match verdict(seen, id, settings, now) {
        Some(Verdict::Cancelled { .. }) => return Ok(None),
        None if made.cancelled => return Ok(None),
        Some(Verdict::Pending { .. }) | None => {}
        Some(other) => return Err(InstanceError::NotPending(words(&other))),
    }
    let mut licenses = seen.licenses();
    for change in licenses.spec.changes.iter_mut().filter(|change| change.id == id) {
        (change.cancelled, change.cancelled_at) = (true, Some(MicroTime(now)));
    }
    Ok(Some(seen.with(licenses)))
}
