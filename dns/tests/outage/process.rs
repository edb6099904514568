//! The program with its zone on disk, killed and started again at the same address. Starts processes.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ecqx_dns::store::Store;
use ecqx_tests::ports::{self, Port};
use tempfile::TempDir;

pub struct NameServer {
    folder: TempDir,
    kubeconfig: PathBuf,
    pub dns: SocketAddr,
    http: SocketAddr,
    child: Option<Child>,
    _ports: [Port; 2],
}

impl NameServer {
    pub fn new(kubeconfig: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("settings.json"), "{}").unwrap();
        let ports: [Port; 2] = ports::lease().unwrap();
        let [dns, http] = ports.each_ref().map(Port::on_loopback);
        Self { folder, kubeconfig: kubeconfig.to_owned(), dns, http, child: None, _ports: ports }
    }

    /// Starts it, and waits until it lives.
    pub fn start(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecqx-dns"));
        command.arg("--settings").arg(self.folder.path().join("settings.json")).env("KUBECONFIG", &self.kubeconfig);
        command.arg("--state").arg(self.folder.path().join("zone")).args(["--name-server", "ns1=203.0.113.1"]);
        command.args(["--listen", &self.dns.to_string(), "--http", &self.http.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(self.http).is_err() {
            assert!(Instant::now() < end, "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As by the kernel, when memory is short: it can do nothing more.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Whether so many instances are kept on disk.
    pub fn has_kept(&self, count: u8) -> bool {
        let loaded = Store::new(self.folder.path().join("zone")).load("epygicloud.com").unwrap();
        loaded.kept.is_some_and(|kept| kept.held.size() == usize::from(count))
    }

    /// The serial of what is served, as the metrics tell it.
    pub fn serial(&self) -> u32 {
        let metrics = self.get("/metrics");
        let line = metrics.lines().find_map(|line| line.strip_prefix("ecqx_dns_zone_serial "));
        line.expect("a serial in the metrics").parse().unwrap()
    }

    /// A whole HTTP answer.
    pub fn get(&self, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        std::io::read_to_string(stream).unwrap()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.kill();
    }
}
