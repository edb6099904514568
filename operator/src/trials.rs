//! Trials, each given once (§6 of the guide): claims that are created, never upserted. I/O: `TrialClaim`s.
//!
//! A claim outlives its instance, its namespace and every status. Only one that never started goes with its instance.

use std::sync::Arc;

use ecqx_crds::{EcqxInstance, Holder, TrialClaim, TrialClaimSpec};
use ecqx_domain::{
    item::Item,
    lifecycle::Trial,
    trial::{Beneficiary, Scope},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
    runtime::{controller::Action, reflector::ObjectRef},
};

use crate::{
    context::{Context, LONGEST_REQUEUE, after_conflict, backoff},
    names::FIELD_MANAGER,
    reconcile::{
        apply::{ApplyError, failed},
        claim::{holder_of, is_gone},
    },
};

/// Whose a trial is.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialClaimed {
    /// The instance's, with what is on record of it.
    Held(Arc<TrialClaim>),
    /// Another's, or an earlier one's: there is no second.
    Used,
}

/// The name of the claim on the trial of a service by an instance.
pub fn claim_name(instance: &EcqxInstance, service: Item, scope: Scope) -> String {
    beneficiary(instance, scope).claim_name(service)
}

fn beneficiary(instance: &EcqxInstance, scope: Scope) -> Beneficiary {
    Beneficiary::of(scope, &instance.namespace().unwrap_or_default(), instance.spec.company.as_deref())
}

/// The time of a trial, once it has started.
pub fn period(claim: &TrialClaim) -> Option<Trial> {
    let (started_at, ends_at) = (claim.spec.started_at.as_ref()?, claim.spec.ends_at.as_ref()?);
    Some(Trial { started_at: started_at.0, ends_at: ends_at.0 })
}

/// Claims the trial of a service for an instance: a create, which the API server lets one writer win.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn claim(instance: &EcqxInstance, service: Item, ctx: &Context) -> Result<TrialClaimed, ApplyError> {
    let (own, beneficiary) = (holder_of(instance), beneficiary(instance, ctx.settings.lifecycle.trial_scope));
    let name = beneficiary.claim_name(service);
    let known = ctx.stores.trial_claims.get(&ObjectRef::new(&name));
    if let Some(known) = known.clone().filter(|claim| claim.spec.holder.uid == own.uid) {
        return Ok(TrialClaimed::Held(known));
    }
    // Noted before it is looked at, so that one that is given back meanwhile is told.
    ctx.waits_for(ObjectRef::from_obj(instance), &name);
    if known.is_some_and(|claim| claim.spec.started_at.is_some()) {
        return Ok(TrialClaimed::Used);
    }
    let claims: Api<TrialClaim> = Api::all(ctx.client.clone());
    let wanted = new_claim(&name, service, beneficiary, own, instance);
    let claimed = match claims.create(&PostParams::default(), &wanted).await {
        Ok(made) => Ok(TrialClaimed::Held(Arc::new(made))),
        Err(kube::Error::Api(status)) if status.is_already_exists() => judge(&claims, &wanted, ctx).await,
        Err(error) => Err(failed("claim", "TrialClaim", "", &name)(error)),
    };
    if matches!(claimed, Ok(TrialClaimed::Held(_))) {
        ctx.waits_no_more(&ObjectRef::from_obj(instance), &name);
    }
    claimed
}

/// Reads whose the trial is. It may well be this instance's: a create whose answer was lost, or another operator's.
async fn judge(claims: &Api<TrialClaim>, wanted: &TrialClaim, ctx: &Context) -> Result<TrialClaimed, ApplyError> {
    let name = wanted.name_any();
    let standing = claims.get(&name).await.map_err(failed("read", "TrialClaim", "", &name))?;
    if standing.spec.holder.uid == wanted.spec.holder.uid {
        return Ok(TrialClaimed::Held(Arc::new(standing)));
    }
    if standing.spec.started_at.is_some() || !is_gone(&standing.spec.holder, &ctx.client).await? {
        return Ok(TrialClaimed::Used);
    }
    // It never started and its instance has gone. The resource version that was read makes one of two win.
    let next = TrialClaim { metadata: standing.metadata, spec: wanted.spec.clone() };
    let taken = claims.replace(&name, &params(), &next).await.map_err(failed("take over", "TrialClaim", "", &name))?;
    Ok(TrialClaimed::Held(Arc::new(taken)))
}

