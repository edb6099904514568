//! What may be used over time, while people talk and phones register.

use anyhow::{Context, Result, ensure};
use ecqx_crds::{EcqxInstance, InstancePhase, LicenseSet, TrialPeriod, condition};
use ecqx_tests::product::shop;
use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    calls::{active_calls, begin_call},
    names::instance,
    stage::{PATIENCE, Stage},
};

/// Resellers of these tests alone: each has one trial.
const CONVERTS: (u64, &str) = (21, "reseller-21");
const ENDS: (u64, &str) = (22, "reseller-22");

pub async fn a_trial_is_converted_during_a_call_and_nothing_is_interrupted(stage: Stage) -> Result<()> {
    let (customer, namespace) = CONVERTS;
    stage.order(&trial_order(7001, customer, "tashir")).await?;
    let at = stage.in_service(namespace, "tashir").await?;
    let phones = stage.phones(namespace, "tashir").await?;
    stage.register(&at, &phones).await?;
    let before = stage.product.pods(namespace).get("ecqx-tashir-0").await?;
    let call = begin_call(&stage, &at, &phones[0]);
    stage.eventually("the call is up", async || Ok(active_calls(&stage, namespace, "tashir").await? == 1)).await?;

    stage.order(&conversion(7002, customer, "tashir", 3)).await?;
    until_phase(&stage, namespace, "tashir", InstancePhase::Paid).await?;
    stage.product.until((namespace, "tashir"), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    ensure!(active_calls(&stage, namespace, "tashir").await? == 1, "the call was over before: nothing is shown");
    call.await??;
    let after = stage.product.pods(namespace).get("ecqx-tashir-0").await?;
    ensure!(before.uid() == after.uid() && Stage::restarts(&after) == 0, "the pod is another");
    let again = stage.phones(namespace, "tashir").await?;
    ensure!(again[..phones.len()] == phones && again.len() == 8, "5 of the base and 3 bought: {}", again.len());
    stage.register(&at, &again).await?;
    // Beyond the time at which the trial would have ended.
    let trial = trial(&stage.product.instances(namespace).get("tashir").await?)?;
    stage.eventually("the trial's end has passed", async || Ok(Timestamp::now() > trial.ends_at.0 + SECOND)).await?;
    stage.register(&at, &again).await?;
    stage.remove(namespace, "tashir").await
}

pub async fn a_trial_ends_during_a_call_which_goes_on_while_no_new_one_is_let_in(stage: Stage) -> Result<()> {
    let (customer, namespace) = ENDS;
    stage.order(&trial_order(7003, customer, "spitak")).await?;
    let at = stage.in_service(namespace, "spitak").await?;
    let phones = stage.phones(namespace, "spitak").await?;
    stage.register(&at, &phones).await?;
    let started = async || {
        let instance = stage.product.instances(namespace).get("spitak").await?;
        Ok(instance.status.is_some_and(|status| status.trial.is_some()))
    };
    stage.eventually("the trial has started", started).await?;
    let ends_at = trial(&stage.product.instances(namespace).get("spitak").await?)?.ends_at.0;
    stage.eventually("the end is near", async || Ok(Timestamp::now() > ends_at - SECOND * 6)).await?;
    let call = begin_call(&stage, &at, &phones[0]);
    stage.eventually("the call is up", async || Ok(active_calls(&stage, namespace, "spitak").await? == 1)).await?;
    ensure!(Timestamp::now() < ends_at, "the call began too late to show anything");

    until_phase(&stage, namespace, "spitak", InstancePhase::Ended).await?;
    stage.product.until((namespace, "spitak"), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    stage.product.until_resolves(&at.fqdn, false, PATIENCE).await?;
    let caller = [(phones[1].0.as_str(), phones[1].1.as_str())];
    let refused = stage.product.phones.sipp("call_403.xml", &at, &caller, &["-key", "target", "*43"]).await?;
    ensure!(refused.success, "a new call was not refused:\n{}{}", refused.stdout, refused.stderr);
    ensure!(active_calls(&stage, namespace, "spitak").await? == 1, "the call was cut, or over: nothing is shown");
    call.await??;
    let pods = stage.product.pods(namespace);
    stage
        .eventually("the pod goes when its last call is over", async || {
            Ok(pods.get_opt("ecqx-spitak-0").await?.is_none())
        })
        .await?;

    // What was tried comes back by being bought: same name, same passwords, same data.
    stage.order(&conversion(7004, customer, "spitak", 0)).await?;
    let again = stage.in_service(namespace, "spitak").await?;
    ensure!(again.fqdn == at.fqdn && stage.phones(namespace, "spitak").await? == phones, "it came back as another");
    stage.register(&again, &phones).await?;
    stage.remove(namespace, "spitak").await
}

pub async fn a_decrease_takes_effect_while_phones_register_and_the_pod_stays(stage: Stage) -> Result<()> {
    let (namespace, name) = ("reseller-one", "shrinks");
    // Two months ago eight were bought, and five weeks ago three of them given up: that has been due for days.
    let days_ago = |days: i64| Timestamp::now() - SignedDuration::from_hours(24 * days);
    let mut licenses = json!({ "grants": [
        { "id": "bought", "feature": "IpPhoneExtension", "quantity": 8, "grantedAt": days_ago(62) },
    ] });
    instance(&stage, namespace, name, "alaverdi").await?;
    apply(&stage, namespace, name, &licenses).await?;
    let at = stage.in_service(namespace, name).await?;
    stage.eventually("13 extensions", async || Ok(stage.phones(namespace, name).await?.len() == 13)).await?;
    stage.product.until((namespace, name), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    let phones = stage.phones(namespace, name).await?;
    stage.register(&at, &phones).await?;
    let before = stage.product.pods(namespace).get("ecqx-shrinks-0").await?;

    licenses["changes"] = json!([{
        "id": "fewer", "service": "IpPhoneExtension", "kind": "Decrease", "newQuantity": 5, "requestedAt": days_ago(35),
    }]);
    let kept = &phones[..10];
    let (decreased, registered) =
        tokio::join!(apply(&stage, namespace, name, &licenses), register_on(&stage, &at, kept));
    decreased?;
    registered?;
    let status =
        async || -> Result<_> { Ok(stage.product.instances(namespace).get(name).await?.status.unwrap_or_default()) };
    stage
        .eventually("three are disabled", async || Ok(status().await?.disabled_extensions == ["111", "112", "113"]))
        .await?;
    stage.product.until((namespace, name), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    stage.register(&at, kept).await?;
    for (number, password) in &phones[10..] {
        stage.refused(&at, number, password).await?;
    }
    let after = stage.product.pods(namespace).get("ecqx-shrinks-0").await?;
    ensure!(before.uid() == after.uid() && Stage::restarts(&after) == 0, "the pod was restarted");
    stage.remove(namespace, name).await
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Registers these phones ten times over: each time all of them get 200.
async fn register_on(
    stage: &Stage,
    at: &ecqx_tests::product::phones::Registrar,
    phones: &[(String, String)],
) -> Result<()> {
    for _ in 0..10 {
        stage.register(at, phones).await?;
    }
    Ok(())
}

async fn apply(stage: &Stage, namespace: &str, name: &str, spec: &Value) -> Result<()> {
    let set = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet", "metadata": { "name": name }, "spec": spec,
    });
    let params = PatchParams::apply("somebody").force();
    stage
        .product
        .license_sets(namespace)
        .patch(name, &params, &Patch::<LicenseSet>::Apply(serde_json::from_value(set)?))
        .await?;
    Ok(())
}

fn trial_order(number: u64, customer: u64, hostname: &str) -> Value {
    let mut order = shop::ecqx_order(number, 0, hostname);
    order["customer_id"] = json!(customer);
    order["payment_method"] = json!("trial");
    order
}

/// A paid order that names the instance on trial as its device.
fn conversion(number: u64, customer: u64, device: &str, extensions: u32) -> Value {
    let mut order = shop::ecqx_order(number, extensions, "");
    order["customer_id"] = json!(customer);
    for line in order["line_items"].as_array_mut().into_iter().flatten() {
        line["meta_data"] = json!([{ "key": "device", "value": device }]);
    }
    order
}

fn trial(instance: &EcqxInstance) -> Result<TrialPeriod> {
    instance.status.as_ref().and_then(|status| status.trial.clone()).context("no trial")
}

async fn until_phase(stage: &Stage, namespace: &str, name: &str, phase: InstancePhase) -> Result<()> {
    stage
        .eventually(&format!("{name} is {phase:?}"), async || {
            let instance = stage.product.instances(namespace).get(name).await?;
            Ok(instance.status.and_then(|status| status.phase) == Some(phase))
        })
        .await
}
