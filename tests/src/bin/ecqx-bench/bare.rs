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
    api::{ListParams, ObjectMeta, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{Phase, subject::NAMESPACE};

/// The bare client's namespace.
const COPY: &str = "bench-copy";
/// As many requests at once as the operator makes.
const WORKERS: usize = 16;

/// Creates copies of everything that the operator has made, as fast as the API server takes them.
pub async fn create_the_same(client: &Client, instances: usize) -> Result<Phase> {
    let metadata = ObjectMeta { name: Some(COPY.to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    let mut phase = Phase { writes: 0, took: Duration::ZERO };
    copy::<Secret>(client, &mut phase).await?;
    copy::<ConfigMap>(client, &mut phase).await?;
    copy::<Service>(client, &mut phase).await?;
    copy::<NetworkPolicy>(client, &mut phase).await?;
    copy::<PodDisruptionBudget>(client, &mut phase).await?;
    copy::<StatefulSet>(client, &mut phase).await?;
    anyhow::ensure!(phase.writes == 6 * instances, "{} copies of {instances} instances' objects", phase.writes);
    Ok(phase)
}

async fn copy<K>(client: &Client, phase: &mut Phase) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
{
    let source: Api<K> = Api::namespaced(client.clone(), NAMESPACE);
    let target: Api<K> = Api::namespaced(client.clone(), COPY);
    // What the control plane puts into each namespace is not the operator's.
    let ours =
        source.list(&ListParams::default()).await?.items.into_iter().filter(|o| o.name_any().starts_with("ecqx-"));
    let copies: Vec<K> = ours.map(stripped).collect();
    phase.writes += copies.len();
    let started = Instant::now();
    let create = |copy: K| {
        let target = target.clone();
        async move { target.create(&PostParams::default(), &copy).await }
    };
    stream::iter(copies).map(create).buffer_unordered(WORKERS).try_for_each(|_| async { Ok(()) }).await?;
    phase.took += started.elapsed();
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
