//! What the operator is measured against: a client that does nothing but write and list the same objects. I/O: the API server.

use std::{fmt::Debug, time::Duration};

use anyhow::Result;
use ecqx_crds::{EcqxInstance, FqdnClaim, LicenseSet};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::StatefulSet,
        core::v1::{ConfigMap, Namespace, Pod, Secret, Service},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{Phase, subject::NAMESPACE};

/// As many instances at once as the operator looks at.
const WORKERS: usize = 16;

/// How the bare client writes.
#[derive(Clone, Copy)]
pub enum By {
    /// As most would: a create.
    Create,
    /// As the operator does, which has to own its fields later on: server-side apply, dearer for the API server.
    Apply,
}

impl By {
    /// The namespace of its copies.
    const fn namespace(self) -> &'static str {
        match self {
            Self::Create => "bench-created",
            Self::Apply => "bench-applied",
        }
    }
}

/// Writes copies of everything that the operator has made, as fast as the API server takes them, and in the operator's order: instance
/// by instance, the stateful set last, so that the control plane makes pods of them meanwhile as it does there.
pub async fn write_the_same(client: &Client, instances: usize, by: By) -> Result<Phase> {
    let metadata = ObjectMeta { name: Some(by.namespace().to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    let (secrets, maps, services) =
        (copies::<Secret>(client).await?, copies::<ConfigMap>(client).await?, copies::<Service>(client).await?);
    let (policies, budgets) = (copies::<NetworkPolicy>(client).await?, copies::<PodDisruptionBudget>(client).await?);
    let sets = copies::<StatefulSet>(client).await?;
    for found in [secrets.len(), maps.len(), services.len(), policies.len(), budgets.len(), sets.len()] {
        anyhow::ensure!(found == instances, "{found} objects of one kind, for {instances} instances");
    }
    let one = |n: usize| {
        let (secret, map, service) = (&secrets[n], &maps[n], &services[n]);
        let (policy, budget, set) = (&policies[n], &budgets[n], &sets[n]);
        async move {
            tokio::try_join!(
                write(client, secret, by),
                write(client, map, by),
                write(client, service, by),
                write(client, policy, by),
                write(client, budget, by)
            )?;
            write(client, set, by).await
        }
    };
    let started = Instant::now();
    stream::iter(0..instances).map(one).buffer_unordered(WORKERS).try_for_each(|()| async { Ok(()) }).await?;
    Ok(Phase { writes: 6 * instances, took: started.elapsed() })
}

async fn copies<K>(client: &Client) -> Result<Vec<K>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let source: Api<K> = Api::namespaced(client.clone(), NAMESPACE);
    // What the control plane puts into each namespace is not the operator's.
    let ours =
        source.list(&ListParams::default()).await?.items.into_iter().filter(|o| o.name_any().starts_with("ecqx-"));
    Ok(ours.map(stripped).collect())
}

async fn write<K>(client: &Client, copy: &K, by: By) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
{
    let target: Api<K> = Api::namespaced(client.clone(), by.namespace());
    match by {
        By::Create => target.create(&PostParams::default(), copy).await?,
        By::Apply => target.patch(&copy.name_any(), &PatchParams::apply("bench"), &Patch::Apply(copy)).await?,
    };
    Ok(())
}

/// The object as somebody would create it, without owner: the garbage collector would end a copy.
fn stripped<K: Resource>(mut object: K) -> K {
    let meta = object.meta_mut();
    *meta = ObjectMeta { name: meta.name.clone(), labels: meta.labels.clone(), ..ObjectMeta::default() };
    object
}

/// How long a bare client takes to list all that the operator watches.
pub async fn list_everything(client: &Client) -> Result<Duration> {
    let started = Instant::now();
    list::<EcqxInstance>(client).await?;
    list::<LicenseSet>(client).await?;
    list::<FqdnClaim>(client).await?;
    list::<ConfigMap>(client).await?;
    list::<Service>(client).await?;
    list::<NetworkPolicy>(client).await?;
    list::<PodDisruptionBudget>(client).await?;
    list::<StatefulSet>(client).await?;
    list::<Pod>(client).await?;
    Ok(started.elapsed())
}

async fn list<K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned>(client: &Client) -> Result<()> {
    let api: Api<K> = Api::all(client.clone());
    let mut page = ListParams::default().limit(500);
    loop {
        match api.list(&page).await?.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}
