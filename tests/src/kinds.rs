//! Installs the product's kinds in a test's API server. I/O: that API server.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{conditions, wait::await_condition},
};

/// Installs all kinds and waits until the API server serves them.
///
/// # Errors
/// When a definition is refused or not served within half a minute.
pub async fn install(client: &Client) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in ecqx_crds::all() {
        let name = definition.name_any();
        let params = PatchParams::apply("ecqx-tests").force();
        definitions
            .patch(&name, &params, &Patch::Apply(&definition))
            .await
            .with_context(|| format!("{name} refused"))?;
        let served = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(Duration::from_secs(30), served).await.with_context(|| format!("{name} not served"))??;
    }
    Ok(())
}
