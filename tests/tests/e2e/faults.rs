//! Killed in the middle, the parts come to the same end.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use ecqx_tests::product::{RESELLER, phones::Registrar, shop};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{Api, ResourceExt};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    names::instance,
    rollout::{grant, usage},
    stage::Stage,
};

const NS: &str = "reseller-one";

pub async fn operator_and_bridge_killed_in_the_middle_come_to_the_same_end(stage: Stage) -> Result<()> {
    for (round, hostname) in ["artsvanik", "shinuhayr", "khndzoresk"].into_iter().enumerate() {
        let order = shop::ecqx_order(3001 + round as u64, 2, hostname);
        let delivery = {
            let (stage, order) = (stage.clone(), order.clone());
            tokio::spawn(async move { stage.product.deliver(&order.to_string()).await })
        };
        // Each round a little later, so that the kill falls between other writes.
        tokio::time::sleep(std::time::Duration::from_millis(150 * round as u64)).await;
        tokio::try_join!(stage.kill_part("bridge"), stage.kill_part("operator"))?;
        // The shop delivers again what was not answered; what was answered is finished without it.
        let answered = delivery.await?.is_ok_and(|answer| answer.code < 300);
        if !answered {
            stage
                .eventually("the bridge takes the order", async || {
                    Ok(stage.product.deliver(&order.to_string()).await.is_ok_and(|answer| answer.code < 300))
                })
                .await?;
        }
        let at = stage.in_service(RESELLER.1, hostname).await?;
        let phones = stage.phones(RESELLER.1, hostname).await?;
        ensure!(phones.len() == 7, "{hostname} has {} extensions", phones.len());
        stage.register(&at, &phones).await?;
        stage.remove(RESELLER.1, hostname).await?;
    }
    Ok(())
}

pub async fn asterisk_killed_and_the_agent_killed_phones_and_limits_are_back_by_themselves(stage: Stage) -> Result<()> {
    if !stage.is_ours() {
        println!("the cluster is not ours: the processes of its pods are not killed");
        return Ok(());
    }
    instance(&stage, NS, "survives", "vardenis").await?;
    grant(&stage, "survives", 2).await?;
    let at = stage.in_service(NS, "survives").await?;
    stage
        .eventually("seven extensions", async || Ok(usage(&stage, "survives", "extensionsEnabled").await? == 7))
        .await?;
    grant(&stage, "survives", 1).await?;
    stage
        .eventually("one of them disabled", async || Ok(usage(&stage, "survives", "extensionsEnabled").await? == 6))
        .await?;
    let mut phones = stage.phones(NS, "survives").await?;
    let disabled = phones.pop().context("no phones")?;
    ensure!(phones.len() == 6, "{} phones beside the disabled one", phones.len());
    stage.register(&at, &phones).await?;
    for (program, restarts, kinds) in [
        ("asterisk", 0, &["AsteriskEnded", "AsteriskStarted"][..]),
        ("pbx-agent", 1, &["AgentStarted", "AsteriskStarted"]),
    ] {
        let pod = stage.product.pods(NS).get("ecqx-survives-0").await?;
        let seen = last_event(&stage, &at).await?;
        let process = process_of(&pod, program)?.with_context(|| format!("no {program} in the pod"))?;
        // Asterisk writes what phones register to disk within a second or so; what came after that is lost with it.
        let kept = async || {
            let database = fs::read(format!("/proc/{process}/root/var/lib/ecqx/astdb/astdb.sqlite3"))?;
            let holds = |contact: &str| database.windows(contact.len()).any(|octets| octets == contact.as_bytes());
            Ok(phones.iter().all(|(number, _)| holds(&format!("/registrar/contact/{number}"))))
        };
        stage.eventually("all registrations are on disk", kept).await?;
        kill(process, Signal::SIGKILL)?;
        let back = async || {
            let after = stage.product.pods(NS).get("ecqx-survives-0").await?;
            let again = process_of(&after, "asterisk")?.is_some_and(|asterisk| asterisk != process);
            Ok(again
                && Stage::restarts(&after) == restarts
                && usage(&stage, "survives", "extensionsRegistered").await.is_ok_and(|n| n == 6))
        };
        stage.eventually("all phones are there without registering anew", back).await?;
        stage.in_service(NS, "survives").await?;
        let after = stage.product.pods(NS).get("ecqx-survives-0").await?;
        ensure!(after.uid() == pod.uid(), "{program} was killed: the pod was made anew");
        // With its own password: it is the limit that refuses it.
        stage.refused(&at, &disabled.0, &disabled.1).await?;
        let raised = events_after(&stage, &at, seen).await?;
        ensure!(kinds.iter().all(|kind| raised.contains(&(*kind).to_owned())), "{program}: {kinds:?} among {raised:?}");
    }
    stage.remove(NS, "survives").await
}

/// The process of this program in a pod, found on the node, which is this machine.
fn process_of(pod: &Pod, program: &str) -> Result<Option<Pid>> {
    let uid = pod.uid().context("a pod without a uid")?;
    let is_it = |process: &PathBuf| {
        let read = |file| fs::read_to_string(process.join(file)).unwrap_or_default();
        read("comm").trim() == program && read("cgroup").contains(&uid)
    };
    let processes = fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
    // Threads have no folder of their own there; a process that has just gone has empty files.
    let number = |process: PathBuf| process.file_name()?.to_str()?.parse().ok().map(Pid::from_raw);
    Ok(processes.filter(is_it).find_map(number))
}

/// The number of the last event.
async fn last_event(stage: &Stage, at: &Registrar) -> Result<u64> {
    agent(stage, at, "events?limit=1000").await?["next"].as_u64().context("no number")
}

/// The kinds of what was raised after a number.
async fn events_after(stage: &Stage, at: &Registrar, seen: u64) -> Result<Vec<String>> {
    let page = agent(stage, at, &format!("events?limit=1000&after={seen}")).await?;
    let events = page["events"].as_array().context("no events")?;
    Ok(events.iter().filter_map(|event| event["kind"].as_str().map(str::to_owned)).collect())
}

/// What the agent says at a path.
async fn agent(stage: &Stage, at: &Registrar, path: &str) -> Result<Value> {
    let secrets: Api<Secret> = Api::namespaced(stage.product.client.clone(), NS);
    let data = secrets.get("ecqx-survives-sip").await?.data.unwrap_or_default();
    let token = String::from_utf8(data.get(pbx_contract::secret::AGENT_TOKEN).context("no token")?.0.clone())?;
    let url = format!("http://{}:8088/v1/{path}", at.address);
    let answer = stage.product.phones.get(&url, &format!("Authorization: Bearer {token}")).await?;
    ensure!(answer.code == 200, "{path}: {answer:?}");
    Ok(serde_json::from_str(&answer.body)?)
}
