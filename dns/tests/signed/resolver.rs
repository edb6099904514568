//! An unbound that checks signatures, ended with the value that holds it. Starts programs, writes files.

use std::{
    fmt::Write,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ecqx_tests::ports::{self, Port};
use tempfile::TempDir;

use crate::now;

const DEADLINE: Duration = Duration::from_secs(30);

/// A validating resolver, whose clock can be put ahead.
pub struct Resolver {
    address: SocketAddr,
    child: Child,
    folder: TempDir,
    _port: Port,
}

/// What a resolver says of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The response code.
    pub code: String,
    /// Whether it has been checked (AD).
    pub checked: bool,
    /// The whole answer.
    pub text: String,
}

impl Resolver {
    /// A resolver that trusts this DS and asks these servers for these zones.
    pub fn start(anchor: &str, zones: &[(&str, SocketAddr)]) -> Self {
        let (folder, [port]) = (tempfile::tempdir().unwrap(), ports::lease().unwrap());
        let address = port.on_loopback();
        let at = folder.path().display();
        let mut text = format!(
            "server:\n  interface: {}@{}\n  do-not-query-localhost: no\n  username: \"\"\n  chroot: \"\"\n  directory: \"{at}\"\n  \
             pidfile: \"{at}/pid\"\n  use-syslog: no\n  module-config: \"validator iterator\"\n  num-threads: 1\n  \
             trust-anchor: \"{anchor}\"\n  val-log-level: 2\n  logfile: \"{at}/log\"\n  do-ip6: no\n\
             remote-control:\n  control-enable: no\n",
            address.ip(),
            address.port()
        );
        for (zone, server) in zones {
            write!(text, "stub-zone:\n  name: {zone}\n  stub-addr: {}@{}\n", server.ip(), server.port()).unwrap();
        }
        std::fs::write(folder.path().join("configuration"), text).unwrap();
        let clock = folder.path().join("clock");
        std::fs::write(&clock, "+0").unwrap();
        let mut command = Command::new("/usr/sbin/unbound");
        command.args(["-d", "-c"]).arg(folder.path().join("configuration"));
        command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", &clock);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("unbound: {error}; install it with `make setup`"));
        let resolver = Self { address, child, folder, _port: port };
        resolver.wait();
        resolver
    }

    /// Sets its clock to a time in Unix seconds.
    pub fn clock(&self, time: u64) {
        let ahead = time.cast_signed() - now().cast_signed();
        std::fs::write(self.folder.path().join("clock"), format!("{ahead:+}")).unwrap();
    }

    /// Asks it.
    pub fn ask(&self, name: &str, kind: &str) -> Said {
        let mut command = Command::new("dig");
        // From an address of its own: dig may choose the very port that it asks, and would then hear itself.
        command.args([
            "-b",
            "127.0.0.2",
            "@127.0.0.1",
            "-p",
            &self.address.port().to_string(),
            name,
            kind,
            "+dnssec",
            "+tries=1",
            "+time=8",
        ]);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let after =
            |begin: &str, end| text.split(begin).nth(1).and_then(|rest| rest.split(end).next()).unwrap_or_default();
        let checked = after("flags:", ';').split_whitespace().any(|flag| flag == "ad");
        Said { code: after("status: ", ',').to_owned(), checked, text }
    }

    /// Asks it for what has to be right, and checked.
    pub fn insist(&self, name: &str, kind: &str, code: &str) {
        let said = self.ask(name, kind);
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let log: Vec<&str> = log.lines().rev().take(8).collect();
        assert!(said.code == code && said.checked, "{name} {kind}: {}\n{}", said.text, log.join("\n"));
    }

    fn wait(&self) {
        let end = Instant::now() + DEADLINE;
        while self.ask(".", "TXT").code.is_empty() {
            assert!(Instant::now() < end, "unbound does not answer");
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The library that moves a clock, as Debian's faketime has it.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists());
    library.expect("libfaketime; install it with `make setup`")
}
