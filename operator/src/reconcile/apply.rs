//! Step four: writes what differs from what should be, and nothing else. I/O: server-side apply.

use std::{fmt::Debug, sync::Arc};

use ecqx_crds::EcqxInstance;
use futures::FutureExt;
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Pod, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde::{Serialize, de::DeserializeOwned};

use super::dereference::Dereferenced;
use crate::{
    build::{Desired, secret},
    context::Context,
    names,
    naming::endpoint::DnsEndpoint,
    status::Observed,
    validate::ValidatedInstance,
};

pub use error::{ApplyError, failed};

pub mod difference;
pub mod error;
mod quantity;

/// Writes all of an instance's objects that differ from what should be. The pod comes last, when all that it mounts is there.
///
/// # Errors
/// At the first write that fails.
pub async fn apply(
    instance: &ValidatedInstance,
    desired: Desired,
    there: &Dereferenced,
    ctx: &Context,
) -> Result<(), ApplyError> {
    let client = &ctx.client;
    let (secret, config_map, service, load_balancer, network_policy, disruption_budget) = tokio::join!(
        apply_secret(instance, there.secret.as_ref(), client),
        apply_one(desired.config_map, there.config_map.as_deref(), instance, client),
        apply_one(desired.service, there.service.as_deref(), instance, client),
        apply_optional(desired.load_balancer, there.load_balancer.as_deref(), instance, client),
        apply_one(desired.network_policy, there.network_policy.as_deref(), instance, client),
        apply_one(desired.disruption_budget, there.disruption_budget.as_deref(), instance, client),
    );
    let beside = secret.and(config_map).and(service).and(load_balancer).and(network_policy).and(disruption_budget);
    // A pod that is to go does not stay because something beside it is refused.
    if instance.runs {
        beside?;
        return apply_one(desired.stateful_set, there.stateful_set.as_deref(), instance, client).await;
    }
    beside.and(apply_one(desired.stateful_set, there.stateful_set.as_deref(), instance, client).await)
}

/// Touches the pod when its PBX runs with other limits than the written ones, so that the kubelet brings the new file at once
/// rather than at its next round. Returns true when it did.
///
/// # Errors
/// When the pod cannot be patched.
pub async fn nudge_kubelet(
    instance: &ValidatedInstance,
    observed: &Observed,
    there: &Dereferenced,
    ctx: &Context,
) -> Result<bool, ApplyError> {
    let (Some(pod), Some(agent)) = (&there.pod, &observed.agent) else { return Ok(false) };
    let wanted = &instance.limits.generation;
    let told = pod.annotations().get(names::LIMITS_GENERATION) == Some(wanted);
    if told || agent.applied_generation.as_ref() == Some(wanted) {
        return Ok(false);
    }
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &instance.namespace);
    // With the UID: a pod made anew under the name reads the newest file anyway and must not be mistaken for this one.
    let patch = serde_json::json!({
        "metadata": { "uid": pod.uid(), "annotations": { names::LIMITS_GENERATION: wanted } }
    });
    let answer = pods.patch_metadata(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
    answer.map_err(failed("touch", "Pod", &instance.namespace, &pod.name_any()))?;
    Ok(true)
}

async fn apply_secret(
    instance: &ValidatedInstance,
    existing: Option<&Secret>,
    client: &Client,
) -> Result<(), ApplyError> {
    if let Some(existing) = existing {
        own(existing, instance)?;
    }
    let Some(secret) = secret::build(instance, existing, &mut rand::rng()) else { return Ok(()) };
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &instance.namespace);
    let name = secret.name_any();
    let answer = if existing.is_some() {
        secrets.patch(&name, &force(), &Patch::Apply(&secret)).await
    } else {
        // A create, so that of two writers who both found none, one decides on the passwords.
        secrets.create(&PostParams::default(), &secret).await
    };
    answer.map(drop).map_err(failed("write", "Secret", &instance.namespace, &name))
}

/// What is handed over to external-dns: the records of an instance that has a name, and nothing for one that has none.
///
/// # Errors
/// When the write fails. One that is refused, or whose kind is not installed, is told of and costs the instance nothing else.
pub async fn hand_over(
    instance: &ValidatedInstance,
    endpoint: Option<DnsEndpoint>,
    there: &Dereferenced,
    ctx: &Context,
) -> Result<(), ApplyError> {
    let Some(store) = &ctx.stores.dns_endpoints else { return Ok(()) };
    // Before the first list, absent means nothing.
    if !matches!(store.wait_until_ready().now_or_never(), Some(Ok(()))) {
        tracing::debug!(instance = %instance.name, "DNSEndpoint objects are not known yet; is their kind installed?");
        return Ok(());
    }
    match apply_optional(endpoint, there.dns_endpoint.as_deref(), instance, &ctx.client).await {
        Err(error) if error.is_refusal() => {
            tracing::warn!(%error, "what external-dns is to bring to its provider is refused");
            Ok(())
        }
        answer => answer,
    }
}

