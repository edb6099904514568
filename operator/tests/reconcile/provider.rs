//! A provider of DNS (`PowerDNS`) and external-dns itself, which brings names there. Starts programs, which end with it; `make external-dns` installs
//! both, and says by `ECQX_EXTERNAL_DNS` where external-dns is.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use ecqx_tests::ports::{self, Port};
use serde_json::json;
use tempfile::TempDir;

use crate::rig::{HANDED_OVER, Rig};

/// The key for the API of `PowerDNS`, which listens on loopback.
const KEY: &str = "of-a-test";

pub struct Provider {
    programs: Vec<Child>,
    port: u16,
    _folder: TempDir,
    _ports: [Port; 3],
}

impl Provider {
    /// Both, once the provider answers for the zone.
    pub async fn start(rig: &Rig) -> Self {
        let built: PathBuf = std::env::var_os("ECQX_EXTERNAL_DNS").unwrap().into();
        let (folder, ports) = (tempfile::tempdir().unwrap(), ports::lease().unwrap());
        let [port, api, metrics] = ports.each_ref().map(|port: &Port| port.number);
        let mut provider = Self { programs: vec![power_dns(&folder, port, api)], port, _folder: folder, _ports: ports };
        provider.has_zone(rig, api).await;
        let kubeconfig = rig.control_plane().kubeconfig_path();
        let kubectl = rig.control_plane().binaries().join("kubectl");
        let mut apply = Command::new(kubectl);
        apply
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["apply", "--server-side", "-f"])
            .arg(built.join("definition.yaml"));
        assert!(apply.status().unwrap().success(), "the definition of DNSEndpoint");
        let mut external_dns = Command::new(built.join("external-dns"));
        external_dns.args([
            "--source=crd",
            "--provider=pdns",
            &format!("--pdns-server=http://127.0.0.1:{api}"),
            &format!("--pdns-api-key={KEY}"),
            &format!("--domain-filter={HANDED_OVER}"),
            // As in examples/external-dns.
            "--policy=sync",
            "--managed-record-types=A",
            "--managed-record-types=AAAA",
            "--managed-record-types=SRV",
            "--managed-record-types=NAPTR",
            "--label-filter=app.kubernetes.io/managed-by=ecqx-operator",
            "--txt-owner-id=ecqx",
            "--log-level=warning",
            "--interval=2s",
            &format!("--metrics-address=127.0.0.1:{metrics}"),
        ]);
        provider.programs.push(external_dns.arg("--kubeconfig").arg(kubeconfig).stdin(Stdio::null()).spawn().unwrap());
        provider
    }

    async fn has_zone(&self, rig: &Rig, api: u16) {
        let zones = format!("http://127.0.0.1:{api}/api/v1/servers/localhost/zones");
        let zone = json!({ "name": format!("{HANDED_OVER}."), "kind": "Native", "nameservers": [format!("ns1.{HANDED_OVER}.")] });
        let post = || reqwest::Client::new().post(&zones).header("X-API-Key", KEY).body(zone.to_string()).send();
        rig.eventually("PowerDNS takes a zone", async || post().await.is_ok_and(|answer| answer.status().is_success()))
            .await;
        rig.eventually("PowerDNS answers for it", async || !self.dig(HANDED_OVER, "SOA").is_empty()).await;
    }

    /// The data of the answers, sorted.
    pub fn dig(&self, name: &str, record: &str) -> Vec<String> {
        let mut dig = Command::new("dig");
        dig.args(["-b", "127.0.0.2", "@127.0.0.1", "-p", &self.port.to_string(), "+short", "+norec", name, record]);
        let text = String::from_utf8(dig.output().unwrap().stdout).unwrap();
        let mut data: Vec<String> = text.lines().filter(|line| !line.starts_with(';')).map(str::to_owned).collect();
        data.sort();
        data
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        for program in self.programs.iter_mut().rev() {
            drop(program.kill());
            drop(program.wait());
        }
    }
}

fn power_dns(folder: &TempDir, port: u16, api: u16) -> Child {
    let folder = folder.path().to_str().unwrap();
    let mut command = Command::new("/usr/sbin/pdns_server");
    command.args([
        &format!("--config-dir={folder}"),
        &format!("--socket-dir={folder}"),
        &format!("--lmdb-filename={folder}/zones"),
        &format!("--local-port={port}"),
        &format!("--webserver-port={api}"),
        &format!("--api-key={KEY}"),
    ]);
    command.args(["--launch=lmdb", "--local-address=127.0.0.1", "--webserver-address=127.0.0.1", "--api=yes"]);
    command.args(["--daemon=no", "--guardian=no", "--cache-ttl=0", "--query-cache-ttl=0", "--negquery-cache-ttl=0"]);
    command.args(["--zone-cache-refresh-interval=0", "--loglevel=3"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}
