//! When a pod that is no longer as wanted may be replaced: between calls, and in its maintenance window. Pure.

use ecqx_domain::{
    maintenance::{Position, Window},
    pbx::PbxRules,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ContainerStatus, Pod},
};
use pbx_contract::AgentStatus;

pub mod pace;

/// The label by which the StatefulSet controller says of which revision of the template a pod was made.
const REVISION: &str = "controller-revision-hash";
/// What a container waits for that does not come by waiting.
const HOPELESS: &[&str] = &[
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

/// What a pod and its calls look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// How the pod is.
    pub pod: PodState,
    /// What is known of its calls.
    pub calls: Calls,
    /// Since when it has not been as wanted, as it is on record.
    pub since: Option<Timestamp>,
}

/// How a pod is, beside what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// As wanted, or not there.
    Current,
    /// Made of an older template, and at work.
    Outdated,
    /// Made of an older template, and not at work: it takes no calls, and will not by waiting.
    Broken,
    /// Going already.
    Going,
    /// The StatefulSet has changed, and its controller has not said yet whether that makes another pod.
    Unjudged,
}

/// What is known of a pod's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// So many are in progress.
    InProgress(u32),
    /// The agent does not answer: there may be some.
    Unknown,
}

/// What is to be done with a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is as wanted.
    Keep,
    /// Nothing yet.
    Wait(Reason),
    /// It goes, and the StatefulSet makes another.
    Replace,
    /// It is on its way out.
    Going,
}

/// What a replacement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Calls, until they are over or this instant has come.
    Calls {
        /// What is known of them.
        calls: Calls,
        /// From when they are drained.
        until: Timestamp,
    },
    /// The window.
    Window {
        /// When it opens.
        opens: Timestamp,
    },
    /// A window that can be understood.
    UnknownWindow,
    /// Other pods that are being replaced.
    Others,
    /// Word of the StatefulSet's controller.
    Verdict,
    /// A write that the API server refuses: what the pod would be replaced with is not as wanted either.
    Refused,
}

/// When a pod may be replaced, by the instance and the provider.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The instance's window.
    pub window: Option<&'a Window>,
    /// True while the instance's window cannot be understood.
    pub window_is_wrong: bool,
    /// The provider's.
    pub provider: &'a PbxRules,
}

/// Decides. A pod that is at work goes between two calls, within its window where it has one. Calls without end are drained, so
/// that their time lies within the window, or, without one, when the deadline has passed.
pub fn decide(situation: Situation, rules: Rules<'_>, now: Timestamp) -> Decision {
    match situation.pod {
        PodState::Going => return Decision::Going,
        PodState::Broken => return Decision::Replace,
        // One that waits already goes on waiting, since when it did.
        PodState::Unjudged if situation.since.is_some() => return Decision::Wait(Reason::Verdict),
        PodState::Current | PodState::Unjudged => return Decision::Keep,
        PodState::Outdated if rules.window_is_wrong => return Decision::Wait(Reason::UnknownWindow),
        PodState::Outdated => {}
    }
    let drained_from = match rules.window.map(|window| window.at(now)) {
        Some(Position::Closed { opens }) => return Decision::Wait(Reason::Window { opens }),
        Some(Position::Open { until }) => later(until, -rules.provider.drain),
        None => later(situation.since.unwrap_or(now), rules.provider.rollout_deadline),
    };
    if situation.calls == Calls::InProgress(0) || now >= drained_from {
        return Decision::Replace;
    }
    Decision::Wait(Reason::Calls { calls: situation.calls, until: drained_from })
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// How a pod is, beside the newest revision of its StatefulSet.
pub fn state_of(pod: Option<&Pod>, set: Option<&StatefulSet>) -> PodState {
    let (Some(pod), Some(set)) = (pod, set) else { return PodState::Current };
    if pod.metadata.deletion_timestamp.is_some() {
        return PodState::Going;
    }
    let Some(newest) = newest_revision(set) else { return PodState::Unjudged };
    let made_of = pod.metadata.labels.as_ref().and_then(|labels| labels.get(REVISION));
    match made_of {
        Some(revision) if revision == newest => PodState::Current,
        _ if is_broken(pod) => PodState::Broken,
        _ => PodState::Outdated,
    }
}

/// The revision of the template as it is now; nothing while the StatefulSet controller has not seen it.
fn newest_revision(set: &StatefulSet) -> Option<&String> {
    let status = set.status.as_ref()?;
    (status.observed_generation == set.metadata.generation).then_some(status.update_revision.as_ref()).flatten()
}

/// True when the pod takes no calls and will not by waiting.
fn is_broken(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let unschedulable = |c: &k8s_openapi::api::core::v1::PodCondition| {
        c.type_ == "PodScheduled" && c.status == "False" && c.reason.as_deref() == Some("Unschedulable")
    };
    matches!(status.phase.as_deref(), Some("Failed"))
        || status.conditions.iter().flatten().any(unschedulable)
        || status.container_statuses.iter().flatten().any(is_hopeless)
}

fn is_hopeless(container: &ContainerStatus) -> bool {
    let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
    waiting.and_then(|waiting| waiting.reason.as_deref()).is_some_and(|reason| HOPELESS.contains(&reason))
}

/// What is known of the calls of a pod.
pub fn calls_of(agent: Option<&AgentStatus>) -> Calls {
    let usage = agent.and_then(AgentStatus::known_usage);
    usage.map_or(Calls::Unknown, |usage| Calls::InProgress(usage.active_calls))
}

#[cfg(test)]
mod tests;
