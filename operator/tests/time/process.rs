//! The operator as a process of its own, with a clock that the test sets. I/O: a process, a few files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ecqx_tests::ControlPlane;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The user that the operator acts as, by which its writes are told in the audit log.
pub const OPERATOR: &str = "operator-under-test";

/// A running operator; it is ended when this is dropped.
pub struct Process {
    child: Child,
}

/// What an operator is started with, and the clock that it reads.
pub struct Setting {
    folder: tempfile::TempDir,
}

impl Setting {
    pub fn new(control_plane: &ControlPlane, settings: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setting = Self { folder };
        setting.set_settings(settings);
        fs::write(setting.path("kubeconfig"), as_operator(control_plane.kubeconfig_path())).unwrap();
        setting.set_clock(Timestamp::now());
        setting
    }

    pub fn set_settings(&self, settings: &Value) {
        fs::write(self.path("settings.json"), settings.to_string()).unwrap();
    }

    /// The operator's clock shows `now` from this moment on, and runs.
    pub fn set_clock(&self, now: Timestamp) {
        let offset = now.duration_since(Timestamp::now()).as_secs_f64();
        // In one piece: the process reads it at each look at the clock.
        fs::write(self.path("offset.new"), format!("{offset:+.3}")).unwrap();
        fs::rename(self.path("offset.new"), self.path("offset")).unwrap();
    }

    pub fn start(&self) -> Process {
        let child = Command::new(env!("CARGO_BIN_EXE_ecqx-operator"))
            .env("LD_PRELOAD", libfaketime())
            .env("FAKETIME_TIMESTAMP_FILE", self.path("offset"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("KUBECONFIG", self.path("kubeconfig"))
            .env("ECQX_SETTINGS", self.path("settings.json"))
            .env("ECQX_PBX_IMAGE", "ecqx/pbx:test")
            .env("ECQX_HTTP", "127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(fs::File::options().create(true).append(true).open(self.path("log")).unwrap())
            .spawn()
            .unwrap();
        Process { child }
    }

    /// What the operators said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Process {
    /// Ends it as Kubernetes would, and waits until it has gone.
    pub fn stop(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(30), "the operator does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The administrator's kubeconfig, acting as the operator: a group that may do all, a name by which its writes are told.
fn as_operator(kubeconfig: &Path) -> String {
    let mut config: Value = serde_json::from_str(&fs::read_to_string(kubeconfig).unwrap()).unwrap();
    config["users"][0]["user"]["as"] = json!(OPERATOR);
    config["users"][0]["user"]["as-groups"] = json!(["system:masters"]);
    config.to_string()
}

/// Debian's faketime has it in a folder named after the machine.
fn libfaketime() -> PathBuf {
    let places =
        fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let found = places.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("libfaketime.so.1 is missing: install Debian's package faketime (make setup does)"))
}
