//! At rest nothing is written, nothing restarts, and little memory is used.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecqx_crds::condition;
use ecqx_tests::product::{NAMESPACE, phones};
use serde_json::Value;

use crate::{
    names::instance,
    stage::{PATIENCE, Stage},
};

const INSTANCES: usize = 20;
const NS: &str = "reseller-calm";
/// The operator's resident memory may not pass this.
const OPERATOR_KIB: u64 = 50 * 1024;

pub async fn twenty_instances_at_rest_for_two_minutes_cause_no_write(stage: Stage) -> Result<()> {
    for n in 0..INSTANCES {
        instance(&stage, NS, &format!("calm-{n}"), &format!("calm-{n}")).await?;
    }
    for n in 0..INSTANCES {
        stage.product.until((NS, &format!("calm-{n}")), (condition::READY, "True"), 2 * PATIENCE).await?;
    }
    for n in 0..INSTANCES {
        let published = (condition::DNS_PUBLISHED, "True");
        stage.product.until((NS, &format!("calm-{n}")), published, PATIENCE).await?;
    }
    let audit_log =
        stage.audit_log.clone().context("the API server's audit log is needed, and KUBECONFIG's is not ours")?;
    settled(&stage).await?;
    let before = writes(&audit_log)?.len();
    ensure!(before > 0, "the audit log shows no write at all: it proves nothing");
    // The one place where time itself is what is tested.
    tokio::time::sleep(Duration::from_mins(2)).await;
    let during = writes(&audit_log)?.split_off(before);
    ensure!(during.is_empty(), "written at rest:\n{during:#?}");
    for component in ["operator", "bridge", "dns"] {
        let restarts: i32 = stage.part(component).await?.iter().map(Stage::restarts).sum();
        ensure!(restarts == 0, "{component} was restarted");
    }
    for n in 0..INSTANCES {
        let pod = stage.product.pods(NS).get(&format!("ecqx-calm-{n}-0")).await?;
        ensure!(Stage::restarts(&pod) == 0, "calm-{n} was restarted");
    }
    if let Some(resident) = resident_kib("/usr/local/bin/ecqx-operator")? {
        println!("operator over {INSTANCES} instances: {resident} KiB resident");
        ensure!(resident < OPERATOR_KIB, "the operator uses {resident} KiB");
    }
    for n in 0..INSTANCES {
        stage.remove(NS, &format!("calm-{n}")).await?;
    }
    Ok(())
}

/// Waits until no part has written for five seconds.
async fn settled(stage: &Stage) -> Result<()> {
    let audit_log = stage.audit_log.clone().context("no audit log")?;
    let (mut seen, mut since) = (writes(&audit_log)?.len(), tokio::time::Instant::now());
    stage
        .eventually("the product comes to rest", async || {
            let now = writes(&audit_log)?.len();
            if now != seen {
                (seen, since) = (now, tokio::time::Instant::now());
            }
            Ok(since.elapsed() > Duration::from_secs(5))
        })
        .await
}

/// Every write of the product's parts: their service accounts' creates, updates, patches and deletes.
fn writes(audit_log: &std::path::Path) -> Result<Vec<String>> {
    let log = std::fs::read_to_string(audit_log)?;
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = |event: &Value| {
        let user = event["user"]["username"].as_str().unwrap_or_default();
        [NAMESPACE, phones::NAMESPACE, NS].iter().any(|ns| user.starts_with(&format!("system:serviceaccount:{ns}:")))
    };
    let is_write = |event: &Value| !matches!(event["verb"].as_str().unwrap_or_default(), "get" | "list" | "watch");
    Ok(events
        .filter(|event| ours(event) && is_write(event))
        .map(|event| format!("{} {} {}", event["user"]["username"], event["verb"], event["requestURI"]))
        .collect())
}

/// The resident memory of the process with this program, in KiB; none where the nodes are not this machine.
fn resident_kib(program: &str) -> Result<Option<u64>> {
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let command = std::fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        if command.split('\0').next() == Some(program) {
            let status = std::fs::read_to_string(path.join("status"))?;
            let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
            return Ok(line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()));
        }
    }
    Ok(None)
}
