//! What holds, as conditions: from what is wanted and what was seen. Pure.

use ecqx_crds::{
    EcqxInstanceStatus,
    condition::{self, reason},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use pbx_contract::AgentStatus;

use crate::{context::whole_seconds, naming::Name, validate::ValidatedInstance};

pub mod held_back;
mod life;
mod names;
mod reach;

/// The most characters of a condition's message.
const LONGEST_MESSAGE: usize = 1000;

/// What one look at the cluster showed of an instance's PBX.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The pod's addresses, once it has some.
    pub addresses: Vec<String>,
    /// True when the kubelet says that the pod is ready.
    pub pod_ready: bool,
    /// What the pod waits for, in words, when it is not ready.
    pub pod_waiting: Option<String>,
    /// What the agent says, when it was reached.
    pub agent: Option<AgentStatus>,
    /// What of the wanted objects the API server refuses, in words.
    pub refused: Option<String>,
    /// Where its name stands; nothing where that cannot be known.
    pub name: Option<Name>,
    /// What is to be done with the pod: whether something is, one word, and for people.
    pub rollout: Option<(bool, &'static str, String)>,
    /// When the records of its name are about to change.
    pub records_change_at: Option<Timestamp>,
}

/// One condition before it has a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which condition.
    pub type_: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// One word.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// A finding, of a condition that holds or does not.
pub fn finding(type_: &'static str, holds: bool, reason: &'static str, message: impl Into<String>) -> Finding {
    Finding { type_, status: if holds { "True" } else { "False" }, reason, message: message.into() }
}

/// The status of an instance that has its name and its objects.
pub fn of_running(
    instance: &ValidatedInstance,
    observed: &Observed,
    previous: &EcqxInstanceStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> EcqxInstanceStatus {
    let applied = licenses_applied(instance, observed);
    let sips = reach::sips(instance, observed, previous.sips);
    let ready = ready(instance, observed, &applied, previous);
    let in_service = ready.status == "True";
    let addresses = if in_service { instance.reach.published(&observed.addresses) } else { Vec::new() };
    let findings = vec![
        ready,
        progress(condition::RECONCILING, instance, observed, &applied),
        stalled(instance, observed),
        reach::configuration(instance),
        rollout(observed),
        name(instance),
        applied,
        held_back::finding_of(&instance.entitlements),
        life::suspended(instance),
    ];
    let sometimes = [
        life::trial_eligible(instance),
        reach::exposed(instance, observed),
        reach::tls(instance, sips),
        names::published(&instance.fqdn, &addresses, observed.name.as_ref(), previous),
    ];
    let findings: Vec<Finding> = findings.into_iter().chain(sometimes.into_iter().flatten()).collect();
    let first_ready_at = previous.first_ready_at.clone().or_else(|| first_ready(instance, in_service, now));
    let status = EcqxInstanceStatus {
        observed_generation: generation,
        unique_id: Some(instance.limits.instance.unique_id.clone()),
        fqdn: Some(instance.fqdn.clone()),
        first_ready_at,
        records_change_at: records_change_at(observed, &addresses),
        addresses,
        sips: in_service && sips,
        limits: limits(instance),
        limits_generation: match observed.refused {
            None => Some(instance.limits.generation.clone()),
            Some(_) => previous.limits_generation.clone(),
        },
        disabled_extensions: instance.disabled().into_iter().map(|e| e.number.clone()).collect(),
        conditions: conditions(&findings, &previous.conditions, generation, now),
        ..previous.clone()
    };
    life::tell(status, instance, now)
}

/// When its records are about to change. Without a name there is nothing to change.
fn records_change_at(observed: &Observed, addresses: &[String]) -> Option<Time> {
    observed.records_change_at.filter(|_| !addresses.is_empty()).map(|at| Time(whole_seconds(at)))
}

/// When the instance was ready for the first time: now, unless its trial tells that it was before.
fn first_ready(instance: &ValidatedInstance, is_ready: bool, now: Timestamp) -> Option<Time> {
    let trial = instance.life.facts.trial.map(|trial| trial.started_at);
    trial.or_else(|| is_ready.then(|| whole_seconds(now))).map(Time)
}

/// The status of an instance that can go no further: what was found out before stays, nothing is published.
pub fn of_stalled(
    why: Vec<Finding>,
    previous: &EcqxInstanceStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> EcqxInstanceStatus {
    let message = why.first().map(|finding| finding.message.clone()).unwrap_or_default();
    let cause = why.first().map_or(reason::APPLY_FAILED, |finding| finding.reason);
    let mut findings = vec![
        finding(condition::READY, false, cause, message.clone()),
        finding(condition::RECONCILING, false, cause, "waiting for a change"),
        finding(condition::STALLED, true, cause, message),
    ];
    findings.extend(why);
    EcqxInstanceStatus {
        observed_generation: generation,
        addresses: Vec::new(),
        sips: false,
        records_change_at: None,
        conditions: conditions(&findings, &previous.conditions, generation, now),
        ..previous.clone()
    }
}

fn licenses_applied(instance: &ValidatedInstance, observed: &Observed) -> Finding {
    let wanted = &instance.limits.generation;
    let (status, reason, message) = match &observed.agent {
        _ if !instance.runs => {
            ("Unknown", reason::SUSPENDED, "no pod runs while the instance is out of service".to_owned())
        }
        None if observed.pod_ready => {
            ("Unknown", reason::NO_ANSWER, "the agent in the pod does not answer the operator".to_owned())
        }
        None => ("Unknown", reason::POD_NOT_READY, "the PBX does not run yet".to_owned()),
        Some(agent) if agent.applied_generation.as_ref() == Some(wanted) => {
            ("True", reason::AS_DESIRED, format!("the PBX runs with limits {wanted}"))
        }
        Some(AgentStatus { problem: Some(problem), .. }) => ("False", reason::LIMITS_REFUSED, problem.clone()),
        Some(_) => ("False", reason::LIMITS_PENDING, format!("limits {wanted} are written and not yet applied")),
    };
    Finding { type_: condition::LICENSES_APPLIED, status, reason, message }
}

fn ready(
    instance: &ValidatedInstance,
    observed: &Observed,
    applied: &Finding,
    previous: &EcqxInstanceStatus,
) -> Finding {
    // Until the PBX has been ready once, nothing is known of it: kstatus reads Unknown as in progress, False as a fault.
    let was_known = previous.conditions.iter().any(|c| c.type_ == condition::READY && c.status != "Unknown");
    let not_ready = if was_known || observed.refused.is_some() { "False" } else { "Unknown" };
    let (status, reason, message) = if let Some(out) = &instance.life.out_of_service {
        ("False", life::reason_of(out.cause), life::out_of_service(instance, out))
    } else if let Some((true, reason::REPLACING, message)) = &observed.rollout {
        (not_ready, reason::REPLACING, message.clone())
    } else if !(observed.pod_ready || was_ready(previous) && goes_on(instance, observed)) {
        match (&observed.refused, &observed.pod_waiting) {
            (Some(refused), _) => (not_ready, reason::APPLY_FAILED, refused.clone()),
            (None, Some(waiting)) => (not_ready, reason::POD_NOT_READY, waiting.clone()),
            (None, None) => (not_ready, reason::POD_NOT_READY, "waiting for the pod".to_owned()),
        }
    } else if instance.reach.published(&observed.addresses).is_empty() {
        (not_ready, reason::AWAITING_ADDRESS, "waiting for the address at which phones reach the PBX".to_owned())
    } else if applied.status != "True" && !was_ready(previous) {
        // One that was ready and whose agent cannot be asked right now goes on: its pod's own readiness has the say.
        (not_ready, reason::LIMITS_PENDING, applied.message.clone())
    } else {
        ("True", reason::AS_DESIRED, format!("takes calls at {}", instance.fqdn))
    };
    Finding { type_: condition::READY, status, reason, message }
}

/// The pod's readiness fails when newer limits cannot be applied, and the PBX goes on with the ones that it has; and when the
/// kubelet is away, while the PBX itself says that it is ready.
fn goes_on(instance: &ValidatedInstance, observed: &Observed) -> bool {
    let Some(agent) = &observed.agent else { return false };
    agent.ready || agent.applied_generation.as_ref().is_some_and(|applied| *applied != instance.limits.generation)
}

fn was_ready(previous: &EcqxInstanceStatus) -> bool {
    previous.conditions.iter().any(|c| c.type_ == condition::READY && c.status == "True")
}

fn progress(type_: &'static str, instance: &ValidatedInstance, observed: &Observed, applied: &Finding) -> Finding {
    let settled = !instance.runs || (observed.pod_ready && applied.status == "True");
    if observed.refused.is_some() {
        finding(type_, false, reason::APPLY_FAILED, "waiting for a change")
    } else if settled {
        finding(type_, false, reason::AS_DESIRED, "nothing is left to do")
    } else {
        finding(type_, true, reason::PROGRESSING, applied.message.clone())
    }
}

fn stalled(instance: &ValidatedInstance, observed: &Observed) -> Finding {
    match (&observed.refused, &instance.refused) {
        (None, None) => finding(condition::STALLED, false, reason::AS_DESIRED, "nothing stands in the way"),
        (Some(refused), _) => finding(condition::STALLED, true, reason::APPLY_FAILED, refused.clone()),
        (None, Some(refused)) => finding(condition::STALLED, true, refused.reason, refused.message.clone()),
    }
}

fn rollout(observed: &Observed) -> Finding {
    let (pending, reason, message) =
        observed.rollout.clone().unwrap_or((false, reason::AS_DESIRED, "the pod is as wanted".to_owned()));
    finding(condition::ROLLOUT_PENDING, pending, reason, message)
}

fn name(instance: &ValidatedInstance) -> Finding {
    let fqdn = &instance.fqdn;
    if instance.life.name_is_released {
        let message = format!("the reservation of {fqdn} is over: anybody may take it");
        return finding(condition::HOSTNAME_CLAIMED, false, reason::RELEASED, message);
    }
    finding(condition::HOSTNAME_CLAIMED, true, reason::CLAIMED, format!("{fqdn} is held"))
}

fn limits(instance: &ValidatedInstance) -> std::collections::BTreeMap<String, i64> {
    instance.entitlements.iter().map(|e| (e.feature.name().to_owned(), i64::from(e.quantity))).collect()
}

/// Gives each finding its time: the present, or, where its status was the same before, the time of then.
pub fn conditions(
    findings: &[Finding],
    previous: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    // Seconds are what the API keeps; a finer time would differ from what is read back.
    let now = Time(whole_seconds(now));
    findings
        .iter()
        .map(|finding| {
            let before = previous.iter().find(|c| c.type_ == finding.type_ && c.status == finding.status);
            Condition {
                type_: finding.type_.to_owned(),
                status: finding.status.to_owned(),
                reason: finding.reason.to_owned(),
                message: readable(&finding.message),
                observed_generation: generation,
                last_transition_time: before.map_or_else(|| now.clone(), |c| c.last_transition_time.clone()),
            }
        })
        .collect()
}

/// Messages may quote what pods and resellers say: no line of a log or a table is broken by it, and no object filled.
fn readable(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests;
