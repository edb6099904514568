//! Step five: says what holds, when it has changed. I/O: server-side apply of `/status`, and events.

use ecqx_crds::{EcqxInstance, EcqxInstanceStatus, condition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::events::{Event, EventType},
};
use serde_json::json;

use crate::{context::Context, names::FIELD_MANAGER};

mod milestones;

/// The most bytes of an event's note that the API server takes.
const LONGEST_NOTE: usize = 1024;

/// Why the status could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the status of EcqxInstance {namespace}/{name}: {source}")]
pub struct UpdateStatusError {
    namespace: String,
    name: String,
    source: kube::Error,
}

impl UpdateStatusError {
    /// True when another writer was ahead: the view is behind, and catches up in moments.
    pub fn is_conflict(&self) -> bool {
        matches!(&self.source, kube::Error::Api(status) if status.is_conflict())
    }
}

/// Writes the status if it differs from the one that was seen, and tells of the changes as events.
///
/// # Errors
/// When the API server refuses it; a stale view is refused by the resource version and looked at again.
pub async fn update_status(
    instance: &EcqxInstance,
    status: EcqxInstanceStatus,
    ctx: &Context,
) -> Result<(), UpdateStatusError> {
    let previous = instance.status.clone().unwrap_or_default();
    if status == previous {
        return Ok(());
    }
    let (namespace, name) = (instance.namespace().unwrap_or_default(), instance.name_any());
    let api: Api<EcqxInstance> = Api::namespaced(ctx.client.clone(), &namespace);
    let patch = json!({
        "apiVersion": EcqxInstance::api_version(&()),
        "kind": EcqxInstance::kind(&()),
        "metadata": { "resourceVersion": instance.resource_version() },
        "status": status,
    });
    let answer = api.patch_status(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(patch)).await;
    match answer {
        Ok(_) => {}
        // Deleted meanwhile: nobody wants to know any more.
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
        Err(source) => return Err(UpdateStatusError { namespace, name, source }),
    }
    log(&previous.conditions, &status.conditions, &namespace, &name);
    let milestones = milestones::events(&previous, &status);
    for event in events(&previous.conditions, &status.conditions).into_iter().chain(milestones) {
        // An event is a courtesy: the conditions hold the truth, so one that is lost is not a failure.
        if let Err(error) = ctx.recorder.publish(&event, &instance.object_ref(&())).await {
            tracing::warn!(instance = %instance.name_any(), %error, "event not written");
        }
    }
    Ok(())
}

/// A line for each condition that is another than before.
fn log(previous: &[Condition], current: &[Condition], namespace: &str, name: &str) {
    let same =
        |c: &Condition| previous.iter().any(|p| (&p.type_, &p.status, &p.reason) == (&c.type_, &c.status, &c.reason));
    for Condition { type_, status, reason, message, .. } in current.iter().filter(|c| !same(c)) {
        tracing::info!(object = %format_args!("{namespace}/{name}"), condition = type_, status, reason, "{message}");
    }
}

/// The changes that somebody who watches the instance wants to read.
fn events(previous: &[Condition], current: &[Condition]) -> Vec<Event> {
    let before = |type_: &str| previous.iter().find(|c| c.type_ == type_).map(|c| c.status.as_str());
    let was_ready = before(condition::READY) == Some("True");
    let worth_telling = |c: &&Condition| match c.type_.as_str() {
        condition::READY => c.status != "Unknown",
        condition::STALLED | condition::LIMITS_HELD_BACK => c.status == "True",
        condition::TRIAL_ELIGIBLE | condition::TLS_READY => c.status == "False",
        condition::CONFIGURATION_ACCEPTED => c.status == "False" || before(&c.type_) == Some("False"),
        condition::ROLLOUT_PENDING => c.status == "True" || before(&c.type_) == Some("True"),
        // At the start readiness says it all; later on the limits are news of their own.
        condition::LICENSES_APPLIED => was_ready && c.status != "Unknown",
        _ => false,
    };
    let changed = |c: &&Condition| before(&c.type_) != Some(c.status.as_str());
    current.iter().filter(changed).filter(worth_telling).map(event).collect()
}

fn event(condition: &Condition) -> Event {
    let holds = condition.status == "True";
    let (fine, reason) = match condition.type_.as_str() {
        condition::STALLED | condition::LIMITS_HELD_BACK => (false, condition.type_.clone()),
        condition::ROLLOUT_PENDING if !holds => (true, "RolledOut".to_owned()),
        type_ => (holds, format!("{}{type_}", if holds { "" } else { "Not" })),
    };
    Event {
        type_: if fine { EventType::Normal } else { EventType::Warning },
        reason,
        note: Some(condition.message[..condition.message.floor_char_boundary(LONGEST_NOTE)].to_owned()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        status::{conditions, finding},
        validate::tests::noon,
    };

    #[test]
    fn a_long_message_in_any_script_fits_into_an_event() {
        let finding = finding(condition::STALLED, true, "Invalid", "€".repeat(1000));
        let current = conditions(&[finding], &[], Some(1), noon());
        let note = events(&[], &current).remove(0).note.unwrap();
        assert!((1000..=LONGEST_NOTE).contains(&note.len()), "{}", note.len());
    }
}
