//! What is licensed, and not one more: callers who want the last place at the same time.

use anyhow::{Context, Result, ensure};
use ecqx_crds::{Grant, LicenseSet, LicenseSetSpec, condition};
use ecqx_domain::{feature::Feature, ledger::Term};
use ecqx_tests::product::phones::Registrar;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    names::instance,
    stage::{PATIENCE, Stage, borrowed},
};

const NS: &str = "reseller-one";
/// How often nine callers race, unless `ECQX_RACES` says.
const RACES: usize = 20;
/// The port on which the called telephone listens.
const CALLED: [&str; 2] = ["-p", "17000"];

pub async fn of_nine_callers_at_once_four_are_let_into_the_conference_and_five_get_486_each_time(
    stage: Stage,
) -> Result<()> {
    let spec = json!({ "pbx": { "conferenceRooms": [{ "number": "801" }] } });
    let at = in_service(&stage, "confers", "sisian", spec, &[(Feature::IpPhoneExtension, 4)]).await?;
    let phones = stage.phones(NS, "confers").await?;
    ensure!(phones.len() == 9, "{} phones", phones.len());
    let races = std::env::var("ECQX_RACES").ok().and_then(|races| races.parse().ok()).unwrap_or(RACES);
    for race in 1..=races {
        let answers = attempts(&stage, &at, &phones, "801", "700").await?;
        ensure!(count(&answers, "200") == 4 && count(&answers, "486") == 5, "race {race} of {races}: {answers}");
        stage
            .eventually("everybody has left", async || {
                Ok(usage(&stage, "confers").await?["conferenceParticipants"] == 0)
            })
            .await?;
    }
    println!("conference of 4: {races} times nine at once, 4 let in and 5 answered with 486 each time");
    stage.remove(NS, "confers").await
}

pub async fn of_eight_calls_at_once_all_go_through_and_three_are_recorded(stage: Stage) -> Result<()> {
    let recorded: Vec<Value> = (101..=109).map(|n| json!({ "number": n.to_string(), "recording": "Always" })).collect();
    let grants = [(Feature::IpPhoneExtension, 4), (Feature::CallRecording, 3)];
    let at = in_service(&stage, "records", "artik", json!({ "pbx": { "extensions": recorded } }), &grants).await?;
    let phones = stage.phones(NS, "records").await?;
    let called = called(&stage, &at, &phones[0]);
    stage
        .eventually("the called telephone is there", async || {
            Ok(usage(&stage, "records").await?["extensionsRegistered"] == 1)
        })
        .await?;
    let calls = {
        let (stage, at, callers) = (stage.clone(), at.clone(), phones[1..].to_vec());
        // Long enough to be looked at on a busy machine too.
        tokio::spawn(async move { attempts(&stage, &at, &callers, "101", "10000").await })
    };
    let mut last = Value::Null;
    let up = stage.eventually("eight calls are up, three of them recorded", async || {
        last = usage(&stage, "records").await?;
        Ok(last["activeCalls"] == 8 && last["recordings"] == 3 || calls.is_finished())
    });
    up.await.with_context(|| format!("last seen: {last}"))?;
    let answers = calls.await??;
    ensure!(count(&answers, "200") == 8, "all go through: {answers}");
    let most = &agent(&stage, "records").await?["peak"];
    ensure!(most["activeCalls"] == 8 && most["recordings"] == 3, "at most: {most}; last seen: {last}");
    stage
        .eventually("the ports are free again", async || Ok(usage(&stage, "records").await?["recordings"] == 0))
        .await?;
    called.abort();
    stage.remove(NS, "records").await
}

/// An instance with these licences beside its base configuration.
async fn in_service(
    stage: &Stage,
    name: &str,
    hostname: &str,
    spec: Value,
    licences: &[(Feature, i32)],
) -> Result<Registrar> {
    let grant = |(feature, quantity): &(Feature, i32)| Grant {
        id: feature.name().to_lowercase(),
        feature: *feature,
        quantity: *quantity,
        term: Term::Paid,
        granted_at: None,
        order_ref: None,
        days: None,
    };
    let grants = licences.iter().map(grant).collect();
    let set = LicenseSet::new(name, LicenseSetSpec { grants, ..LicenseSetSpec::default() });
    instance(stage, NS, name, hostname).await?;
    let by_hand = PatchParams::apply("somebody");
    stage.product.license_sets(NS).patch(name, &by_hand, &Patch::Apply(&set)).await?;
    let patch = Patch::Merge(json!({ "spec": spec }));
    stage.product.instances(NS).patch(name, &PatchParams::default(), &patch).await?;
    let at = stage.in_service(NS, name).await?;
    stage.eventually("nine extensions", async || Ok(usage(stage, name).await?["extensionsEnabled"] == 9)).await?;
    stage.product.until((NS, name), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    Ok(at)
}

/// All of these call at once; a line for each with its answer.
async fn attempts(
    stage: &Stage,
    at: &Registrar,
    phones: &[(String, String)],
    target: &str,
    milliseconds: &str,
) -> Result<String> {
    let log = format!("/tmp/answers-{target}-{}", at.fqdn);
    let more = ["-key", "target", target, "-d", milliseconds, "-r", "1000", "-trace_logs", "-log_file", &log];
    // The client's own limit is for short attempts; the last one counts.
    let more = [&more[..], &["-timeout", "60s"]].concat();
    stage.product.phones.run(&["rm", "-f", &log], "").await?;
    let output = stage.product.phones.sipp("race.xml", at, &borrowed(phones), &more).await?;
    ensure!(output.success, "the attempts went otherwise:\n{}{}", output.stdout, output.stderr);
    Ok(stage.product.phones.run(&["cat", &log], "").await?.stdout)
}

fn count(answers: &str, code: &str) -> usize {
    answers.lines().filter(|line| line.trim() == format!("answer {code}")).count()
}

/// A registered telephone that answers all calls, for as long as the test takes.
fn called(stage: &Stage, at: &Registrar, phone: &(String, String)) -> tokio::task::JoinHandle<Result<()>> {
    let (stage, at, phone) = (stage.clone(), at.clone(), phone.clone());
    tokio::spawn(async move {
        let phone = [(phone.0.as_str(), phone.1.as_str())];
        let answers = ["-oocsf", "/phones/uas.xml", "-aa", "-d", "30000", "-key", "expires", "300", "-timeout", "60s"];
        let more: Vec<&str> = CALLED.into_iter().chain(answers).collect();
        stage.product.phones.sipp("phone.xml", &at, &phone, &more).await.map(drop)
    })
}

/// What is in use, as the PBX itself says.
async fn usage(stage: &Stage, name: &str) -> Result<Value> {
    Ok(agent(stage, name).await?["usage"].clone())
}

/// What the PBX says of itself.
async fn agent(stage: &Stage, name: &str) -> Result<Value> {
    let pod = stage.product.pods(NS).get(&format!("ecqx-{name}-0")).await?;
    let address = pod.status.and_then(|status| status.pod_ip).context("the pod has no address")?;
    let url = format!("http://{address}:8088/v1/status");
    let answer = stage.product.phones.get(&url, "Accept: application/json").await?;
    serde_json::from_str(&answer.body).with_context(|| format!("{}: {}", answer.code, answer.body))
}
