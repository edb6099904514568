//! Out of service: no new calls from that moment, the pod for as long as its calls last. I/O: asks the pod's agent.

use k8s_openapi::api::core::v1::Pod;
use pbx_contract::AgentStatus;

use super::{dereference::Dereferenced, observe};
use crate::{context::Context, validate::ValidatedInstance};

/// Decides whether the pod of an instance that is out of service stays for its calls.
pub(super) async fn settle(instance: &mut ValidatedInstance, there: &Dereferenced, ctx: &Context) {
    let (true, Some(pod)) = (may_drain(instance, there), there.pod.as_deref()) else { return };
    let agent = observe::observe(instance, Some(pod), ctx).await.agent;
    instance.runs = has_calls(instance, pod, agent.as_ref());
}

/// True while the pod is kept for its calls; nobody tells when the last one ends.
pub(super) fn is_waiting(instance: &ValidatedInstance, there: &Dereferenced) -> bool {
    instance.life.out_of_service.is_some() && instance.runs && there.pod.is_some()
}

/// A pod that was sent away does not come back to drain, and none stays beyond its time.
fn may_drain(instance: &ValidatedInstance, there: &Dereferenced) -> bool {
    if instance.life.out_of_service.is_none() || instance.life.is_drained {
        return false;
    }
    let wanted = there.stateful_set.as_ref().and_then(|set| set.spec.as_ref()).and_then(|spec| spec.replicas);
    wanted.is_some_and(|replicas| replicas > 0)
}

/// Whether there are calls, or could be: until the PBX has taken note, it lets new ones in.
fn has_calls(instance: &ValidatedInstance, pod: &Pod, agent: Option<&AgentStatus>) -> bool {
    match agent {
        Some(agent) if agent.applied_generation.as_ref() == Some(&instance.limits.generation) => {
            agent.known_usage().is_none_or(|usage| usage.active_calls > 0)
        }
        Some(_) => true,
        None => observe::is_running(pod),
    }
}
