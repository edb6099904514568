//! The charts as they ship, rendered by Helm and judged by a real API server with strict field validation.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ecqx_tests::{ControlPlane, local::binaries::Binaries};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

fn charts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("charts")
}

fn helm() -> PathBuf {
    Binaries::find(&["helm"]).unwrap().path("helm").unwrap()
}

/// What Helm renders of a chart, or what it complains about.
fn render(chart: &str, set: &[&str]) -> Result<String, String> {
    let mut command = Command::new(helm());
    command.args(["template", "ecqx"]).arg(charts().join(chart)).args(["--namespace", "ecqx-system"]);
    let output = command.args(set.iter().flat_map(|value| ["--set", value])).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

fn apply(control_plane: &ControlPlane, manifests: &str, more: &[&str]) -> Result<String, String> {
    let mut kubectl = Command::new(Binaries::find(&["kubectl"]).unwrap().path("kubectl").unwrap())
        .arg("--kubeconfig")
        .arg(control_plane.kubeconfig_path())
        .args(["apply", "--server-side", "--validate=strict", "--filename", "-"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    kubectl.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
    let output = kubectl.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[tokio::test]
async fn a_real_api_server_takes_both_charts_and_the_examples() {
    let control_plane = ControlPlane::start().await.unwrap();
    for namespace in ["ecqx-system", "reseller-demo"] {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        let namespaces: Api<Namespace> = Api::all(control_plane.client());
        namespaces.patch(namespace, &PatchParams::apply("tests"), &Patch::Apply(object)).await.unwrap();
    }
    apply(&control_plane, &render("ecqx-crds", &[]).unwrap(), &[]).unwrap();
    let all =
        "dns.service.clusterIP=10.96.0.10,bridge.skus.ECQX=Ecqx,pbx.imagePullSecrets={a,b},imagePullSecrets[0].name=c";
    for set in [&[][..], &[all][..], &["dns.enabled=false,bridge.enabled=false"][..]] {
        let answer = apply(&control_plane, &render("ecqx", set).unwrap(), &["--dry-run=server"]).unwrap();
        assert!(answer.contains("deployment.apps/ecqx-operator serverside-applied"), "{answer}");
    }
    for example in std::fs::read_dir(charts().with_file_name("examples")).unwrap() {
        let path = example.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let manifests = std::fs::read_to_string(&path).unwrap();
            apply(&control_plane, &manifests, &["--dry-run=server"])
                .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
    control_plane.stop().await.unwrap();
}

#[test]
fn a_wrong_value_is_refused_with_its_path() {
    for (set, path) in [
        ("settings.zona=x", "/settings"),
        ("settings.baseConfiguration.Phones=1", "/settings/baseConfiguration"),
        ("settings.zone=a_b", "/settings/zone"),
        ("dns.replicas=0", "/dns/replicas"),
        ("bridge.skus.X=Nothing", "/bridge/skus/X"),
    ] {
        let complaint = render("ecqx", &[set]).unwrap_err();
        assert!(complaint.contains(path), "{set}: {complaint}");
    }
}

#[test]
fn the_settings_that_the_chart_renders_by_default_are_those_of_the_product() {
    use ecqx_domain::settings::Settings;
    let rendered = render("ecqx", &[]).unwrap();
    let document = rendered.split("settings.json: |").nth(1).unwrap().split("\n---").next().unwrap();
    let json = document.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| line.starts_with("    "));
    let settings = Settings::parse(&json.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(settings, Settings::parse("{}").unwrap());
}
