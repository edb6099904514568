//! The operator under test: its release build as a process of its own. I/O: starts and ends it, reads the audit log.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use ecqx_crds::{EcqxInstance, EcqxInstanceSpec};
use ecqx_tests::{ControlPlane, local::layout};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{api::core::v1::Namespace, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{ListParams, ObjectMeta, PostParams},
};
use serde_json::Value;
use tokio::{process::Command, time::Instant};

use crate::Phase;

/// The instances' namespace.
pub const NAMESPACE: &str = "bench";
const HTTP: &str = "127.0.0.1:18099";
const PATIENCE: Duration = Duration::from_mins(5);

/// The operator and what it is given.
pub struct Subject {
    client: Client,
    kubeconfig: PathBuf,
    audit_log: PathBuf,
    instances: usize,
}

impl Subject {
    /// Creates the instances, before any operator runs.
    pub async fn prepare(control_plane: &ControlPlane, instances: usize) -> Result<Self> {
        let client = control_plane.client();
        let metadata = ObjectMeta { name: Some(NAMESPACE.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        let api: Api<EcqxInstance> = Api::namespaced(client.clone(), NAMESPACE);
        let create = |n: usize| {
            let api = api.clone();
            async move { api.create(&PostParams::default(), &instance(n)).await }
        };
        stream::iter(0..instances).map(create).buffer_unordered(16).try_for_each(|_| async { Ok(()) }).await?;
        let (kubeconfig, audit_log) =
            (control_plane.kubeconfig_path().to_owned(), control_plane.audit_log_path().to_owned());
        Ok(Self { client, kubeconfig, audit_log, instances })
    }

    /// Runs the operator until every instance has a status. The time is that from its first write to its last.
    pub async fn run_until_all_are_reported(&self) -> Result<First> {
        let before = writes(&self.audit_log)?.len();
        let started = Instant::now();
        let mut operator = self.start()?;
        let api: Api<EcqxInstance> = Api::namespaced(self.client.clone(), NAMESPACE);
        loop {
            let listed = api.list(&ListParams::default()).await?.items;
            if listed.iter().filter(|instance| instance.status.is_some()).count() == self.instances {
                break;
            }
            ensure!(started.elapsed() < PATIENCE, "not every instance was reported within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await; // the audit log's last lines
        operator.kill().await?;
        let made = writes(&self.audit_log)?.split_off(before);
        let begun = made.iter().map(|write| write.begun).min().context("nothing was written")?;
        let ended = made.iter().map(|write| write.ended).max().context("nothing was written")?;
        let mut by_kind = BTreeMap::new();
        for write in &made {
            *by_kind.entry(write.what.clone()).or_default() += 1;
        }
        let took = ended.duration_since(begun).try_into()?;
        Ok(First { by_kind, phase: Phase { writes: made.len(), took } })
    }

    /// Runs the operator until it says that it is ready, and on for as long as it would take to write something needless.
    pub async fn run_until_ready(&self) -> Result<Phase> {
        let before = writes(&self.audit_log)?.len();
        let started = Instant::now();
        let mut operator = self.start()?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        while !http.get(format!("http://{HTTP}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            ensure!(started.elapsed() < PATIENCE, "the operator was not ready within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let took = started.elapsed();
        tokio::time::sleep(Duration::from_secs(15)).await;
        operator.kill().await?;
        Ok(Phase { writes: writes(&self.audit_log)?.len() - before, took })
    }

    fn start(&self) -> Result<tokio::process::Child> {
        let program = layout::checkout().join("target/release/ecqx-operator");
        let settings = self.kubeconfig.with_file_name("settings.json");
        std::fs::write(&settings, "{}")?;
        let mut command = Command::new(&program);
        command.arg("--settings").arg(settings).args(["--pbx-image", "ecqx/pbx:bench", "--http", HTTP]);
        command.env("KUBECONFIG", &self.kubeconfig).env("RUST_LOG", "warn").stdin(Stdio::null()).kill_on_drop(true);
        command.spawn().with_context(|| format!("cannot run {}: `make images` builds it", program.display()))
    }
}

/// What a start from nothing came to.
pub struct First {
    /// The writes of each verb and resource.
    pub by_kind: BTreeMap<String, usize>,
    pub phase: Phase,
}

/// A write that the API server has answered.
struct Write {
    /// Such as `patch services`.
    what: String,
    begun: Timestamp,
    ended: Timestamp,
}

/// Creates, updates, patches and deletes so far, save for those of the control plane's own parts.
fn writes(audit_log: &Path) -> Result<Vec<Write>> {
    let log = std::fs::read_to_string(audit_log)?;
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_read = |verb: &str| matches!(verb, "get" | "list" | "watch");
    let of_a_part = |user: &str| user.starts_with("system:") && user != "system:admin";
    events
        .filter(|event| !is_read(event["verb"].as_str().unwrap_or_default()))
        .filter(|event| !of_a_part(event["user"]["username"].as_str().unwrap_or_default()))
        .map(|event| write(&event))
        .collect()
}

fn write(event: &Value) -> Result<Write> {
    let of = |name: &str| event["objectRef"][name].as_str().unwrap_or_default();
    let at = |name: &str| event[name].as_str().unwrap_or_default().parse::<Timestamp>();
    let part = if of("subresource").is_empty() { String::new() } else { format!("/{}", of("subresource")) };
    let what = format!("{} {}{part}", event["verb"].as_str().unwrap_or_default(), of("resource"));
    Ok(Write { what, begun: at("requestReceivedTimestamp")?, ended: at("stageTimestamp")? })
}

fn instance(n: usize) -> EcqxInstance {
    let hostname = format!("bench-{n}");
    EcqxInstance::new(&hostname, EcqxInstanceSpec::of(&hostname))
}
