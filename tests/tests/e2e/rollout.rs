//! Pods that change, and limits that change, while people talk; and a node that loses its kubelet.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecqx_crds::{Grant, LicenseSet, LicenseSetSpec, condition};
use ecqx_domain::{feature::Feature, ledger::Term};
use ecqx_tests::product::phones::Registrar;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    calls::active_calls,
    names::instance,
    stage::{PATIENCE, Stage, borrowed},
};

const NS: &str = "reseller-one";
/// How long the call lasts, and how long SIPp may take for it.
const CALL: [&str; 4] = ["-d", "60000", "-timeout", "90s"];
/// How long the kubelet is away: `ECQX_KUBELET_AWAY` seconds, fewer by default than until its node counts as lost.
const AWAY: Duration = Duration::from_secs(20);

pub async fn a_new_image_waits_for_a_call_of_a_minute_and_then_the_pod_changes(stage: Stage) -> Result<()> {
    instance(&stage, NS, "changes", "gyumri").await?;
    let at = stage.in_service(NS, "changes").await?;
    let phones = stage.phones(NS, "changes").await?;
    stage.register(&at, &phones).await?;
    let before = pod(&stage, "changes").await?;
    let call = long_call(&stage, &at, &phones[..1]);
    stage.eventually("the call is up", async || Ok(active_calls(&stage, NS, "changes").await? == 1)).await?;

    // The same image by its digest: another one to the kubelet, and to the StatefulSet.
    patch(&stage, "changes", json!({ "spec": { "pbx": { "image": image_id(&before)? } } })).await?;
    until_pending(&stage, "changes", "CallsInProgress").await?;
    stage.register(&at, &phones).await?;
    ensure!(!call.is_finished(), "the call was over before: nothing is shown");
    ensure!(pod(&stage, "changes").await?.uid() == before.uid(), "the pod changed during a call");
    call.await??;

    let ended = Instant::now();
    let downtime = downtime(&stage, "changes", &before, &phones[1]).await?;
    ensure!(pod(&stage, "changes").await?.uid() != before.uid(), "the pod is the same");
    println!(
        "rolling change of the image: a call of 60 s ended by itself; calls were possible again {:.1} s after it, having been \
         impossible for {:.1} s",
        ended.elapsed().as_secs_f64(),
        downtime.as_secs_f64()
    );
    stage.remove(NS, "changes").await
}

pub async fn an_image_that_cannot_be_had_is_left_again_at_once(stage: Stage) -> Result<()> {
    instance(&stage, NS, "mistaken", "vagharshapat").await?;
    stage.in_service(NS, "mistaken").await?;
    // A window that is closed now, whenever now is.
    let closed = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).saturating_add(jiff::Span::new().days(2));
    patch(&stage, "mistaken", json!({ "spec": { "pbx": { "image": "ecqx/no-such-image:1" } } })).await?;
    stage
        .eventually("its pod waits for an image", async || {
            let pod = stage.product.pods(NS).get_opt("ecqx-mistaken-0").await?;
            Ok(pod.is_some_and(|pod| waits_for_image(&pod)))
        })
        .await?;
    let window = json!({ "days": [closed.strftime("%A").to_string()], "start": "03:00", "duration": "1h" });
    patch(&stage, "mistaken", json!({ "spec": { "pbx": { "image": null }, "maintenanceWindow": window } })).await?;
    stage.product.until((NS, "mistaken"), (condition::READY, "True"), PATIENCE).await?;
    stage.product.until((NS, "mistaken"), (condition::ROLLOUT_PENDING, "False"), PATIENCE).await?;
    stage.remove(NS, "mistaken").await
}

