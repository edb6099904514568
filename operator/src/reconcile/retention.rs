//! Deletes the data of what has ended, where that is switched on. I/O: deletes the volume claim.

use ecqx_crds::Holder;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
    runtime::reflector::ObjectRef,
};

use super::apply::{ApplyError, failed};
use crate::{context::Context, names::Names};

/// Deletes the data of an instance.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn delete_data(namespace: &str, names: &Names, ctx: &Context) -> Result<(), ApplyError> {
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

/// Deletes what an instance left behind that was deleted, unless another of its name has taken it up.
///
/// # Errors
/// When the API server does not answer as it should.
pub async fn delete_data_of_the_gone(holder: &Holder, ctx: &Context) -> Result<(), ApplyError> {
    let successor = ctx.stores.instances.get(&ObjectRef::new(&holder.name).within(&holder.namespace));
    if successor.is_some() {
        return Ok(());
    }
    delete_data(&holder.namespace, &Names::of(&holder.name), ctx).await
}
