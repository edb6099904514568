//! Renders the charts and applies what comes out. I/O: runs `helm` and `kubectl`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ecqx_tests::{ControlPlane, local::binaries::Binaries};

pub fn charts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("charts")
}

fn helm() -> PathBuf {
    Binaries::find(&["helm"]).unwrap().path("helm").unwrap()
}

/// What Helm renders of a chart, or what it complains about.
pub fn render(chart: &str, set: &[&str]) -> Result<String, String> {
    let mut command = Command::new(helm());
    command.args(["template", "ecqx"]).arg(charts().join(chart)).args(["--namespace", "ecqx-system"]);
    let output = command.args(set.iter().flat_map(|value| ["--set", value])).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// What kubectl says when it applies the manifests.
pub fn apply(control_plane: &ControlPlane, manifests: &str, more: &[&str]) -> Result<String, String> {
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
