//! Deletes the data of what has ended, where that is switched on. I/O: deletes the volume claim.

use ecqx_crds::{EcqxInstance, FqdnClaim};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};

use super::apply::{ApplyError, failed};
use crate::{context::Context, names::Names};

/// Deletes the data of an instance.
///
/// # Errors
/// When the API server does not answer as it should.
async fn delete_data(namespace: &str, names: &Names, ctx: &Context) -> Result<(), ApplyError> {
    let (claims, name): (Api<PersistentVolumeClaim>, _) =
        (Api::namespaced(ctx.client.clone(), namespace), names.data());
    let found =
        claims.get_metadata_opt(&name).await.map_err(failed("read", "PersistentVolumeClaim", namespace, &name))?;
    // One that is going already is left alone: nothing is written twice.
    let Some(found) = found.filter(|found| found.metadata.deletion_timestamp.is_none()) else { return Ok(()) };
    let seen = Preconditions { uid: found.metadata.uid, resource_version: None };
    let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
    match claims.delete(&name, &params).await {
        Ok(_) => tracing::info!(namespace, name, "data deleted: its time was over"),
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) => return Err(failed("delete", "PersistentVolumeClaim", namespace, &name)(error)),
    }
    Ok(())
}

/// Deletes what the holder of a name left behind that was deleted, unless another of its name has taken it up.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn delete_data_of_the_gone(claim: &FqdnClaim, ctx: &Context) -> Result<(), ApplyError> {
    let holder = &claim.spec.holder;
    let instances: Api<EcqxInstance> = Api::namespaced(ctx.client.clone(), &holder.namespace);
    let successor = instances.get_metadata_opt(&holder.name).await;
    let successor = successor.map_err(failed("look up", "EcqxInstance", &holder.namespace, &holder.name))?;
    // A later instance of its name had the volume as its own, and that one's claim has a date of its own.
    let is_later = |other: &FqdnClaim| {
        let same = (&other.spec.holder.namespace, &other.spec.holder.name) == (&holder.namespace, &holder.name);
        let freed = |claim: &FqdnClaim| claim.spec.freed_at.as_ref().map(|at| at.0);
        let still_later = freed(other).is_none() || freed(other) > freed(claim);
        same && other.spec.holder.uid != holder.uid && still_later
    };
    if successor.is_some() || ctx.stores.claims.state().iter().any(|other| is_later(other)) {
        return Ok(());
    }
    delete_data(&holder.namespace, &Names::of(&holder.name), ctx).await
}

/// Deletes the data of an instance that has ended, if it is still the one that was judged: one that was converted a moment ago
/// keeps it.
///
/// # Errors
/// When the API server does not answer as it should, or the view was behind.
pub async fn delete_data_of(instance: &EcqxInstance, names: &Names, ctx: &Context) -> Result<(), ApplyError> {
    let (namespace, name) = (instance.namespace().unwrap_or_default(), instance.name_any());
    let instances: Api<EcqxInstance> = Api::namespaced(ctx.client.clone(), &namespace);
    let found = instances.get_metadata_opt(&name).await;
    let found = found.map_err(failed("look up", "EcqxInstance", &namespace, &name))?;
    let judged = |found: &kube::core::PartialObjectMeta<EcqxInstance>| {
        (found.uid(), found.resource_version()) == (instance.uid(), instance.resource_version())
    };
    if found.as_ref().is_some_and(judged) { delete_data(&namespace, names, ctx).await } else { Ok(()) }
}
