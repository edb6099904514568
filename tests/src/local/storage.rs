//! The local cluster's own stand-in for a CSI driver: makes a folder and a `local` volume for each claim that is to be bound, and
//! removes both when the claim has gone. Watches and writes through the API; writes nothing at rest.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{
    core::v1::{PersistentVolume, PersistentVolumeClaim},
    storage::v1::StorageClass,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

/// The storage class that claims get which name none.
const CLASS: &str = "local-path";

/// Who provisions it.
const PROVISIONER: &str = "ecqx.epygicloud.com/local";

/// Set by the scheduler on a claim whose first pod it has placed.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Makes the storage class and makes it the default.
pub(super) async fn create_class(client: &Client) -> Result<()> {
    let class: StorageClass = serde_json::from_value(json!({
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        // The volume is on one node: the pod's place must be known first.
        "volumeBindingMode": "WaitForFirstConsumer",
    }))?;
    Api::all(client.clone()).create(&PostParams::default(), &class).await.context("cannot make the storage class")?;
    Ok(())
}

/// Serves claims until the cluster ends. What fails is tried again with the object's next event, and told in the supervisor's log.
pub(super) async fn provision(client: Client, volumes: PathBuf) {
    let claims = watcher(Api::<PersistentVolumeClaim>::all(client.clone()), watcher::Config::default());
    let claims = claims.default_backoff().applied_objects().map_ok(|claim| Seen::Claim(Box::new(claim))).boxed();
    let released = watcher(Api::<PersistentVolume>::all(client.clone()), watcher::Config::default());
    let released = released.default_backoff().applied_objects().map_ok(|volume| Seen::Volume(Box::new(volume))).boxed();
    let mut seen = futures::stream::select(claims, released);
    while let Some(event) = seen.next().await {
        let result = match event {
            Ok(Seen::Claim(claim)) => bind(&client, &volumes, &claim).await,
            Ok(Seen::Volume(volume)) => reclaim(&client, &volumes, &volume).await,
            // The API server is away; the watch comes back by itself.
            Err(_) => Ok(()),
        };
        if let Err(error) = result {
            eprintln!("local volumes: {error:#}");
        }
    }
}

enum Seen {
    Claim(Box<PersistentVolumeClaim>),
    Volume(Box<PersistentVolume>),
}

/// Makes the volume of a claim that waits for one.
async fn bind(client: &Client, volumes: &Path, claim: &PersistentVolumeClaim) -> Result<()> {
    let Some(spec) = &claim.spec else { return Ok(()) };
    let ours = spec.storage_class_name.as_deref() == Some(CLASS) && spec.volume_name.is_none();
    let (true, Some(node), Some(uid)) = (ours, claim.annotations().get(SELECTED_NODE), claim.uid()) else {
        return Ok(());
    };
    let name = format!("pvc-{uid}");
    let folder = volumes.join(&name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Any user: the pod's may be any, and the kubelet adds the pod's group.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
    let volume = volume(&name, &folder, node, claim)?;
    match Api::all(client.clone()).create(&PostParams::default(), &volume).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        created => created.map(drop).with_context(|| format!("cannot make the volume {name}")),
    }
}

fn volume(name: &str, folder: &Path, node: &str, claim: &PersistentVolumeClaim) -> Result<PersistentVolume> {
    let spec = claim.spec.as_ref().context("a claim without spec")?;
    Ok(serde_json::from_value(json!({
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": spec.resources.as_ref().and_then(|resources| resources.requests.clone()),
            "accessModes": spec.access_modes,
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": CLASS,
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim.name_any(), "namespace": claim.namespace(),
                "uid": claim.uid(),
            },
            "local": {"path": folder},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]},
            ]}},
        },
    }))?)
}

/// Removes the volume of a claim that has gone, unless it is to be kept.
async fn reclaim(client: &Client, volumes: &Path, volume: &PersistentVolume) -> Result<()> {
    let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
    let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    let ours = volume.annotations().get("pv.kubernetes.io/provisioned-by").is_some_and(|by| by == PROVISIONER);
    if !ours || phase != Some("Released") || policy != Some("Delete") || volume.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let name = volume.name_any();
    let folder = volumes.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    match Api::<PersistentVolume>::all(client.clone()).delete(&name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        deleted => deleted.map(drop).with_context(|| format!("cannot delete the volume {name}")),
    }
}
