//! Names that are no longer in use: how long each stays reserved, and what goes when that time is over. I/O: `FqdnClaim`s, and
//! the volume of an instance that was deleted, where the deletion of data is switched on.

use std::sync::Arc;

use ecqx_crds::{EcqxInstance, FqdnClaim, FqdnClaimSpec};
use ecqx_domain::lifecycle::LifecycleRules;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
    runtime::{controller::Action, reflector::ObjectRef},
};

use crate::{
    context::{Context, after_conflict, backoff, until, whole_seconds},
    names::FIELD_MANAGER,
    reconcile::{
        apply::{ApplyError, failed},
        claim::is_gone,
        retention,
    },
};

/// Whether a name is in use.
enum Use {
    /// By its holder.
    Held,
    /// By nobody: its holder ended, or is gone.
    Freed {
        /// Since when.
        at: Timestamp,
        /// From when others may take it, as its holder was told.
        told: Option<Timestamp>,
    },
}

/// Brings one claim up to date: notes since when its name is free, and lets it go when the reservation is over.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn reconcile(claim: Arc<FqdnClaim>, ctx: Arc<Context>) -> Result<Action, ApplyError> {
    let now = ctx.clock.now();
    let wanted = wanted(&claim, &ctx, now).await?;
    let next = if wanted == claim.spec {
        settle(&claim, &ctx, now).await?
    } else {
        replace(&claim, wanted.clone(), &ctx).await?;
        wanted.reserved_until
    };
    ctx.failed_claims.forget(&ObjectRef::from_obj(claim.as_ref()));
    Ok(Action::requeue(until(next.map(|at| at.0), now)))
}

/// Does what is due, the data first: the claim is the only record of its date. Then what is next.
async fn settle(claim: &FqdnClaim, ctx: &Context, now: Timestamp) -> Result<Option<Time>, ApplyError> {
    let FqdnClaimSpec { data_deletion_at, reserved_until, .. } = &claim.spec;
    let is_due = |date: &Option<Time>| date.as_ref().is_some_and(|at| at.0 <= now);
    if is_due(data_deletion_at) {
        retention::delete_data_of_the_gone(claim, ctx).await?;
    }
    let waits_for_data = data_deletion_at.is_some() && !is_due(data_deletion_at);
    if is_due(reserved_until) && !waits_for_data {
        release(claim, ctx).await?;
        return Ok(None);
    }
    Ok(data_deletion_at.iter().chain(reserved_until).filter(|at| at.0 > now).min().cloned())
}

/// What should be on record of the name.
async fn wanted(claim: &FqdnClaim, ctx: &Context, now: Timestamp) -> Result<FqdnClaimSpec, ApplyError> {
    let holder = &claim.spec.holder;
    let instance = ctx.stores.instances.get(&ObjectRef::new(&holder.name).within(&holder.namespace));
    let instance = instance.filter(|instance| instance.uid().as_deref() == Some(&holder.uid));
    let (name_use, is_there) = match instance {
        Some(instance) => (use_by(&instance), true),
        // The view may be behind: whether the holder has gone is asked of the API server.
        None if claim.spec.freed_at.is_none() && !is_gone(holder, &ctx.client).await? => (Use::Held, true),
        None => {
            let at = claim.spec.freed_at.as_ref().map_or_else(|| whole_seconds(now), |at| at.0);
            (Use::Freed { at, told: None }, false)
        }
    };
    Ok(on_record(&claim.spec, &name_use, is_there, &ctx.settings.lifecycle, now))
}

/// What the holder's own status says.
fn use_by(holder: &EcqxInstance) -> Use {
    let ended = holder.status.as_ref().and_then(|status| Some((status, status.ended_at.as_ref()?)));
    ended.map_or(Use::Held, |(status, ended)| Use::Freed {
        at: ended.0,
        told: status.name_release_at.as_ref().map(|at| at.0),
    })
}

/// A date that is on record stands, whatever the settings say later.
fn on_record(
    spec: &FqdnClaimSpec,
    name_use: &Use,
    is_there: bool,
    rules: &LifecycleRules,
    now: Timestamp,
) -> FqdnClaimSpec {
    let Use::Freed { at: freed_at, told } = *name_use else {
        return FqdnClaimSpec {
            holder: spec.holder.clone(),
            freed_at: None,
            reserved_until: None,
            data_deletion_at: None,
        };
    };
    let known = spec.freed_at.as_ref().is_some_and(|at| at.0 == freed_at);
    let reserved_until = told.map(Time).or_else(|| spec.reserved_until.clone().filter(|_| known));
    let data_deletion_at = (rules.delete_data && !is_there).then(|| {
        let announced = spec.data_deletion_at.clone().filter(|_| known);
        let notice = later(whole_seconds(now), rules.deletion_notice);
        announced.unwrap_or(Time(later(freed_at, rules.retention).max(notice)))
    });
    FqdnClaimSpec {
        holder: spec.holder.clone(),
        freed_at: Some(Time(freed_at)),
        reserved_until: Some(reserved_until.unwrap_or(Time(later(freed_at, rules.name_reservation)))),
        data_deletion_at,
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

async fn replace(claim: &FqdnClaim, spec: FqdnClaimSpec, ctx: &Context) -> Result<(), ApplyError> {
    let claims: Api<FqdnClaim> = Api::all(ctx.client.clone());
    let (name, params) =
        (claim.name_any(), PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() });
    let next = FqdnClaim { metadata: claim.metadata.clone(), spec };
    claims.replace(&name, &params, &next).await.map(drop).map_err(failed("record the use of", "FqdnClaim", "", &name))
}

/// With the version that was seen: a name that was taken up again meanwhile stays.
async fn release(claim: &FqdnClaim, ctx: &Context) -> Result<(), ApplyError> {
    let claims: Api<FqdnClaim> = Api::all(ctx.client.clone());
    let name = claim.name_any();
    let seen = Preconditions { uid: claim.uid(), resource_version: claim.resource_version() };
    let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
    match claims.delete(&name, &params).await {
        Ok(_) => tracing::info!(fqdn = name, "the reservation is over: anybody may take the name"),
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) => return Err(failed("release", "FqdnClaim", "", &name)(error)),
    }
    Ok(())
}

/// What follows a failure.
#[allow(clippy::needless_pass_by_value)] // the signature is kube's
pub fn on_error(claim: Arc<FqdnClaim>, error: &ApplyError, ctx: Arc<Context>) -> Action {
    let object = ObjectRef::from_obj(claim.as_ref());
    if error.is_conflict() {
        return Action::requeue(after_conflict(&ctx.failed_claims, object, &ctx.stores.claims));
    }
    let wait = backoff(&ctx.failed_claims, object, &ctx.stores.claims);
    tracing::warn!(%error, retry_in_seconds = wait.as_secs(), "claim of a name not looked after");
    Action::requeue(wait)
}
