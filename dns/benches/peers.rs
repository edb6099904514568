//! Queries a second beside NSD's and Knot's: the same zone, the same cores, one run. Starts programs; `make bench-dns` runs it.
//!
//! Every figure is a ratio, ours over theirs, of measurements that follow one another, so that what else the machine does bears on both:
//! ours before and after theirs. Each is the median of the rounds. All servers are asked everything once before; what ours then gives, which
//! signs when it is asked first, is printed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints what it finds"
)]

#[path = "../tests/peers/servers.rs"]
mod servers;

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use ecqx_dns::{
    Snapshot,
    book::{Event, Sight},
    dnssec::{Key, Keyring, Signing, Tick, algorithm::Algorithm, key::Times},
    publish::Publisher,
    published::Published,
    server::{Server, Service},
    store::{Journal, Loaded, Store},
    transfer::History,
    zone::{Timers, Zone, ZoneSettings, build_snapshot},
};
use ecqx_domain::hostname::Label;
use servers::{Peer, zone_file};
use tokio::sync::watch;

const ZONE: &str = "epygicloud.com";
/// How many rounds, unless `ECQX_BENCH_ROUNDS` says otherwise.
const ROUNDS: usize = 7;
/// The seconds of one measurement.
const SECONDS: &str = "2";
/// How many changes a second the busy server has.
const CHANGES: u32 = 100;

fn published(n: u32) -> Published {
    let [_, a, b, c] = n.to_be_bytes();
    let addresses = [[10, a, b, c].into()].into();
    Published { label: Label::parse(&format!("pbx-{n}")).unwrap(), addresses, sips: false, is_about_to_change: false }
}

fn settings() -> Arc<ZoneSettings> {
    let servers = ["ns1=203.0.113.1".parse().unwrap(), "ns2=203.0.113.2".parse().unwrap()];
    Arc::new(ZoneSettings::new(ZONE, &servers, Timers::default()).unwrap())
}

fn zone(names: u32, signed: bool) -> Zone {
    let zone = build_snapshot((0..names).map(published), &settings(), 1).unwrap();
    if signed { zone.resigned(Some(&Arc::new(signing(&settings()))), 2).unwrap() } else { zone }
}

fn signing(settings: &ZoneSettings) -> Signing {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let key = Key::of(Algorithm::Ed25519, &[7; 32], true, Times::ALWAYS).unwrap();
    Signing::new(&Keyring::new([key]), Tick::of(now), settings.wire_origin()).unwrap()
}

fn key(n: u32) -> (String, String) {
    ("bench".to_owned(), format!("pbx-{n}"))
}

/// The server alone in a process, as it runs in earnest, so that its memory can be told: each change goes through the book, onto the disk
/// and into the history that secondaries ask for.
#[tokio::main]
async fn serve(names: u32, changes: u32, signed: bool) {
    let (snapshot, folder, settings) = (Snapshot::default(), tempfile::tempdir().unwrap(), settings());
    let (history, signing) = (History::default(), signed.then(|| watch::channel(Arc::new(signing(&settings)))));
    let mut publisher = Publisher::new(settings, Arc::clone(&snapshot)).recording(history.clone());
    publisher = publisher.signing(signing.as_ref().map(|(_, receiver)| receiver.clone()));
    let (journal, _ended) =
        Journal::begin(Store::new(folder.path().join("zone")), &Loaded::default(), Arc::default()).unwrap();
    publisher.keep_in(journal);
    let listed = (0..names).map(|n| Event::Listed(key(n), Sight::Served(published(n))));
    let listed = [Event::ListBegins].into_iter().chain(listed).chain([Event::ListEnds(1)]);
    publisher.enter(listed).await.unwrap();
    let service = Service { history, ..Service::of(Arc::clone(&snapshot)) };
    let server = Server::start("127.0.0.1:0".parse().unwrap(), service).await.unwrap();
    println!("{}", server.address());
    std::io::stdout().flush().unwrap();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / changes.max(1));
    for n in 0.. {
        ticks.tick().await;
        if changes > 0 {
            // As many records as before, or larger answers would be measured and not the changes.
            let addresses = [[192, 0, 2, u8::try_from(n % 200).unwrap()].into()].into();
            let new = Sight::Served(Published { addresses, ..published(n % names) });
            publisher.enter([Event::Changed(key(n % names), new, 2 + u64::from(n))]).await.unwrap();
        }
    }
}

struct Ours {
    child: Child,
    address: SocketAddr,
}

