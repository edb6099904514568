//! Whether the payment for the next period has come (§6 of the guide). I/O: the API server.

use ecqx_domain::{
    lifecycle::{Life, LifecycleRules, Milestone},
    order::OrderTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ATTEMPTS, InstanceError, Key, Seen, look_up, view::Identity};
use crate::{
    bridge::{Bridge, FIELD_MANAGER},
    clock::this_second,
    intake::{self, Fault},
    turns,
};

/// How a payment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It failed: the grace period runs from the first failure on.
    Failed,
    /// It has come: whatever was overdue no longer is.
    Paid,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    state: State,
}

/// Reads a body such as `{"state": "failed"}`.
///
/// # Errors
/// With the path of what does not fit.
pub fn read(body: &[u8]) -> Result<State, Fault> {
    intake::json::<Body>(body).map(|body| body.state)
}

/// What is recorded of the payment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Which instance.
    pub instance: Identity,
    /// How the last payment ended.
    pub state: State,
    /// Since when a payment is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_failed_at: Option<Time>,
    /// When the instance is suspended, or was, if no payment comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_from: Option<Time>,
}

/// Records it. A failure that is repeated leaves the time of the first.
///
/// # Errors
/// For an unknown instance, and for a payment of a trial that is said to have failed.
pub async fn record(bridge: &Bridge, key: &Key, state: State) -> Result<View, InstanceError> {
    let _turn = bridge.turns.take(vec![turns::of_namespace(&key.namespace)]).await;
    for _ in 0..ATTEMPTS {
        let seen = look_up(bridge, key).await?;
        let Some(wanted) = change(&seen, state)? else { return Ok(view(bridge, seen, state)) };
        // For the version that was read: a failure that somebody else has recorded meanwhile keeps its time. No apply, since
        // a field that another manager has set could not be taken out by it.
        let patch = json!({
            "metadata": {"uid": seen.instance.metadata.uid, "resourceVersion": seen.instance.metadata.resource_version},
            "spec": {"paymentFailedAt": wanted},
        });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        match key.instances(bridge).patch(&key.name, &params, &Patch::Merge(&patch)).await {
            Ok(instance) => return Ok(view(bridge, Seen { instance, ..seen }, state)),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => return Err(InstanceError::api("record the payment of", key)(error)),
        }
    }
    Err(InstanceError::Unavailable)
}

/// What the field is to say, none where it says so already.
fn change(seen: &Seen, state: State) -> Result<Option<Value>, InstanceError> {
    let on_trial = seen.instance.spec.term == ecqx_crds::InstanceTerm::Trial;
    match (state, &seen.instance.spec.payment_failed_at) {
        (State::Failed, _) if on_trial => Err(InstanceError::OnTrial),
        (State::Failed, None) => Ok(Some(json!(Time(this_second())))),
        (State::Paid, Some(_)) => Ok(Some(Value::Null)),
        (State::Failed, Some(_)) | (State::Paid, None) => Ok(None),
    }
}

fn view(bridge: &Bridge, seen: Seen, state: State) -> View {
    let life = seen.situation(&bridge.settings, this_second()).life;
    View {
        instance: Identity::of(&seen.instance, &bridge.settings),
        state,
        suspended_from: suspended_from(&life, &bridge.settings.lifecycle),
        payment_failed_at: seen.instance.spec.payment_failed_at,
    }
}

fn suspended_from(life: &Life, rules: &LifecycleRules) -> Option<Time> {
    let milestones = if life.term == OrderTerm::Paid { life.milestones(rules) } else { Vec::new() };
    milestones.into_iter().find(|reached| reached.milestone == Milestone::GraceEnd).map(|reached| Time(reached.at))
}
