//! Names in the DNS, with the name server itself running in this process, and what an instance says of them.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use clap::Parser;
use ecqx_crds::condition::{self, reason};
use ecqx_dns::{args::Args, run::run_until, store::Store};
use ecqx_tests::ports::{self, Port};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{NS, rig::Rig, stand_in::StandIn};

/// The zone beside instances.
const STATIC: &str = "intranet A 203.0.113.80\n";

/// A name server that can be killed and started again, with its zone on disk.
pub struct NameServer {
    folder: TempDir,
    pub http: SocketAddr,
    pub dns: SocketAddr,
    running: Option<JoinHandle<()>>,
    _ports: [Port; 2],
}

impl NameServer {
    /// Its addresses, before it runs.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("settings.json"), "{}").unwrap();
        std::fs::write(folder.path().join("static"), STATIC).unwrap();
        let ports: [Port; 2] = ports::lease().unwrap();
        let [http, dns] = ports.each_ref().map(Port::on_loopback);
        Self { folder, http, dns, running: None, _ports: ports }
    }

    pub fn start(&mut self, rig: &Rig) {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let (dns, http) = (self.dns.to_string(), self.http.to_string());
        let (settings, fixed, state) = (path("settings.json"), path("static"), path("zone"));
        let options = ["--settings", &settings, "--static-zone", &fixed, "--state", &state];
        let addresses = ["--listen", &dns, "--http", &http, "--name-server", "ns1=203.0.113.1"];
        let args = Args::try_parse_from(["ecqx-dns"].into_iter().chain(options).chain(addresses)).unwrap();
        let running = run_until(args, rig.client.clone(), CancellationToken::new());
        self.running = Some(tokio::spawn(async move { running.await.unwrap() }));
    }

    /// It goes without an end of its own; back when its last thread has let go of the port.
    pub async fn kill(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.abort();
        let _ = running.await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while UdpSocket::bind(self.dns).is_err() {
            assert!(tokio::time::Instant::now() < deadline, "a dead name server holds its port");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether this address is in the zone on disk.
    pub fn has_kept(&self, address: &str) -> bool {
        let loaded = Store::new(self.folder.path().join("zone")).load("epygicloud.com").unwrap();
        let address = address.parse().unwrap();
        loaded.kept.is_some_and(|kept| kept.held.values().any(|published| published.addresses.contains(&address)))
    }

    /// The addresses of a name; nothing when there is no answer.
    pub async fn addresses(&self, name: &str) -> Option<Vec<String>> {
        let port = self.dns.port().to_string();
        let mut dig = tokio::process::Command::new("dig");
        dig.args(["@127.0.0.1", "-p", &port, name, "A", "+short", "+timeout=1", "+tries=1", "+norecurse"]);
        let output = dig.output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| text.lines().map(str::to_owned).collect())
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

async fn reason_of(rig: &Rig, name: &str) -> String {
    let status = rig.get(NS, name).await.status.unwrap_or_default();
    let found = status.conditions.into_iter().find(|c| c.type_ == condition::DNS_PUBLISHED);
    found.map(|c| c.reason).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_says_whether_its_name_is_served_and_which_field_is_at_fault() {
    let mut server = NameServer::new();
    let rig = Rig::start_asking(&json!({}), Some(server.http)).await;
    server.start(&rig);
    rig.namespace(NS).await;
    rig.instance(NS, "fine", "fine").await;
    rig.instance(NS, "taken", "intranet").await;
    let (fine, _taken) =
        (StandIn::start(&rig.client, NS, "fine").await, StandIn::start(&rig.client, NS, "taken").await);
    rig.until(NS, "fine", condition::DNS_PUBLISHED, "True").await;
    assert_eq!(server.addresses("fine.epygicloud.com").await.unwrap(), [fine.address()]);
    let (_, message) = rig.condition(NS, "fine", condition::DNS_PUBLISHED).await;
    assert_eq!(message, format!("fine.epygicloud.com leads to {}", fine.address()));

    rig.eventually("the fault is told", async || reason_of(&rig, "taken").await == reason::NAME_RESERVED).await;
    let (status, message) = rig.condition(NS, "taken", condition::DNS_PUBLISHED).await;
    assert!(status == "False" && message.starts_with("spec.hostname"), "{status} {message}");
    assert_eq!(server.addresses("intranet.epygicloud.com").await.unwrap(), ["203.0.113.80"]);

    rig.settled().await;
    server.kill().await;
    let before = rig.written();
    rig.patch(NS, "fine", json!({ "metadata": { "annotations": { "look": "again" } } })).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(rig.written(), before, "a name server that is away is no reason to write");
    assert_eq!(rig.condition(NS, "fine", condition::DNS_PUBLISHED).await.0, "True");

    server.start(&rig);
    rig.patch(NS, "fine", json!({ "spec": { "suspended": true } })).await;
    rig.eventually("it is out of service", async || reason_of(&rig, "fine").await == reason::NOT_IN_SERVICE).await;
    rig.eventually("the name goes", async || server.addresses("fine.epygicloud.com").await == Some(Vec::new())).await;
    rig.stop().await;
}
