//! The program itself: what it needs to start, how it ends, and what its log does not say.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ecqx_tests::{ControlPlane, kinds};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const ORDER: &str = include_str!("../../examples/orders/woocommerce.json");
const SECRET: &str = "marked-webhook-secret";
const TOKEN: &str = "marked-api-token";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn program(folder: &Path, kubeconfig: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecqx-portal-bridge"));
    command.args(["--listen", "127.0.0.1:0", "--orders-namespace", "default"]);
    for (flag, file) in [
        ("--settings", "settings.json"),
        ("--config", "bridge.json"),
        ("--webhook-secret-file", "webhook-secret"),
        ("--api-tokens-file", "api-tokens"),
    ] {
        command.arg(flag).arg(folder.join(file));
    }
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy);
    }
    command.env("KUBECONFIG", kubeconfig).env("RUST_LOG", "debug").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "settings.json", "{}");
    write(folder.path(), "bridge.json", "{}");
    write(folder.path(), "webhook-secret", SECRET);
    write(folder.path(), "api-tokens", TOKEN);
    folder
}

fn refusal(change: impl FnOnce(&Path)) -> String {
    let folder = folder();
    change(folder.path());
    let Output { status, stderr, .. } = program(folder.path(), Path::new("/nonexistent")).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_does_not_start_on_a_mistake_and_says_where_it_is() {
    assert!(refusal(|folder| write(folder, "webhook-secret", "\n")).contains("webhook-secret is empty"));
    assert!(refusal(|folder| write(folder, "api-tokens", "")).contains("api-tokens is empty"));
    assert!(refusal(|folder| write(folder, "bridge.json", r#"{"skus": {"A": "B"}}"#)).contains("field skus.A"));
    assert!(refusal(|folder| write(folder, "settings.json", r#"{"zone": ""}"#)).contains("field zone"));
    assert!(refusal(|folder| std::fs::remove_file(folder.join("bridge.json")).unwrap()).contains("cannot read"));
}

/// A started program, which ends with the test, also with one that fails.
struct Running(Option<Child>);

impl Running {
    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    fn end(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut process) = self.0.take() {
            // It may have ended by itself.
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// Reads the log until it tells the address.
async fn address(log: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = std::fs::read_to_string(log).unwrap();
        let mut lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        if let Some(address) = lines.find_map(|line| Some(line["listen"].as_str()?.to_owned())) {
            return format!("http://{address}");
        }
        assert!(Instant::now() < deadline, "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_fulfilled(http: &reqwest::Client, order: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer: serde_json::Value = http.get(order).bearer_auth(TOKEN).send().await.unwrap().json().await.unwrap();
        if answer["state"] == "Fulfilled" {
            return;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn it_takes_an_order_in_ends_on_sigterm_and_its_log_holds_nothing_secret_or_personal() {
    let control_plane = ControlPlane::start().await.unwrap();
    kinds::install(&control_plane.client()).await.unwrap();
    let folder = folder();
    // Into a file: a pipe that nobody reads meanwhile would fill, and hold the program up.
    let log = folder.path().join("log");
    let mut command = program(folder.path(), control_plane.kubeconfig_path());
    let process = Running(Some(command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap()));
    let address = address(&log).await;

    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(ORDER.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let webhook = format!("{address}/webhooks/woocommerce");
    let answer = http.post(&webhook).header("X-WC-Webhook-Signature", &signature).body(ORDER).send().await.unwrap();
    let body: serde_json::Value = answer.json().await.unwrap();
    // A new API server has its clients wait while it sets up the kinds, so this answer may be given before the effect.
    assert_eq!(body["order"], "default-4711-6e91882f017e", "{body}");
    until_fulfilled(&http, &format!("{address}/v1/orders/default/4711")).await;
    let forged = http.post(&webhook).header("X-WC-Webhook-Signature", "marked-forgery").body(ORDER).send();
    assert_eq!(forged.await.unwrap().status(), 401);
    let placed = http.post(format!("{address}/v1/orders")).bearer_auth(TOKEN).body(r#"{"customer": "marked-person"}"#);
    assert_eq!(placed.send().await.unwrap().status(), 400);
    for probe in ["livez", "readyz"] {
        assert_eq!(http.get(format!("{address}/{probe}")).send().await.unwrap().status(), 200, "{probe}");
    }

    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let Output { status, stdout, .. } = process.end();
    assert!(status.success(), "{status}");
    let said = std::fs::read_to_string(&log).unwrap() + &String::from_utf8(stdout).unwrap();
    for marked in ["marked", "anna", "Anna", "Teryan", "+374", "Syunik", &signature] {
        assert!(!said.contains(marked), "the log holds {marked}");
    }
    control_plane.stop().await.unwrap();
}
