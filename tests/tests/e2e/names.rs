//! Names: one holder each, in the DNS only while in service, kept when the instance goes.

use anyhow::{Context, Result, ensure};
use ecqx_crds::{EcqxInstance, EcqxInstanceSpec, FqdnClaim, condition};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Namespace, Secret, Service},
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::stage::{PATIENCE, Stage};

/// Makes a namespace and an instance in it.
pub async fn instance(stage: &Stage, namespace: &str, name: &str, hostname: &str) -> Result<EcqxInstance> {
    let object = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": { "name": namespace, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
    let namespaces: Api<Namespace> = Api::all(stage.product.client.clone());
    namespaces.patch(namespace, &PatchParams::apply("ecqx-tests"), &Patch::Apply(object)).await?;
    Ok(stage
        .product
        .instances(namespace)
        .create(&PostParams::default(), &EcqxInstance::new(name, EcqxInstanceSpec::of(hostname)))
        .await?)
}

pub async fn two_instances_that_want_one_name_one_wins_and_the_other_says_so(stage: Stage) -> Result<()> {
    let (one, two) = tokio::try_join!(
        instance(&stage, "reseller-one", "one", "meghri"),
        instance(&stage, "reseller-two", "two", "meghri")
    )?;
    drop((one, two));
    let ready = async |object| stage.product.until(object, (condition::HOSTNAME_CLAIMED, "True"), PATIENCE).await;
    let lost = async |object| stage.product.until(object, (condition::STALLED, "True"), PATIENCE).await;
    let (first, second) = (("reseller-one", "one"), ("reseller-two", "two"));
    let (winner, loser, told) = tokio::select! {
        _ = ready(first) => (first, second, lost(second).await?),
        _ = ready(second) => (second, first, lost(first).await?),
    };
    let message = told.status.context("no status")?.conditions;
    let claimed = message.iter().find(|c| c.type_ == condition::HOSTNAME_CLAIMED).context("no condition")?;
    ensure!(claimed.status == "False" && claimed.message.contains("meghri.epygicloud.com is held"), "{claimed:?}");
    ensure!(!claimed.message.contains(winner.0), "the other tenant is named: {}", claimed.message);
    stage.in_service(winner.0, winner.1).await?;
    let pod = stage.product.pods(loser.0).get_opt(&format!("ecqx-{}-0", loser.1)).await?;
    ensure!(pod.is_none(), "the loser has a pod");
    stage.remove(loser.0, loser.1).await?;
    stage.remove(winner.0, winner.1).await
}

pub async fn a_suspended_instance_leaves_the_dns_and_comes_back_with_its_data(stage: Stage) -> Result<()> {
    instance(&stage, "reseller-one", "rests", "agarak").await?;
    let at = stage.in_service("reseller-one", "rests").await?;
    let phones = stage.phones("reseller-one", "rests").await?;
    let suspend = async |suspended: bool| {
        let patch = Patch::Merge(json!({ "spec": { "suspended": suspended } }));
        stage.product.instances("reseller-one").patch("rests", &PatchParams::default(), &patch).await
    };
    suspend(true).await?;
    stage.product.until_resolves(&at.fqdn, false, PATIENCE).await?;
    let pods = stage.product.pods("reseller-one");
    stage.eventually("no pod", async || Ok(pods.get_opt("ecqx-rests-0").await?.is_none())).await?;
    suspend(false).await?;
    stage.product.until_resolves(&at.fqdn, true, PATIENCE).await?;
    let again = stage.in_service("reseller-one", "rests").await?;
    ensure!(stage.phones("reseller-one", "rests").await? == phones, "the passwords changed");
    stage.register(&again, &phones).await?;
    stage.remove("reseller-one", "rests").await
}

pub async fn a_deleted_instance_takes_children_and_name_with_it_and_keeps_its_claim(stage: Stage) -> Result<()> {
    instance(&stage, "reseller-one", "leaves", "vayk").await?;
    let at = stage.in_service("reseller-one", "leaves").await?;
    stage.remove("reseller-one", "leaves").await?;
    stage.product.until_resolves(&at.fqdn, false, PATIENCE).await?;
    let client = || stage.product.client.clone();
    let (sets, services): (Api<StatefulSet>, Api<Service>) =
        (Api::namespaced(client(), "reseller-one"), Api::namespaced(client(), "reseller-one"));
    let (maps, secrets): (Api<ConfigMap>, Api<Secret>) =
        (Api::namespaced(client(), "reseller-one"), Api::namespaced(client(), "reseller-one"));
    stage
        .eventually("the children are gone", async || {
            Ok(sets.get_opt("ecqx-leaves").await?.is_none()
                && services.get_opt("ecqx-leaves").await?.is_none()
                && maps.get_opt("ecqx-leaves-limits").await?.is_none()
                && secrets.get_opt("ecqx-leaves-sip").await?.is_none())
        })
        .await?;
    let claims: Api<FqdnClaim> = Api::all(client());
    let claim = claims.get("vayk.epygicloud.com").await?;
    ensure!(claim.spec.holder.name == "leaves", "{:?}", claim.spec);
    Ok(())
}