impl Ours {
    fn start(names: u32, changes: u32, signed: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--serve", &names.to_string(), &changes.to_string(), &signed.to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { address: line.trim().parse().unwrap(), child }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Queries in dnsperf's form: for names that exist, that do not, or both.
fn queries(names: u32, kind: &str) -> String {
    let mut text = String::new();
    let mut number = 1_u64;
    for at in 0..100_000_u32 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let n = u32::try_from(number >> 33).unwrap() % names;
        let miss = kind == "misses" || kind == "mix" && at % 4 == 0;
        let (prefix, label) = if miss { ("", format!("nobody-{n}")) } else { ("", format!("pbx-{n}")) };
        let (prefix, record) = match at % 3 {
            1 if !miss => ("_sip._udp.", "SRV"),
            2 if !miss => (prefix, "NAPTR"),
            _ => (prefix, "A"),
        };
        writeln!(text, "{prefix}{label}.{ZONE} {record}").unwrap();
    }
    text
}

/// How long dnsperf asks: for seconds, or through all queries so many times.
const TIMED: [&str; 2] = ["-l", SECONDS];
const ONCE: [&str; 2] = ["-n", "1"];

/// Queries a second that dnsperf gets answered.
fn measure(at: SocketAddr, file: &Path, signed: bool, length: [&str; 2]) -> f64 {
    let mut command = Command::new("dnsperf");
    command.args(["-s", &at.ip().to_string(), "-p", &at.port().to_string(), "-c", "8", "-q", "400", "-e"]);
    command.args(length);
    // With the DO bit: signatures are wanted.
    command.args(signed.then_some("-D"));
    let output = command.arg("-d").arg(file).output().expect("dnsperf; install it with `make setup`");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("Queries per second")).unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().last().unwrap().parse().unwrap()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Our rates, and the ratios to the others: what we give before and after each of them, over what it gives.
fn rounds(ours: SocketAddr, others: [SocketAddr; 3], file: &Path, signed: bool) -> (Vec<f64>, [f64; 3]) {
    let mut rates = vec![measure(ours, file, signed, TIMED)];
    let mut ratios = others.map(|_| Vec::new());
    let wanted = std::env::var("ECQX_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    for _ in 0..wanted.unwrap_or(ROUNDS) {
        for (other, ratios) in others.iter().zip(&mut ratios) {
            let (before, theirs) = (rates[rates.len() - 1], measure(*other, file, signed, TIMED));
            let after = measure(ours, file, signed, TIMED);
            ratios.push(f64::midpoint(before, after) / theirs);
            rates.push(after);
        }
    }
    (rates, ratios.map(median))
}

fn compare(names: u32, signed: bool) {
    let what = if signed { "signed" } else { "" };
    let text = zone_file(&zone(names, signed));
    let (nsd, knot) = (Peer::nsd(ZONE, &text), Peer::knot(ZONE, &text));
    let (ours, busy) = (Ours::start(names, 0, signed), Ours::start(names, CHANGES, signed));
    let folder = tempfile::tempdir().unwrap();
    for kind in ["hits", "misses", "mix"] {
        let file = folder.path().join(kind);
        std::fs::write(&file, queries(names, kind)).unwrap();
        let others = [nsd.address, knot.address, busy.address];
        let all = [ours.address, nsd.address, knot.address, busy.address];
        let [first, ..] = all.map(|server| measure(server, &file, signed, ONCE));
        let (rates, [nsd, knot, busy]) = rounds(ours.address, others, &file, signed);
        println!(
            "{names:>7} names, {kind:<6} {what} ÷ NSD {nsd:.2}  ÷ Knot {knot:.2}  under {CHANGES} changes/s ÷ idle {:.2}   ({:.0} q/s; asked first {first:.0})",
            1.0 / busy,
            median(rates)
        );
    }
    let (own, changed) = (servers::memory(ours.child.id()), servers::memory(busy.child.id()));
    let ratio =
        |theirs: u64| f64::from(u32::try_from(own / 1024).unwrap()) / f64::from(u32::try_from(theirs / 1024).unwrap());
    println!(
        "{names:>7} names, memory {what} ÷ NSD {:.2}  ÷ Knot {:.2}   ({} MiB; {} MiB under changes)",
        ratio(nsd.memory()),
        ratio(knot.memory()),
        own >> 20,
        changed >> 20
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    if arguments.first().is_some_and(|first| first == "--serve") {
        serve(number(1), number(2), arguments.get(3).is_some_and(|signed| signed == "true"));
        return;
    }
    let wanted: Vec<u32> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    for names in if wanted.is_empty() { vec![1000, 10_000, 100_000] } else { wanted } {
        compare(names, false);
        compare(names, true);
    }
}
