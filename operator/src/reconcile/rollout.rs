//! Replaces a pod that is no longer as wanted, at its moment. I/O: reads the stores, deletes the pod.

use ecqx_crds::{EcqxInstanceStatus, condition};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};

use super::{
    apply::{ApplyError, failed},
    dereference::Dereferenced,
};
use crate::{
    context::Context,
    rollout::{self, Calls, Decision, PodState, Reason, Rules, Situation, pace},
    status::Observed,
    validate::ValidatedInstance,
};

/// How soon a pod whose calls are waited for is asked again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// What is to be done with the instance's pod at `now`. Derived from what is there and on record: nothing is remembered.
pub(super) fn decide(
    instance: &ValidatedInstance,
    there: &Dereferenced,
    observed: &Observed,
    previous: &EcqxInstanceStatus,
    ctx: &Context,
    now: Timestamp,
) -> Decision {
    // The pod of one that is out of service goes with its last call anyway.
    if instance.life.out_of_service.is_some() || !instance.runs {
        return Decision::Keep;
    }
    let pod = rollout::state_of(there.pod.as_deref(), there.stateful_set.as_deref());
    let rules = Rules {
        window: instance.window.as_ref(),
        window_is_wrong: instance.window_is_wrong,
        provider: &ctx.settings.pbx,
    };
    let calls = rollout::calls_of(observed.agent.as_ref());
    let decision = rollout::decide(Situation { pod, calls, since: since(previous) }, rules, now);
    if decision != Decision::Replace || pod == PodState::Broken {
        return decision;
    }
    if observed.refused.is_some() {
        return Decision::Wait(Reason::Refused);
    }
    if is_full(ctx, now) { Decision::Wait(Reason::Others) } else { decision }
}

/// Since when the change has been waiting: the status is the record.
fn since(previous: &EcqxInstanceStatus) -> Option<Timestamp> {
    let pending = previous.conditions.iter().find(|c| c.type_ == condition::ROLLOUT_PENDING && c.status == "True");
    pending.map(|condition| condition.last_transition_time.0)
}

fn is_full(ctx: &Context, now: Timestamp) -> bool {
    let most = usize::from(ctx.settings.pbx.rollouts_at_once);
    let pods = ctx.stores.pods.state();
    pods.iter().filter(|pod| pace::is_being_replaced(pod, now)).take(most).count() >= most
}

/// Deletes the pod that was judged, and no other of its name; it has its grace period for calls that began meanwhile.
///
/// # Errors
/// When the API server does not answer as it should.
pub(super) async fn replace(instance: &ValidatedInstance, pod: &Pod, ctx: &Context) -> Result<(), ApplyError> {
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &instance.namespace);
    let name = pod.name_any();
    let judged = Preconditions { uid: pod.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(judged), ..DeleteParams::default() };
    match pods.delete(&name, &params).await {
        Ok(_) => {
            tracing::info!(namespace = %instance.namespace, pod = name, "pod replaced: its template has changed");
            Ok(())
        }
        // Gone, or another by now: either way not there any more.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(failed("delete", "Pod", &instance.namespace, &name)(error)),
    }
}

/// When to look again: nobody tells when a call ends, or when others have been replaced.
pub(super) fn next_look(decision: &Decision, instance: &ValidatedInstance, now: Timestamp) -> Option<Timestamp> {
    let soon = now.saturating_add(AGAIN).ok();
    let own = match decision {
        Decision::Wait(Reason::Calls { .. } | Reason::Others) => soon,
        Decision::Wait(Reason::Window { opens }) => Some(*opens),
        _ => None,
    };
    own.into_iter().chain(instance.life.next_transition()).min()
}

/// What the condition says.
pub(super) fn told(decision: &Decision) -> (bool, &'static str, String) {
    use condition::reason;
    let calls = |calls: &Calls| match calls {
        // Not how many: that would be a write with each call.
        Calls::InProgress(_) => "calls are in progress",
        Calls::Unknown => "the agent does not say whether there are calls",
    };
    match decision {
        Decision::Keep => (false, reason::AS_DESIRED, "the pod is as wanted".to_owned()),
        Decision::Wait(Reason::Calls { calls: known, until }) => {
            let message = format!("the pod is to be replaced; {}; they are drained from {until} on", calls(known));
            (true, reason::CALLS_IN_PROGRESS, message)
        }
        Decision::Wait(Reason::Window { opens }) => {
            let message = format!("the pod is to be replaced; the maintenance window opens at {opens}");
            (true, reason::OUTSIDE_WINDOW, message)
        }
        Decision::Wait(Reason::UnknownWindow) => {
            let message = "the pod is to be replaced; spec.maintenanceWindow cannot be understood: correct it";
            (true, reason::INVALID, message.to_owned())
        }
        Decision::Wait(Reason::Others) => {
            let message = "the pod is to be replaced; as many others as may be at one time are being replaced";
            (true, reason::OTHERS_FIRST, message.to_owned())
        }
        Decision::Wait(Reason::Refused) => {
            let message = "the pod is to be replaced; the API server refuses a part of what is wanted: see Stalled";
            (true, reason::INVALID, message.to_owned())
        }
        Decision::Wait(Reason::Verdict) => {
            let message = "the pod is to be replaced; its StatefulSet has just changed";
            (true, reason::PROGRESSING, message.to_owned())
        }
        Decision::Replace | Decision::Going => (true, reason::REPLACING, "the pod is being replaced".to_owned()),
    }
}
