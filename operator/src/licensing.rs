//! The licence sets' own controller: one duty, saying in each set's status what its facts come to. I/O: writes that status.

use std::sync::Arc;

use ecqx_crds::{
    Entitlement, LicenseSet, LicenseSetStatus,
    condition::{self, reason},
    facts::facts_of,
};
use ecqx_domain::ledger::{self, Entitlements};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{controller::Action, reflector::ObjectRef},
};
use serde_json::json;

use crate::{
    context::{Context, LONGEST_LOOK, LONGEST_REQUEUE, backoff},
    names::FIELD_MANAGER,
    status::{conditions, finding, held_back},
};

/// Why a licence set's status could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the status of LicenseSet {namespace}/{name}: {cause}")]
pub struct LicensingError {
    namespace: String,
    name: String,
    cause: Cause,
}

/// What the API server said, or that it said nothing.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Refused(#[from] kube::Error),
    #[error("the API server does not answer")]
    TooLong(#[from] tokio::time::error::Elapsed),
}

/// Brings one licence set's status up to date.
///
/// # Errors
/// When the API server refuses the status.
pub async fn reconcile(licenses: Arc<LicenseSet>, ctx: Arc<Context>) -> Result<Action, LicensingError> {
    if licenses.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let (namespace, name) = (licenses.namespace().unwrap_or_default(), licenses.name_any());
    let bound = ctx.stores.instances.get(&ObjectRef::new(&name).within(&namespace)).is_some();
    let now = ctx.clock.now();
    let facts = facts_of(&licenses, &ctx.settings.calendar, now);
    let entitlements = ledger::standing(&facts, &ctx.settings.catalogue, now).entitlements;
    let previous = licenses.status.clone().unwrap_or_default();
    let status = status(&entitlements, bound, &previous.conditions, licenses.metadata.generation, now);
    if status != previous {
        let written = write(&licenses, &status, &ctx).await;
        written.map_err(|cause| LicensingError { namespace, name, cause })?;
    }
    ctx.failed_license_sets.forget(&ObjectRef::from_obj(licenses.as_ref()));
    Ok(Action::requeue(LONGEST_REQUEUE.min(wait(ledger::next_transition(&facts, &ctx.settings.catalogue, now), now))))
}

async fn write(licenses: &LicenseSet, status: &LicenseSetStatus, ctx: &Context) -> Result<(), Cause> {
    let api: Api<LicenseSet> = Api::namespaced(ctx.client.clone(), &licenses.namespace().unwrap_or_default());
    let patch = Patch::Apply(json!({
        "apiVersion": LicenseSet::api_version(&()),
        "kind": LicenseSet::kind(&()),
        "metadata": { "resourceVersion": licenses.resource_version() },
        "status": status,
    }));
    let (name, params) = (licenses.name_any(), PatchParams::apply(FIELD_MANAGER).force());
    let answer = tokio::time::timeout(LONGEST_LOOK, api.patch_status(&name, &params, &patch)).await;
    answer??;
    Ok(())
}

/// What follows a failure.
#[allow(clippy::needless_pass_by_value)] // the signature is kube's
pub fn on_error(licenses: Arc<LicenseSet>, error: &LicensingError, ctx: Arc<Context>) -> Action {
    let object = ObjectRef::from_obj(licenses.as_ref());
    let wait = backoff(&ctx.failed_license_sets, object, &ctx.stores.license_sets);
    tracing::warn!(%error, retry_in_seconds = wait.as_secs(), "licence set not reported");
    Action::requeue(wait)
}

fn status(
    entitlements: &Entitlements,
    bound: bool,
    previous: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> LicenseSetStatus {
    let bound = if bound {
        finding(condition::BOUND, true, reason::INSTANCE_FOUND, "an EcqxInstance of this name uses these licences")
    } else {
        let remedy = "no EcqxInstance of this name is in this namespace; create it, or rename the LicenseSet";
        finding(condition::BOUND, false, reason::NO_INSTANCE, remedy)
    };
    LicenseSetStatus {
        observed_generation: generation,
        entitlements: entitlements.iter().filter(|e| e.sum() > 0).map(wire).collect(),
        conditions: conditions(&[bound, held_back::finding_of(entitlements)], previous, generation, now),
        ..LicenseSetStatus::default()
    }
}

fn wire(entitlement: &ledger::Entitlement) -> Entitlement {
    let count = |quantity: u64| i64::try_from(quantity).unwrap_or(i64::MAX);
    Entitlement {
        feature: entitlement.feature,
        quantity: i64::from(entitlement.quantity),
        base: i64::from(entitlement.base),
        paid: count(entitlement.paid),
        trial: count(entitlement.trial),
        promotion: count(entitlement.promotion),
        held_back: count(entitlement.held_back()),
    }
}

fn wait(transition: Option<Timestamp>, now: Timestamp) -> std::time::Duration {
    let wait = transition.and_then(|at| std::time::Duration::try_from(at.duration_since(now)).ok());
    wait.map_or(LONGEST_REQUEUE, |wait| wait + std::time::Duration::from_millis(1))
}
