//! The local cluster keeps its promises: several side by side, and nothing left behind, whatever ends it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its fixtures")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ecqx_tests::{ControlPlane, local::layout};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use nix::{sys::signal::Signal, sys::signal::kill, unistd::Pid};

/// Two at once are two clusters: what is in one is not in the other.
#[tokio::test]
async fn two_control_planes_run_side_by_side() {
    let (one, other) = tokio::join!(ControlPlane::start(), ControlPlane::start());
    let (one, other) = (one.unwrap(), other.unwrap());
    let namespaces = Api::<Namespace>::all(one.client());
    namespaces.create(&PostParams::default(), &namespace("only-here")).await.unwrap();
    assert!(Api::<Namespace>::all(other.client()).get_opt("only-here").await.unwrap().is_none());
    let stranger = Api::<ConfigMap>::namespaced(one.client_as("reseller-a", &["resellers"]).unwrap(), "only-here");
    assert!(
        stranger.list(&ListParams::default()).await.is_err(),
        "an impersonated user has only the rights it is given"
    );
    namespaces.delete("only-here", &DeleteParams::default()).await.unwrap();
    until("the namespace has gone", async || namespaces.get_opt("only-here").await.unwrap().is_none()).await;
    assert!(
        fs::read_to_string(one.audit_log_path()).unwrap().contains("only-here"),
        "the audit log tells of each request"
    );
    let dirs = [dir_of(&one), dir_of(&other)];
    let (one, other) = tokio::join!(one.stop(), other.stop());
    one.and(other).unwrap();
    for dir in dirs {
        assert_nothing_left(&dir);
    }
}

/// An API server that is killed and started again is the same one: same address, same data, same client.
#[tokio::test]
async fn an_api_server_comes_back_with_its_data_after_an_outage() {
    let control_plane = ControlPlane::start().await.unwrap();
    let namespaces = Api::<Namespace>::all(control_plane.client());
    namespaces.create(&PostParams::default(), &namespace("kept")).await.unwrap();
    control_plane.stop_api_server().unwrap();
    assert!(namespaces.get("kept").await.is_err());
    control_plane.start_api_server().unwrap();
    assert!(namespaces.get("kept").await.is_ok());
}

/// A test that is killed cannot clean up; its supervisor does.
#[tokio::test]
async fn a_killed_test_leaves_nothing() {
    let (mut holder, dir, _supervisor) = hold();
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("all has gone", async || leftovers(&dir).is_empty()).await;
    assert_nothing_left(&dir);
}

/// When supervisor and test are killed, nobody is left to clean up; the next start does.
#[tokio::test]
async fn a_start_removes_what_a_killed_supervisor_left() {
    let (mut holder, dir, supervisor) = hold();
    // The holder first: it would notice.
    holder.kill().unwrap();
    kill(supervisor, Signal::SIGKILL).unwrap();
    holder.wait().unwrap();
    let next = ControlPlane::start().await.unwrap();
    assert_nothing_left(&dir);
    next.stop().await.unwrap();
}

/// A part that does not start is named, with its last words, and all that had started is ended.
#[test]
fn a_failed_start_names_the_part_and_leaves_nothing() {
    let assets = tempfile::tempdir().unwrap();
    for (name, script) in [
        ("etcd", "exec sleep 1000"),
        ("kube-apiserver", "echo no such flag; exit 3"),
        ("kubectl", ""),
        ("kube-controller-manager", ""),
    ] {
        let path = assets.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // An etcd that listens is enough to come to the API server: the port is the third argument's.
    fs::write(assets.path().join("etcd"), LISTENING_ETCD).unwrap();
    let dir = layout::run_root().join(format!("failed-start-{}", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_ecqx-cluster"))
        .args(["run", "--ephemeral", "--dir"])
        .arg(&dir)
        .env("KUBEBUILDER_ASSETS", assets.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("kube-apiserver ended with exit status: 3") && said.contains("no such flag"), "{said}");
    assert_nothing_left(&dir);
}

/// Listens where `--listen-client-urls` says, and does nothing else.
const LISTENING_ETCD: &str = r#"#!/bin/bash
for argument; do case $argument in --listen-client-urls=*) port=${argument##*:} ;; esac; done
exec perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:'$port'", Listen => 5) or die; sleep'
"#;

/// Not a test: the process that the tests above kill. It holds a control plane until it ends.
#[tokio::test]
#[ignore = "started by other tests, to be killed"]
async fn holder() {
    let control_plane = ControlPlane::start().await.unwrap();
    let line = format!("HELD {} {}\n", control_plane.supervisor_pid(), dir_of(&control_plane).display());
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::future::pending::<()>().await;
}

/// Starts the holder and returns it, with its control plane's folder and supervisor.
fn hold() -> (Child, PathBuf, Pid) {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["holder", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.contains("HELD ")).unwrap();
    let (_, held) = line.split_once("HELD ").unwrap();
    let (supervisor, dir) = held.split_once(' ').unwrap();
    assert!(!leftovers(Path::new(dir)).is_empty(), "the parts are found while they run");
    (holder, PathBuf::from(dir), Pid::from_raw(supervisor.parse().unwrap()))
}

fn dir_of(control_plane: &ControlPlane) -> PathBuf {
    control_plane.kubeconfig_path().parent().unwrap().to_owned()
}

fn namespace(name: &str) -> Namespace {
    serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap()
}

fn assert_nothing_left(dir: &Path) {
    assert_eq!(leftovers(dir), Vec::<String>::new());
}

/// What there is of a cluster: files, and processes that carry its folder in their environment or arguments.
fn leftovers(dir: &Path) -> Vec<String> {
    let files = ["", ".log"].map(|extension| format!("{}{extension}", dir.display()));
    let mut found: Vec<String> = files.into_iter().filter(|path| Path::new(path).exists()).collect();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let told = [read("environ"), read("cmdline")].concat();
        if String::from_utf8_lossy(&told).contains(&*dir.to_string_lossy()) {
            found.push(format!("process {}", String::from_utf8_lossy(&read("cmdline")).replace('\0', " ")));
        }
    }
    found
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
