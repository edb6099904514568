//! What is said of an instance's life: phase, dates, what has happened and what is to come. Pure.

use ecqx_crds::{
    EcqxInstanceStatus, OutOfService, TrialPeriod,
    condition::{self, reason},
};
use ecqx_domain::{lifecycle, lifecycle::Cause, order::OrderTerm};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Finding, finding};
use crate::{context::whole_seconds, validate::ValidatedInstance};

/// The most entries of `status.upcoming`.
const MOST_UPCOMING: usize = 50;

/// Puts the life into the status.
pub(super) fn tell(status: EcqxInstanceStatus, instance: &ValidatedInstance, now: Timestamp) -> EcqxInstanceStatus {
    let life = &instance.life;
    let deleted = life.data_is_due && !instance.runs;
    EcqxInstanceStatus {
        phase: Some(life.phase.into()),
        trial: life
            .facts
            .trial
            .map(|trial| TrialPeriod { started_at: Time(trial.started_at), ends_at: Time(trial.ends_at) }),
        out_of_service: life.out_of_service.map(|out| OutOfService {
            since: Time(whole_seconds(out.since)),
            cause: out.cause.name().to_owned(),
            drain_until: Time(whole_seconds(out.drain_until)),
            noticed_at: life.facts.noticed_at.map(Time),
        }),
        ended_at: life.ended_at.map(Time),
        data_deletion_at: life.data_deletion_at.map(Time),
        name_release_at: life.name_release_at.map(Time),
        data_deleted_at: match status.data_deleted_at {
            _ if life.phase.in_service() => None,
            Some(at) => Some(at),
            None => deleted.then(|| Time(whole_seconds(now))),
        },
        reached: life.reached.iter().map(|reached| (*reached).into()).collect(),
        next_transition: life.next.map(Into::into),
        upcoming: life.upcoming.iter().take(MOST_UPCOMING).cloned().map(Into::into).collect(),
        ..status
    }
}

/// Whether the instance is out of service, and what remains.
pub(super) fn suspended(instance: &ValidatedInstance) -> Finding {
    match &instance.life.out_of_service {
        Some(out) => finding(condition::SUSPENDED, true, reason_of(out.cause), out_of_service(instance, out)),
        None => finding(condition::SUSPENDED, false, reason::ACTIVE, "in service"),
    }
}

/// Of an instance on trial: that it is its reseller's first. One that is not gets no further.
pub(super) fn trial_eligible(instance: &ValidatedInstance) -> Option<Finding> {
    let on_trial = instance.life.facts.term == OrderTerm::Trial;
    let message = "this is the one trial of an ecQX";
    on_trial.then(|| finding(condition::TRIAL_ELIGIBLE, true, reason::FIRST_TRIAL, message))
}

/// The reason of conditions that speak of an instance that is out of service.
pub(super) const fn reason_of(cause: Cause) -> &'static str {
    match cause {
        Cause::Provider => reason::SUSPENDED,
        Cause::Payment => reason::PAYMENT_FAILED,
        Cause::TrialEnded => reason::TRIAL_ENDED,
        Cause::Unsubscribed => reason::UNSUBSCRIBED,
    }
}

/// In words: why, what is left, and what to do.
pub(super) fn out_of_service(instance: &ValidatedInstance, out: &lifecycle::OutOfService) -> String {
    let why = match out.cause {
        Cause::Provider => "suspended by the provider (spec.suspended)".to_owned(),
        Cause::Payment => {
            format!("suspended at {}: a payment is overdue; remove spec.paymentFailedAt when it has come", out.since)
        }
        Cause::TrialEnded => format!("the trial ended at {}; a paid order converts it", out.since),
        Cause::Unsubscribed => format!("the ecQX was unsubscribed from {} on", out.since),
    };
    let what = if instance.runs {
        format!("no new calls; calls in progress may finish until {}", out.drain_until)
    } else {
        "no pod and no name in the DNS; data and host name are kept".to_owned()
    };
    format!("{why}; {what}")
}