pub async fn a_limit_changed_under_twenty_calls_cuts_none_and_is_kept_by_the_next_attempt(stage: Stage) -> Result<()> {
    instance(&stage, NS, "quick", "ijevan").await?;
    grant(&stage, "quick", 16).await?;
    let at = stage.in_service(NS, "quick").await?;
    stage.eventually("21 extensions", async || Ok(stage.phones(NS, "quick").await?.len() == 21)).await?;
    stage.product.until((NS, "quick"), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    let phones = stage.phones(NS, "quick").await?;
    stage.register(&at, &phones).await?;
    let before = pod(&stage, "quick").await?;
    let calls = long_call(&stage, &at, &phones[..20]);
    stage.eventually("20 calls are up", async || Ok(active_calls(&stage, NS, "quick").await? == 20)).await?;
    let last = [(phones[20].0.as_str(), phones[20].1.as_str())];
    for (extensions, is_enabled) in [(1, false), (16, true), (1, false), (16, true)] {
        grant(&stage, "quick", extensions).await?;
        let started = Instant::now();
        stage
            .eventually("the last extension is judged by the new limit", async || {
                let phones = &stage.product.phones;
                let judged = if is_enabled {
                    phones.register(&at, &last).await?
                } else {
                    phones.register_is_forbidden(&at, &last).await?
                };
                Ok(judged.success)
            })
            .await?;
        let took = started.elapsed().as_secs_f64();
        println!(
            "{extensions} licensed beside the base, under 20 calls: the next REGISTER was judged by it {took:.2} s after the change of \
             the LicenseSet"
        );
        ensure!(active_calls(&stage, NS, "quick").await? == 20, "a call was cut, or over: nothing is shown");
    }
    calls.await??;
    let after = pod(&stage, "quick").await?;
    ensure!(before.uid() == after.uid() && Stage::restarts(&after) == 0, "the pod was restarted");
    stage.remove(NS, "quick").await
}

pub async fn phones_and_limits_are_back_after_the_kubelet_was_away_and_the_pod_deleted(stage: Stage) -> Result<()> {
    if !stage.is_ours() {
        println!("the cluster is not ours: its kubelet is not stopped");
        return Ok(());
    }
    instance(&stage, NS, "away", "dilijan").await?;
    let at = stage.in_service(NS, "away").await?;
    let phones = stage.phones(NS, "away").await?;
    stage.register(&at, &phones).await?;
    let before = pod(&stage, "away").await?;
    let away = std::env::var("ECQX_KUBELET_AWAY").ok().and_then(|seconds| seconds.parse().ok());
    let away = away.map_or(AWAY, Duration::from_secs);
    let meanwhile = async {
        grant(&stage, "away", 2).await?;
        let deadline = Instant::now() + away;
        while Instant::now() < deadline {
            // Nothing can be run in a pod without a kubelet: what the operator says counts, which asks the PBX itself.
            let status = stage.product.instances(NS).get("away").await?.status.unwrap_or_default();
            ensure!(status.addresses == [at.address.clone()], "the name was taken out of the DNS: {status:#?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    };
    stage.without_kubelet(meanwhile).await?;
    stage.eventually("two extensions more", async || Ok(stage.phones(NS, "away").await?.len() == 7)).await?;
    stage.product.until((NS, "away"), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    let registered = usage(&stage, "away", "extensionsRegistered").await?;
    ensure!(registered == 5, "{registered} of 5 phones are there without registering anew");
    let all = stage.phones(NS, "away").await?;
    stage.register(&at, &all[5..6]).await?;
    grant(&stage, "away", 1).await?;
    let six = async || Ok(usage(&stage, "away", "extensionsEnabled").await? == 6);
    stage.eventually("the last is disabled", six).await?;
    ensure!(pod(&stage, "away").await?.uid() == before.uid(), "the pod was made anew for want of a kubelet");
    println!("the kubelet was away for {} s: the name led to the PBX all the while", away.as_secs());

    // The name server's pod was on the same node, and counted as lost with it.
    stage.eventually("the name server is back", async || Ok(stage.product.dig(&at.fqdn, "A").await.is_ok())).await?;
    stage.product.pods(NS).delete("ecqx-away-0", &DeleteParams::default()).await?;
    let deleted = Instant::now();
    let downtime = downtime(&stage, "away", &before, &all[0]).await?;
    let registered = usage(&stage, "away", "extensionsRegistered").await?;
    ensure!(registered == 6, "{registered} of 6 phones came back without registering anew");
    // With its own password: it is the limit that refuses it.
    stage.refused(&stage.in_service(NS, "away").await?, &all[6].0, &all[6].1).await?;
    println!(
        "pod deleted: calls were possible again after {:.1} s, having been impossible for {:.1} s",
        deleted.elapsed().as_secs_f64(),
        downtime.as_secs_f64()
    );
    stage.remove(NS, "away").await
}

/// For how long a phone that follows the DNS could make no call, from the first failure to the first success with another pod.
async fn downtime(stage: &Stage, name: &str, before: &Pod, phone: &(String, String)) -> Result<Duration> {
    let fqdn = stage.product.instances(NS).get(name).await?.status.and_then(|status| status.fqdn).context("no name")?;
    let (deadline, mut failing_since) = (Instant::now() + PATIENCE, None);
    loop {
        let asked = Instant::now();
        let is_up = match stage.product.dig(&fqdn, "A").await?.first() {
            None => false,
            Some(address) => {
                let at = Registrar { address: address.clone(), fqdn: fqdn.clone() };
                let phone = [(phone.0.as_str(), phone.1.as_str())];
                let quickly = ["-key", "target", "*43", "-d", "1", "-timeout", "2s"];
                stage.product.phones.sipp("call_echo.xml", &at, &phone, &quickly).await?.success
            }
        };
        let changed = stage.product.pods(NS).get_opt(&format!("ecqx-{name}-0")).await?;
        let changed = changed.is_some_and(|pod| pod.uid() != before.uid());
        match (is_up, failing_since) {
            (true, Some(since)) if changed => return Ok(asked.duration_since(since)),
            (true, None) if changed => return Ok(Duration::ZERO),
            (false, None) => failing_since = Some(asked),
            _ => {}
        }
        ensure!(asked < deadline, "{name} is not back within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each of these phones calls the echo test for a minute; the handle says whether all calls lasted.
fn long_call(stage: &Stage, at: &Registrar, phones: &[(String, String)]) -> JoinHandle<Result<()>> {
    let (stage, at, callers) = (stage.clone(), at.clone(), phones.to_vec());
    tokio::spawn(async move {
        let call = [&["-key", "target", "*43"], &CALL[..]].concat();
        let output = stage.product.phones.sipp("call_echo.xml", &at, &borrowed(&callers), &call).await?;
        ensure!(output.success, "not all calls lasted to their end:\n{}{}", output.stdout, output.stderr);
        Ok(())
    })
}

async fn until_pending(stage: &Stage, name: &str, reason: &str) -> Result<()> {
    stage
        .eventually(reason, async || {
            let status = stage.product.instances(NS).get(name).await?.status.unwrap_or_default();
            let pending = status.conditions.iter().find(|c| c.type_ == condition::ROLLOUT_PENDING);
            Ok(pending.is_some_and(|c| c.status == "True" && c.reason == reason))
        })
        .await
}

pub async fn usage(stage: &Stage, name: &str, field: &str) -> Result<u64> {
    let address = pod(stage, name).await?.status.and_then(|status| status.pod_ip).context("the pod has no address")?;
    let answer =
        stage.product.phones.get(&format!("http://{address}:8088/v1/status"), "Accept: application/json").await?;
    serde_json::from_str::<Value>(&answer.body)?["usage"][field].as_u64().context("no usage")
}

async fn pod(stage: &Stage, name: &str) -> Result<Pod> {
    Ok(stage.product.pods(NS).get(&format!("ecqx-{name}-0")).await?)
}

fn image_id(pod: &Pod) -> Result<String> {
    let container = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref()?.first());
    Ok(container.context("no container")?.image_id.clone())
}

fn waits_for_image(pod: &Pod) -> bool {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut waiting = containers.filter_map(|c| c.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    waiting.any(|reason| ["ErrImagePull", "ImagePullBackOff"].contains(&reason))
}

async fn patch(stage: &Stage, name: &str, patch: Value) -> Result<()> {
    stage.product.instances(NS).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

/// Licences of so many extensions beside the base.
pub async fn grant(stage: &Stage, name: &str, extensions: i32) -> Result<()> {
    let grant = Grant {
        id: "by-hand".to_owned(),
        feature: Feature::IpPhoneExtension,
        quantity: extensions,
        term: Term::Paid,
        granted_at: None,
        order_ref: None,
        days: None,
    };
    let set = LicenseSet::new(name, LicenseSetSpec { grants: vec![grant], ..LicenseSetSpec::default() });
    let by_hand = PatchParams::apply("somebody");
    stage.product.license_sets(NS).patch(name, &by_hand, &Patch::Apply(&set)).await?;
    Ok(())
}
