//! A client for a cluster on this machine, and the questions that a start asks it.

use std::path::Path;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::{
    Api, Client, Config,
    api::{GetParams, ListParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::Request,
};

/// A client with the rights of the kubeconfig's current user.
///
/// # Errors
/// When the kubeconfig cannot be read or understood.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    Client::try_from(config(kubeconfig).await?)
        .with_context(|| format!("cannot make a client from {}", kubeconfig.display()))
}

/// The client's configuration, for tests that change something in it.
///
/// # Errors
/// As [`client`].
pub async fn config(kubeconfig: &Path) -> Result<Config> {
    let read = Kubeconfig::read_from(kubeconfig).with_context(|| format!("cannot read {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    config.with_context(|| format!("{} is no usable kubeconfig", kubeconfig.display()))
}

/// A client for a cluster that this crate started: never by way of a proxy that the environment names.
pub(super) async fn own_client(kubeconfig: &Path) -> Result<Client> {
    let mut config = config(kubeconfig).await?;
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}

/// Whether the API server says that it is ready.
pub(super) async fn is_ready(client: &Client) -> bool {
    // The path of no resource, but a GET all the same: /readyz.
    let Ok(request) = Request::new("").get("readyz", &GetParams::default()) else { return false };
    client.request_text(request).await.is_ok_and(|answer| answer == "ok")
}

/// Whether pods can be created: the controllers have made the default namespace's service account.
pub(super) async fn takes_pods(client: &Client) -> bool {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    accounts.get("default").await.is_ok()
}

/// Whether there is a node and each says that it is ready.
pub(super) async fn has_ready_node(client: &Client) -> bool {
    let Ok(nodes) = Api::<Node>::all(client.clone()).list(&ListParams::default()).await else { return false };
    let is_ready = |node: &Node| {
        let conditions = node.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
        conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    !nodes.items.is_empty() && nodes.iter().all(is_ready)
}