/// Withdraws what was handed over for an instance that can go no further.
///
/// # Errors
/// When it cannot be deleted.
pub async fn withdraw(instance: &EcqxInstance, there: &Dereferenced, ctx: &Context) -> Result<(), ApplyError> {
    let is_its = |live: &&Arc<DnsEndpoint>| {
        live.owner_references().iter().any(|owner| Some(&owner.uid) == instance.metadata.uid.as_ref())
    };
    match there.dns_endpoint.as_ref().filter(is_its) {
        Some(live) => delete(live.as_ref(), &instance.namespace().unwrap_or_default(), &ctx.client).await,
        None => Ok(()),
    }
}

/// An object that an instance may do without: it goes when it is wanted no more.
async fn apply_optional<K>(
    desired: Option<K>,
    live: Option<&K>,
    instance: &ValidatedInstance,
    client: &Client,
) -> Result<(), ApplyError>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    if let Some(desired) = desired {
        return apply_one(desired, live, instance, client).await;
    }
    match live.filter(|live| live.meta().deletion_timestamp.is_none() && own(*live, instance).is_ok()) {
        Some(live) => delete(live, &instance.namespace, client).await,
        None => Ok(()),
    }
}

/// Deletes the object that was seen, and none that was made anew under its name.
async fn delete<K>(live: &K, namespace: &str, client: &Client) -> Result<(), ApplyError>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let seen = Preconditions { uid: live.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
    match api.delete(&live.name_any(), &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(failed("delete", &K::kind(&()), namespace, &live.name_any())(error)),
    }
}

async fn apply_one<K>(
    desired: K,
    live: Option<&K>,
    instance: &ValidatedInstance,
    client: &Client,
) -> Result<(), ApplyError>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    let (kind, namespace, name) = (K::kind(&()).into_owned(), instance.namespace.clone(), desired.name_any());
    let json = |source| ApplyError::Json { kind: kind.clone(), source };
    let mut prepared = difference::prepare(&desired).map_err(json)?;
    if let Some(live) = live {
        own(live, instance)?;
        if !difference::differs(&prepared, live).map_err(json)? {
            return Ok(());
        }
    }
    // With the UID: an object made anew under the name is another one, and is looked at before it is written to.
    prepared["metadata"]["uid"] = live.and_then(ResourceExt::uid).into();
    let params = if live.is_some() { force() } else { PatchParams::apply(names::FIELD_MANAGER) };
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    match api.patch(&name, &params, &Patch::Apply(&prepared)).await {
        Ok(_) => Ok(()),
        // Not forced, as none of ours is known: what is in the way has fields that somebody else has set.
        Err(kube::Error::Api(status)) if live.is_none() && status.is_conflict() => {
            Err(ApplyError::Foreign { kind, namespace, name })
        }
        Err(source) => Err(failed("apply", &kind, &namespace, &name)(source)),
    }
}

/// Refuses an object that was made for another than this instance. One that carries the operator's labels and no owner is
/// the instance's own: restored from a backup, or edited.
fn own<K: Resource<DynamicType = ()>>(live: &K, instance: &ValidatedInstance) -> Result<(), ApplyError> {
    let (kind, namespace, name) = (K::kind(&()).into_owned(), instance.namespace.clone(), live.name_any());
    match live.owner_references().iter().find(|owner| owner.controller == Some(true)) {
        Some(owner) if owner.uid == instance.uid => Ok(()),
        Some(owner) if (&owner.kind, &owner.name) == (&instance.owner.kind, &instance.name) => {
            Err(ApplyError::NotYetGone { kind, namespace, name })
        }
        None if live.labels().get(names::INSTANCE) == Some(&instance.name) => Ok(()),
        _ => Err(ApplyError::Foreign { kind, namespace, name }),
    }
}

/// Children are the operator's alone: a field that somebody else set is taken back.
fn force() -> PatchParams {
    PatchParams::apply(names::FIELD_MANAGER).force()
}
