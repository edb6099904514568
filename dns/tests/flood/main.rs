//! A flood of malformed packets and forged senders, in a network of its own: memory stays flat, and who really asks is answered.
//!
//! The test starts itself again in a network namespace. It needs root, or a system that gives its users namespaces of their own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its fixtures")]

mod packets;

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ecqx_dns::{
    published::Published,
    store::{Held, Kept, Store},
};
use ecqx_domain::hostname::Label;
use ecqx_tests::netns;
use packets::{Flood, Sender};
use serde_json::Value;

/// How long the flood lasts, unless `ECQX_FLOOD_SECONDS` names another time.
const SECONDS: u64 = 6;
/// How much the server may take: a rate limit for each thread, buffers, and what a process takes anyway.
const MOST_MEMORY: u64 = 96 << 20;
/// How much it may grow once the flood has begun.
const MOST_GROWTH: u64 = 4 << 20;
/// How long each of the two floods rests after 100 packets: 50,000 packets a second are a flood, and leave the server what CPU it needs
/// on a machine that does other things too. What comes faster than it can be read is dropped by the kernel, whoever serves.
const PACE: Duration = Duration::from_millis(4);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 53, 0, 1);
/// A client in a network from which no packet is forged.
const CLIENT: Ipv4Addr = Ipv4Addr::new(172, 16, 7, 7);

#[test]
fn under_a_flood_of_malformed_and_forged_packets_memory_is_flat_and_queries_are_answered() {
    let name = "under_a_flood_of_malformed_and_forged_packets_memory_is_flat_and_queries_are_answered";
    if netns::is_inside_or_runs(name).unwrap() {
        flooded();
    }
}

/// All addresses of these networks are this machine's: what claims to come from them is taken, and answers have a way.
fn set_up_network() {
    for network in ["10.0.0.0/8", "172.16.0.0/12"] {
        netns::ip(&format!("route add local {network} dev lo")).unwrap();
    }
}

/// The program, which serves what it finds on disk: here is no API server.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(folder: &std::path::Path) -> Self {
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("settings.json", "{}");
        write(
            "kubeconfig",
            "{apiVersion: v1, kind: Config, clusters: [{name: n, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: n, user: {}}], contexts: [{name: n, context: {cluster: n, user: n}}], current-context: n}",
        );
        Store::new(folder.join("zone")).save(&kept()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecqx-dns"));
        command.arg("--settings").arg(folder.join("settings.json")).env("KUBECONFIG", folder.join("kubeconfig"));
        command.arg("--state").arg(folder.join("zone")).args(["--name-server", "ns1=203.0.113.1"]);
        command.args(["--listen", &format!("{SERVER}:1053"), "--http", "127.0.0.1:0", "--rate-limit", "100"]);
        // A log of what strangers send, as it is when somebody looks into an attack.
        command.args(["--query-log", "10"]).env_remove("RUST_LOG");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let started = |line: &String| line.contains("\"started\"");
        let line = lines.find(started).unwrap_or_else(|| panic!("it has not started"));
        std::thread::spawn(move || {
            for line in lines {
                assert!(line.is_ascii() && serde_json::from_str::<Value>(&line).is_ok(), "a line was forged: {line}");
            }
        });
        let line: Value = serde_json::from_str(&line).unwrap();
        Self { address: line["dns"].as_str().unwrap().parse().unwrap(), child }
    }

    /// Its memory, in octets.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn kept() -> Kept {
    let published = |n: u8| Published {
        label: Label::parse(&format!("pbx-{n}")).unwrap(),
        addresses: [[203, 0, 113, n].into()].into(),
        sips: false,
        is_about_to_change: false,
    };
    let held: Held = (0..200).map(|n| (("reseller".to_owned(), format!("pbx-{n}")), published(n))).collect();
    Kept { zone: "epygicloud.com".to_owned(), serial: 7, revision: 7, settings: "of then".to_owned(), held }
}

fn flooded() {
    set_up_network();
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path());
    let client = Client::new(server.address);
    assert!(client.asks(1), "it answers before");
    let seconds = std::env::var("ECQX_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let floods = [Flood::Malformed, Flood::Forged].map(|flood| {
        let (stop, sent, mut sender) = (Arc::clone(&stop), Arc::clone(&sent), Sender::new(flood, server.address));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                sent.fetch_add(sender.send(100), Ordering::Relaxed);
                std::thread::sleep(PACE);
            }
        })
    });
    // Once every buffer and every place of the rate limit has been touched, there is nothing left to grow.
    let (answered, asked) = client.ask_for(Duration::from_secs(2));
    let (begin, threads) = (server.memory(), server.threads());
    let (more, others) = client.ask_for(Duration::from_secs(seconds));
    let end = server.memory();
    stop.store(true, Ordering::Relaxed);
    for flood in floods {
        flood.join().unwrap();
    }
    let (answered, asked, sent) = (answered + more, asked + others, sent.load(Ordering::Relaxed));
    println!(
        "{sent} packets in {} s; {answered} of {asked} queries answered; {} KiB, {} KiB after",
        seconds + 2,
        begin >> 10,
        end >> 10
    );
    assert!(sent > 20_000, "a flood of {sent} packets is none");
    assert_eq!(answered, asked, "queries without an answer");
    assert!(end <= MOST_MEMORY, "{end} octets");
    assert!(end <= begin + MOST_GROWTH, "it grew from {begin} to {end} octets");
    assert!(server.threads() <= threads, "threads came: {}", server.threads());
}

/// Somebody who really asks, and as resolvers do, again when nothing comes.
struct Client(UdpSocket);

impl Client {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
        socket.connect(server).unwrap();
        Self(socket)
    }

    /// How many of so many queries are answered: at most 50 a second.
    fn ask_for(&self, time: Duration) -> (u64, u64) {
        let (end, mut answered, mut asked) = (Instant::now() + time, 0, 0);
        while Instant::now() < end {
            asked += 1;
            answered += u64::from(self.asks(u8::try_from(asked % 200).unwrap()));
            std::thread::sleep(Duration::from_millis(20));
        }
        (answered, asked)
    }

    /// Whether the right address comes, at the fifth time at the latest.
    fn asks(&self, n: u8) -> bool {
        (1..=5).any(|attempt| self.try_once(n, Duration::from_millis(200 * attempt)))
    }

    fn try_once(&self, n: u8, patience: Duration) -> bool {
        let label = format!("pbx-{n}");
        let mut query = vec![0x77, n, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, u8::try_from(label.len()).unwrap()];
        query.extend(label.as_bytes());
        query.extend(b"\x0aepygicloud\x03com\x00\x00\x01\x00\x01");
        self.0.set_read_timeout(Some(patience)).unwrap();
        if self.0.send(&query).is_err() {
            return false;
        }
        let mut answer = [0; 512];
        while let Ok(length) = self.0.recv(&mut answer) {
            if answer[..2] == query[..2] {
                return answer[..length].windows(4).any(|octets| octets == [203, 0, 113, n]);
            }
        }
        false
    }
}
