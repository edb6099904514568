//! The program itself: its arguments, its health, its end.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
};

use nix::{sys::signal::Signal, unistd::Pid};
use serde_json::Value;
use tempfile::TempDir;

use crate::dig::dig;

/// A kubeconfig to an API server that is not there.
const NOWHERE: &str = "
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: nobody, user: {}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
current-context: nowhere
";

/// The program with these settings and no API server.
fn program(folder: &TempDir, settings: &str, listen: &str) -> Command {
    let (settings_path, kubeconfig) = (folder.path().join("settings.json"), folder.path().join("kubeconfig"));
    std::fs::write(&settings_path, settings).unwrap();
    std::fs::write(&kubeconfig, NOWHERE).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecqx-dns"));
    command.arg("--settings").arg(settings_path).env("KUBECONFIG", kubeconfig).env_remove("RUST_LOG");
    command.args(["--listen", listen, "--http", "127.0.0.1:0", "--name-server", "ns1=203.0.113.1"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A started program, ended with the test whatever happens.
struct Running {
    child: Child,
    dns: SocketAddr,
    http: SocketAddr,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut lines = log.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let started = lines.find(|line| line["message"] == "started").expect("it says that it has started");
        // Read on, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let address = |key: &str| started[key].as_str().unwrap().parse().unwrap();
        Self { dns: address("dns"), http: address("http"), child }
    }

    fn stop(mut self) -> std::process::ExitStatus {
        nix::sys::signal::kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The first line of an HTTP answer.
fn get(at: SocketAddr, path: &str) -> String {
    page(at, path).lines().next().unwrap().to_owned()
}

/// A whole HTTP answer.
fn page(at: SocketAddr, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    std::io::read_to_string(stream).unwrap()
}

fn refused(mut command: Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn without_an_api_server_it_lives_is_not_ready_answers_servfail_and_ends_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(program(&folder, "{}", "127.0.0.1:0"));
    assert!(get(running.http, "/livez").contains("200"));
    assert!(get(running.http, "/readyz").contains("503"));
    assert_eq!(dig(running.dns, &["syunikwin.epygicloud.com", "A"]).await.code(), "SERVFAIL");
    assert!(running.stop().success());
}

#[test]
fn wrong_settings_are_refused_with_their_place_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(program(&folder, r#"{"zone": "epygi cloud"}"#, "127.0.0.1:0"));
    assert!(message.contains("settings.json") && message.contains("field zone"), "{message}");
}

#[test]
fn a_taken_port_is_named_with_the_argument_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let command = program(&folder, "{}", &taken.local_addr().unwrap().to_string());
    let message = refused(command);
    assert!(message.contains("--listen") && message.contains("UDP"), "{message}");
}

#[tokio::test]
async fn after_a_restart_without_an_api_server_the_kept_zone_is_served_ready_and_marked_stale() {
    use ecqx_dns::{
        published::Published,
        store::{Held, Kept, Store},
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zone");
    let mut held = Held::new_sync();
    let label = ecqx_domain::hostname::Label::parse("syunikwin").unwrap();
    let published =
        Published { label, addresses: ["203.0.113.9".parse().unwrap()].into(), sips: false, is_about_to_change: false };
    held.insert_mut(("reseller".to_owned(), "one".to_owned()), published);
    let zone = "epygicloud.com".to_owned();
    Store::new(&path).save(&Kept { zone, serial: 77, revision: 77, settings: "of then".to_owned(), held }).unwrap();

    let mut command = program(&folder, "{}", "127.0.0.1:0");
    command.arg("--state").arg(&path);
    let running = Running::start(command);
    assert!(get(running.http, "/readyz").contains("200"));
    let seen = dig(running.dns, &["syunikwin.epygicloud.com", "A"]).await;
    assert_eq!(seen.section("ANSWER"), ["syunikwin.epygicloud.com. 60 IN A 203.0.113.9"], "{}", seen.text);
    assert!(page(running.http, "/metrics").contains("\necqx_dns_zone_stale 1\n"));
    assert!(running.stop().success());

    std::fs::write(&path, "ecqx-dns 1\nzone epygicloud.com\n").unwrap();
    let mut command = program(&folder, "{}", "127.0.0.1:0");
    command.arg("--state").arg(&path);
    let running = Running::start(command);
    assert!(get(running.http, "/readyz").contains("503"), "a damaged file is served to nobody");
    assert!(running.stop().success());
}
