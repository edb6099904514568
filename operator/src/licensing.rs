//! The licence sets' own controller: claims the trials of features, records each date at first sight, and says in the status what
//! the facts come to. I/O: `TrialClaim`s, and that status.

use std::{collections::BTreeMap, sync::Arc};

use ecqx_crds::{
    Entitlement, LicenseSet, LicenseSetStatus,
    condition::{self, reason},
    facts::facts_of,
};
use ecqx_domain::ledger::{self, Entitlements};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{controller::Action, reflector::ObjectRef},
};
use serde_json::json;

use crate::{
    context::{Context, LONGEST_LOOK, after_conflict, backoff, until, whole_seconds},
    names::FIELD_MANAGER,
    reconcile::apply::ApplyError,
    status::{Finding, conditions, finding, held_back},
};
use feature_trials::FeatureTrial;

mod feature_trials;
mod records;

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
    #[error(transparent)]
    Claim(#[from] ApplyError),
    #[error("the API server does not answer")]
    TooLong(#[from] tokio::time::error::Elapsed),
}

impl Cause {
    /// True when another writer was ahead: the view is behind, and catches up in moments.
    fn is_conflict(&self) -> bool {
        match self {
            Self::Refused(kube::Error::Api(status)) => status.is_conflict(),
            Self::Claim(error) => error.is_conflict(),
            Self::Refused(_) | Self::TooLong(_) => false,
        }
    }
}

/// Brings one licence set's status up to date.
///
/// # Errors
/// When the API server refuses a claim or the status.
pub async fn reconcile(licenses: Arc<LicenseSet>, ctx: Arc<Context>) -> Result<Action, LicensingError> {
    if licenses.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let next = tokio::time::timeout(LONGEST_LOOK, Box::pin(look(&licenses, &ctx))).await;
    let next = next.map_err(Cause::from).and_then(|looked| looked);
    let (namespace, name) = (licenses.namespace().unwrap_or_default(), licenses.name_any());
    let next = next.map_err(|cause| LicensingError { namespace, name, cause })?;
    ctx.failed_license_sets.forget(&ObjectRef::from_obj(licenses.as_ref()));
    Ok(Action::requeue(until(next, ctx.clock.now())))
}

/// Claims what is tried, records what is new, says what it comes to; then the instant of what changes next by itself.
async fn look(licenses: &LicenseSet, ctx: &Context) -> Result<Option<Timestamp>, Cause> {
    let (namespace, name) = (licenses.namespace().unwrap_or_default(), licenses.name_any());
    let instance = ctx.stores.instances.get(&ObjectRef::new(&name).within(&namespace));
    let instance = instance.filter(|instance| instance.metadata.deletion_timestamp.is_none());
    let now = ctx.clock.now();
    let trials = match instance.as_deref() {
        Some(instance) => feature_trials::claim_all(licenses, instance, ctx, now).await?,
        None => BTreeMap::new(),
    };
    let recorded = records::with_first_sights(licenses, &trials, &ctx.settings, now);
    let facts = facts_of(&recorded, &ctx.settings.calendar, now);
    let standing = ledger::standing(&facts, &ctx.settings.catalogue, now);
    let next = ledger::next_transition(&facts, &ctx.settings.catalogue, now);
    let previous = licenses.status.clone().unwrap_or_default();
    let status = LicenseSetStatus {
        observed_generation: licenses.metadata.generation,
        entitlements: standing.entitlements.iter().filter(|e| e.sum() > 0).map(wire).collect(),
        next_transition: next.map(whole_seconds).map(Time),
        conditions: conditions(
            &findings(&standing.entitlements, instance.is_some(), &trials),
            &previous.conditions,
            licenses.metadata.generation,
            now,
        ),
        ..records::judged(recorded.status.unwrap_or_default(), &standing, now)
    };
    if status != previous {
        write(licenses, &status, ctx).await?;
    }
    Ok(next)
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
    api.patch_status(&name, &params, &patch).await?;
    Ok(())
}

/// What follows a failure.
#[allow(clippy::needless_pass_by_value)] // the signature is kube's
pub fn on_error(licenses: Arc<LicenseSet>, error: &LicensingError, ctx: Arc<Context>) -> Action {
    let object = ObjectRef::from_obj(licenses.as_ref());
    if error.cause.is_conflict() {
        return Action::requeue(after_conflict(&ctx.failed_license_sets, object, &ctx.stores.license_sets));
    }
    let wait = backoff(&ctx.failed_license_sets, object, &ctx.stores.license_sets);
    tracing::warn!(%error, retry_in_seconds = wait.as_secs(), "licence set not reported");
    Action::requeue(wait)
}

fn findings(entitlements: &Entitlements, bound: bool, trials: &BTreeMap<String, FeatureTrial>) -> Vec<Finding> {
    let bound = if bound {
        finding(condition::BOUND, true, reason::INSTANCE_FOUND, "an EcqxInstance of this name uses these licences")
    } else {
        let remedy = "no EcqxInstance of this name is in this namespace; create it, or rename the LicenseSet";
        finding(condition::BOUND, false, reason::NO_INSTANCE, remedy)
    };
    let mut all = vec![bound, held_back::finding_of(entitlements)];
    all.extend(feature_trials::finding_of(trials));
    all
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
