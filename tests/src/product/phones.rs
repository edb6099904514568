//! The phones pod: SIPp, dig and curl inside the cluster. I/O: runs commands in that pod.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use k8s_openapi::{
    api::core::v1::{Namespace, Pod},
    apimachinery::pkg::apis::meta::v1::Status,
};
use kube::{
    Api, Client,
    api::{AttachParams, Patch, PatchParams},
    runtime::{conditions::is_pod_running, wait::await_condition},
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Image;

/// The phones' own namespace.
pub const NAMESPACE: &str = "ecqx-phones";
const POD: &str = "phones";

/// A pod to call, ask and order from.
#[derive(Clone)]
pub struct Phones {
    pods: Api<Pod>,
    /// Each SIPp run gets ports of its own, so runs can go side by side.
    next_port: Arc<AtomicU16>,
}

/// What a command printed and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// True for exit code 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error, or how the command ended.
    pub stderr: String,
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// The body.
    pub body: String,
}

/// Where phones register.
#[derive(Clone, Debug)]
pub struct Registrar {
    /// The PBX's address, as the DNS gave it.
    pub address: String,
    /// The SIP domain.
    pub fqdn: String,
}

impl Phones {
    /// Starts the pod, or takes the one that runs.
    ///
    /// # Errors
    /// When it does not run within a minute.
    pub async fn start(client: Client, image: &Image) -> Result<Self> {
        let apply = PatchParams::apply("ecqx-tests").force();
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": NAMESPACE, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
        });
        Api::<Namespace>::all(client.clone()).patch(NAMESPACE, &apply, &Patch::Apply(namespace)).await?;
        let pods: Api<Pod> = Api::namespaced(client, NAMESPACE);
        pods.patch(POD, &apply, &Patch::Apply(pod(&image.reference))).await?;
        let running = await_condition(pods.clone(), POD, is_pod_running());
        tokio::time::timeout(Duration::from_mins(1), running).await.context("the phones pod does not run")??;
        Ok(Self { pods, next_port: Arc::new(AtomicU16::new(20_000)) })
    }

    /// Runs a command in the pod, with `input` on its standard input.
    ///
    /// # Errors
    /// When it cannot be run. A command that fails is no error: its output says so.
    pub async fn run(&self, command: &[&str], input: &str) -> Result<Output> {
        run_in(&self.pods, POD, command, input).await
    }

    /// Posts a body with curl.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn post(&self, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut command = vec!["curl", "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"];
        command.extend(["--header", "Content-Type: application/json", "--data-binary", "@-"]);
        command.extend(headers.iter().flat_map(|header| ["--header", header.as_str()]));
        command.push(url);
        answer(url, &self.run(&command, body).await?)
    }

    /// Gets a URL with curl.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn get(&self, url: &str, header: &str) -> Result<Answer> {
        let command = [
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--write-out",
            "\n%{http_code}",
            "--header",
            header,
            url,
        ];
        answer(url, &self.run(&command, "").await?)
    }

    /// Asks a name server with dig.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn dig(&self, server: &str, name: &str, type_: &str) -> Result<Vec<String>> {
        let at = format!("@{server}");
        let output = self.run(&["dig", "+short", "+time=2", "+tries=2", &at, name, type_], "").await?;
        if !output.success {
            bail!("dig {at} {name} {type_}: {}{}", output.stdout, output.stderr);
        }
        Ok(output.stdout.lines().map(str::to_owned).collect())
    }

    /// Registers extensions, each with its password; true when every one got 200.
    ///
    /// # Errors
    /// When SIPp cannot be run.
    pub async fn register(&self, at: &Registrar, phones: &[(&str, &str)]) -> Result<Output> {
        self.sipp("register.xml", at, phones, &["-key", "expires", "300"]).await
    }

    /// Tries to register extensions; true when every one got 403.
    ///
    /// # Errors
    /// When SIPp cannot be run.
    pub async fn register_is_forbidden(&self, at: &Registrar, phones: &[(&str, &str)]) -> Result<Output> {
        self.sipp("register_forbidden.xml", at, phones, &["-key", "expires", "300"]).await
    }

    /// Runs a scenario once for each phone; true when each went as the scenario says.
    ///
    /// # Errors
    /// When SIPp cannot be run.
    pub async fn sipp(&self, scenario: &str, at: &Registrar, phones: &[(&str, &str)], more: &[&str]) -> Result<Output> {
        // SIPp takes the port given, the one after it and a pair for media.
        let port = self.next_port.fetch_add(10, Ordering::Relaxed);
        let (file, port, count) = (format!("/tmp/phones-{port}.csv"), port.to_string(), phones.len().to_string());
        let line = |(number, password): &(&str, &str)| {
            format!("{number};[authentication username={number} password={password}]")
        };
        let list: Vec<String> = phones.iter().map(line).collect();
        let script = "cat > \"$1\"; shift; own=$(hostname -i | cut -d' ' -f1); cd /tmp && exec sipp \"$@\" -i \"$own\" -mi \"$own\"";
        let (scenario, target) = (format!("/phones/{scenario}"), format!("{}:5060", at.address));
        let mut command = vec!["sh", "-c", script, "sh", &file, &target, "-sf", &scenario, "-inf", &file];
        command.extend(["-key", "realm", &at.fqdn, "-p", &port, "-m", &count, "-l", &count, "-r", "50"]);
        command.extend(["-nostdin", "-timeout", "20s", "-timeout_error", "-trace_err"]);
        command.extend(more);
        self.run(&command, &format!("SEQUENTIAL\n{}\n", list.join("\n"))).await
    }
}

/// Runs a command in a pod, with `input` on its standard input.
///
/// # Errors
/// When it cannot be run. A command that fails is no error: its output says so.
pub async fn run_in(pods: &Api<Pod>, pod: &str, command: &[&str], input: &str) -> Result<Output> {
    let attach = AttachParams::default().stdin(true).stdout(true).stderr(true);
    let mut process = pods.exec(pod, command.iter().copied(), &attach).await?;
    let (mut stdin, mut out, mut err) = process
        .stdin()
        .zip(process.stdout())
        .zip(process.stderr())
        .map(|((stdin, out), err)| (stdin, out, err))
        .context("the pod's streams are missing")?;
    let ended = process.take_status().context("the command's end cannot be known")?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let write = async {
        stdin.write_all(input.as_bytes()).await?;
        stdin.shutdown().await?;
        drop(stdin);
        Ok(())
    };
    tokio::try_join!(write, out.read_to_end(&mut stdout), err.read_to_end(&mut stderr))?;
    let status: Status = ended.await.unwrap_or_default();
    let mut stderr = String::from_utf8_lossy(&stderr).into_owned();
    stderr.push_str(status.message.as_deref().unwrap_or_default());
    let success = status.status.as_deref() == Some("Success");
    Ok(Output { success, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr })
}

fn answer(url: &str, output: &Output) -> Result<Answer> {
    let (body, code) = output.stdout.rsplit_once('\n').with_context(|| format!("{url}: {}", output.stderr))?;
    match code.trim().parse() {
        Ok(code) if code != 0 => Ok(Answer { code, body: body.to_owned() }),
        _ => bail!("{url} gave no HTTP answer: {}", output.stderr),
    }
}

fn pod(image: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": POD },
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "phones", "image": image, "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"],
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    })
}
