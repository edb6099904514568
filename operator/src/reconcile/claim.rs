//! Step four, first part: claims the host name. I/O: creates the claim, or finds out who has it.

use ecqx_crds::{EcqxInstance, FqdnClaim, FqdnClaimSpec, Holder};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
    runtime::reflector::ObjectRef,
};

use super::apply::{ApplyError, failed};
use crate::{context::Context, names, validate::ValidatedInstance};

/// Who holds the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This instance.
    Held,
    /// Another.
    Taken,
}

/// Claims the instance's host name: a create, which the API server lets one writer win.
///
/// A claim outlives its instance, and stays with its namespace: a reseller who makes the instance anew gets the name again,
/// nobody else does.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn claim(wanting: &EcqxInstance, instance: &ValidatedInstance, ctx: &Context) -> Result<Claim, ApplyError> {
    let known = ctx.stores.claims.get(&ObjectRef::new(&instance.fqdn));
    if known.as_ref().is_some_and(|claim| claim.spec.holder.uid == instance.uid) {
        return Ok(Claim::Held);
    }
    let wanting = ObjectRef::from_obj(wanting);
    // Noted before it is looked at, so that a name that comes free meanwhile is told.
    ctx.waits_for(wanting.clone(), &instance.fqdn);
    let claim = find_out(instance, known.is_some(), ctx).await?;
    if claim == Claim::Held {
        ctx.waits_no_more(&wanting, &instance.fqdn);
    }
    Ok(claim)
}

async fn find_out(instance: &ValidatedInstance, is_held: bool, ctx: &Context) -> Result<Claim, ApplyError> {
    let claims: Api<FqdnClaim> = Api::all(ctx.client.clone());
    // A name that is known to be held is not asked for again and again: nothing is written at rest.
    if !is_held && create(&claims, instance).await? {
        return Ok(Claim::Held);
    }
    judge(&claims, instance, ctx).await
}

/// True when the name was free and is this instance's now.
async fn create(claims: &Api<FqdnClaim>, instance: &ValidatedInstance) -> Result<bool, ApplyError> {
    match claims.create(&PostParams::default(), &new_claim(instance)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(false),
        Err(error) => Err(failed("claim", "FqdnClaim", "", &instance.fqdn)(error)),
    }
}

/// Reads who holds the name. It may well be this instance: a create whose answer was lost, or another operator's.
async fn judge(claims: &Api<FqdnClaim>, instance: &ValidatedInstance, ctx: &Context) -> Result<Claim, ApplyError> {
    let standing = claims.get_opt(&instance.fqdn).await.map_err(failed("read", "FqdnClaim", "", &instance.fqdn))?;
    let Some(standing) = standing else {
        return Ok(if create(claims, instance).await? { Claim::Held } else { Claim::Taken });
    };
    let holder = &standing.spec.holder;
    if holder.uid == instance.uid {
        Ok(Claim::Held)
    } else if holder.namespace == instance.namespace && is_gone(holder, &ctx.client).await? {
        take_over(claims, standing, instance).await
    } else {
        Ok(Claim::Taken)
    }
}

async fn take_over(
    claims: &Api<FqdnClaim>,
    mut standing: FqdnClaim,
    instance: &ValidatedInstance,
) -> Result<Claim, ApplyError> {
    // Carries the resource version that was read: of two that take over, one does.
    standing.spec = claimed(instance);
    let name = standing.name_any();
    let params = PostParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..PostParams::default() };
    claims.replace(&name, &params, &standing).await.map_err(failed("take over", "FqdnClaim", "", &name))?;
    Ok(Claim::Held)
}

/// Whether an instance exists no longer, by the API server's own word.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn is_gone(holder: &Holder, client: &Client) -> Result<bool, ApplyError> {
    let instances: Api<EcqxInstance> = Api::namespaced(client.clone(), &holder.namespace);
    let found = instances.get_metadata_opt(&holder.name).await;
    let found = found.map_err(failed("look up", "EcqxInstance", &holder.namespace, &holder.name))?;
    Ok(found.is_none_or(|found| found.uid().as_deref() != Some(&holder.uid)))
}

fn new_claim(instance: &ValidatedInstance) -> FqdnClaim {
    FqdnClaim {
        metadata: ObjectMeta { name: Some(instance.fqdn.clone()), ..ObjectMeta::default() },
        spec: claimed(instance),
    }
}

fn claimed(instance: &ValidatedInstance) -> FqdnClaimSpec {
    let (namespace, name, uid) = (instance.namespace.clone(), instance.name.clone(), instance.uid.clone());
    let holder = Holder { namespace, name, uid };
    FqdnClaimSpec { holder, freed_at: None, reserved_until: None, data_deletion_at: None }
}

/// An instance as a holder of claims.
pub fn holder_of(instance: &EcqxInstance) -> Holder {
    Holder {
        namespace: instance.namespace().unwrap_or_default(),
        name: instance.name_any(),
        uid: instance.uid().unwrap_or_default(),
    }
}