/// Records when a trial began, and when it ends; once.
///
/// # Errors
/// When the API server does not answer as it should, or another was ahead.
pub async fn start(
    claim: &TrialClaim,
    started_at: Timestamp,
    length: SignedDuration,
    ctx: &Context,
) -> Result<Trial, ApplyError> {
    if let Some(started) = period(claim) {
        return Ok(started);
    }
    let trial = Trial { started_at, ends_at: started_at.checked_add(length).unwrap_or(Timestamp::MAX) };
    let (name, mut next) = (claim.name_any(), claim.clone());
    next.spec.started_at = Some(Time(trial.started_at));
    next.spec.ends_at = Some(Time(trial.ends_at));
    let claims: Api<TrialClaim> = Api::all(ctx.client.clone());
    claims.replace(&name, &params(), &next).await.map_err(failed("start", "TrialClaim", "", &name))?;
    tracing::info!(claim = name, service = %claim.spec.service, ends_at = %trial.ends_at, "a trial has started");
    Ok(trial)
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// A claim that was deleted while its trial ran is made again as its instance remembers it.
fn new_claim(
    name: &str,
    service: Item,
    beneficiary: Beneficiary,
    holder: Holder,
    instance: &EcqxInstance,
) -> TrialClaim {
    let remembered = instance.status.as_ref().and_then(|status| status.trial.as_ref());
    let trial = remembered.filter(|_| service == Item::Ecqx);
    TrialClaim {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        spec: TrialClaimSpec {
            service,
            company: beneficiary.company,
            holder,
            started_at: trial.map(|trial| trial.started_at.clone()),
            ends_at: trial.map(|trial| trial.ends_at.clone()),
        },
    }
}

/// Gives a trial back that never started, once its instance has gone.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn reconcile(claim: Arc<TrialClaim>, ctx: Arc<Context>) -> Result<Action, ApplyError> {
    let holder = &claim.spec.holder;
    let instance = ctx.stores.instances.get(&ObjectRef::new(&holder.name).within(&holder.namespace));
    let is_there = instance.is_some_and(|instance| instance.uid().as_deref() == Some(&holder.uid));
    if claim.spec.started_at.is_none() && !is_there && is_gone(holder, &ctx.client).await? {
        let name = claim.name_any();
        let seen = Preconditions { uid: claim.uid(), resource_version: claim.resource_version() };
        let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
        let claims: Api<TrialClaim> = Api::all(ctx.client.clone());
        match claims.delete(&name, &params).await {
            Ok(_) => tracing::info!(claim = name, "a trial that never started was given back"),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(failed("give back", "TrialClaim", "", &name)(error)),
        }
    }
    ctx.failed_trial_claims.forget(&ObjectRef::from_obj(claim.as_ref()));
    Ok(Action::requeue(LONGEST_REQUEUE))
}

/// What follows a failure.
#[allow(clippy::needless_pass_by_value)] // the signature is kube's
pub fn on_error(claim: Arc<TrialClaim>, error: &ApplyError, ctx: Arc<Context>) -> Action {
    let object = ObjectRef::from_obj(claim.as_ref());
    if error.is_conflict() {
        return Action::requeue(after_conflict(&ctx.failed_trial_claims, object, &ctx.stores.trial_claims));
    }
    let wait = backoff(&ctx.failed_trial_claims, object, &ctx.stores.trial_claims);
    tracing::warn!(%error, retry_in_seconds = wait.as_secs(), "claim of a trial not looked after");
    Action::requeue(wait)
}
