//! Changes of limits while people talk.

use anyhow::{Context, Result, ensure};
use ecqx_crds::{Grant, LicenseSet, LicenseSetSpec, condition};
use ecqx_domain::{feature::Feature, ledger::Term};
use ecqx_tests::product::phones::Registrar;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use tokio::task::JoinHandle;

use crate::{
    names::instance,
    stage::{PATIENCE, Stage},
};

const NS: &str = "reseller-one";
/// How long the call lasts: well beyond the change of limits, which takes seconds.
const CALL_MILLISECONDS: &str = "15000";

pub async fn a_licence_more_registers_the_next_phone_while_a_call_goes_on_and_the_pod_stays(
    stage: Stage,
) -> Result<()> {
    instance(&stage, NS, "talks", "jermuk").await?;
    let at = stage.in_service(NS, "talks").await?;
    let phones = stage.phones(NS, "talks").await?;
    stage.register(&at, &phones).await?;
    stage.refused(&at, "106", "guessed").await?;
    let pod = stage.product.pods(NS).get("ecqx-talks-0").await?;

    let call = begin_call(&stage, &at, &phones[0]);
    stage.eventually("the call is up", async || Ok(active_calls(&stage, NS, "talks").await? == 1)).await?;
    grant(&stage, 1).await?;
    stage
        .eventually("six extensions", async || {
            let status = stage.product.instances(NS).get("talks").await?.status.unwrap_or_default();
            Ok(status.limits.get("IpPhoneExtension") == Some(&6))
        })
        .await?;
    stage.product.until((NS, "talks"), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    let phones = stage.phones(NS, "talks").await?;
    stage.register(&at, &phones[5..]).await?;
    ensure!(
        active_calls(&stage, NS, "talks").await? == 1,
        "the call was over before the limit was raised: nothing is shown"
    );
    call.await??;

    let same = stage.product.pods(NS).get("ecqx-talks-0").await?;
    ensure!(same.uid() == pod.uid() && Stage::restarts(&same) == 0, "the pod was restarted");
    stage.remove(NS, "talks").await
}

/// A phone calls the echo test, which answers and goes on until the caller hangs up; the handle says whether the call lasted.
pub fn begin_call(stage: &Stage, at: &Registrar, phone: &(String, String)) -> JoinHandle<Result<()>> {
    let (stage, at, caller) = (stage.clone(), at.clone(), phone.clone());
    tokio::spawn(async move {
        let caller = [(caller.0.as_str(), caller.1.as_str())];
        let call = ["-key", "target", "*43", "-d", CALL_MILLISECONDS];
        let output = stage.product.phones.sipp("call_echo.xml", &at, &caller, &call).await?;
        ensure!(output.success, "the call did not last to its end:\n{}{}", output.stdout, output.stderr);
        Ok(())
    })
}

async fn grant(stage: &Stage, extensions: i32) -> Result<()> {
    let grant = Grant {
        id: "by-hand".to_owned(),
        feature: Feature::IpPhoneExtension,
        quantity: extensions,
        term: Term::Paid,
        granted_at: None,
        order_ref: None,
        days: None,
    };
    let set = LicenseSet::new("talks", LicenseSetSpec { grants: vec![grant], ..LicenseSetSpec::default() });
    let by_hand = PatchParams::apply("somebody");
    stage.product.license_sets(NS).patch("talks", &by_hand, &Patch::Apply(&set)).await?;
    Ok(())
}

/// Calls in progress, as the PBX itself says.
pub async fn active_calls(stage: &Stage, namespace: &str, name: &str) -> Result<u64> {
    let pod = stage.product.pods(namespace).get(&format!("ecqx-{name}-0")).await?;
    let address = pod.status.and_then(|status| status.pod_ip).context("the pod has no address")?;
    let answer =
        stage.product.phones.get(&format!("http://{address}:8088/v1/status"), "Accept: application/json").await?;
    let status: serde_json::Value = serde_json::from_str(&answer.body)?;
    status["usage"]["activeCalls"].as_u64().context("no usage")
}
