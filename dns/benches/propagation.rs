//! How long a change takes from the API server's word to an answer: a status is committed, and the name server answers otherwise. Starts a
//! control plane; `make bench-dns` runs it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints what it finds"
)]

use std::{
    net::{Ipv4Addr, UdpSocket},
    time::{Duration, Instant},
};

use clap::Parser;
use ecqx_crds::EcqxInstance;
use ecqx_dns::{args::Args, run::run_until};
use ecqx_tests::{
    ControlPlane, kinds,
    ports::{self, Port},
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const INSTANCES: u32 = 100;
/// How many changes are measured, unless the first argument names another number.
const CHANGES: u32 = 500;
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(20);

fn address(change: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 | change)
}

async fn publish(instances: &Api<EcqxInstance>, n: u32, change: u32) {
    let status = json!({ "status": { "fqdn": format!("pbx-{n}.epygicloud.com"), "addresses": [address(change)] } });
    instances.patch_status(&format!("pbx-{n}"), &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

/// Asks until the name leads to the address of this change.
fn wait(socket: &UdpSocket, n: u32, change: u32) {
    let label = format!("pbx-{n}");
    let mut query = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, u8::try_from(label.len()).unwrap()];
    query.extend(label.as_bytes());
    query.extend(b"\x0aepygicloud\x03com\x00\x00\x01\x00\x01");
    let wanted = address(change).octets();
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let mut answer = [0; 512];
        let received = socket.send(&query).and_then(|_| socket.recv(&mut answer));
        if received.is_ok_and(|length| answer[..length].windows(4).any(|octets| octets == wanted)) {
            return;
        }
        assert!(Instant::now() < end, "pbx-{n} does not change");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Sorted: the middle, and the one that 99 of 100 are under.
fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{what:<42} p50 {:>6.2} ms  p99 {:>6.2} ms  longest {:>6.2} ms",
        ms(at(50)),
        ms(at(99)),
        ms(times[times.len() - 1])
    );
}

#[tokio::main]
async fn main() {
    let named = std::env::args().skip(1).find_map(|text| text.parse().ok());
    let control_plane = ControlPlane::start().await.unwrap();
    kinds::install(&control_plane.client()).await.unwrap();
    let instances = Api::<EcqxInstance>::namespaced(control_plane.client(), "default");
    for n in 0..INSTANCES {
        let spec = serde_json::from_value(json!({ "hostname": format!("pbx-{n}") })).unwrap();
        instances.create(&PostParams::default(), &EcqxInstance::new(&format!("pbx-{n}"), spec)).await.unwrap();
        publish(&instances, n, n).await;
    }
    let (folder, ports, stop) = (tempfile::tempdir().unwrap(), ports::lease::<2>().unwrap(), CancellationToken::new());
    let [dns, http] = ports.each_ref().map(Port::on_loopback);
    let (settings, state) = (folder.path().join("settings.json"), folder.path().join("zone"));
    std::fs::write(&settings, "{}").unwrap();
    let (listen, http) = (dns.to_string(), http.to_string());
    let options = ["ecqx-dns", "--listen", &listen, "--http", &http, "--name-server", "ns1=203.0.113.1"];
    let paths = ["--settings", settings.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let args = Args::try_parse_from(options.into_iter().chain(paths)).unwrap();
    let serving = tokio::spawn(run_until(args, control_plane.client(), stop.clone()));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(dns).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut whole, mut since) = (Vec::new(), Vec::new());
    for change in 1..=named.unwrap_or(CHANGES) {
        let n = change % INSTANCES;
        let begin = Instant::now();
        publish(&instances, n, 1000 + change).await;
        let committed = Instant::now();
        tokio::task::block_in_place(|| wait(&socket, n, 1000 + change));
        if change > INSTANCES / 10 {
            whole.push(begin.elapsed());
            since.push(committed.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    told("status committed and answered -> DNS answers", since);
    told("status sent -> DNS answers", whole);
    stop.cancel();
    serving.await.unwrap().unwrap();
    control_plane.stop().await.unwrap();
}
