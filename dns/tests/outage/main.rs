//! Kubernetes goes away: stopped, or silent with its connections open. The name server, started anew in the midst of it, gives no wrong
//! answer and misses none, and sees what changed soon after the API server is back.
//!
//! Twenty seconds each, unless `ECQX_OUTAGE_SECONDS` names another time; `make outage` has them last ten minutes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, also in its fixtures")]

mod asking;
mod process;

use std::time::{Duration, Instant};

use asking::Asking;
use ecqx_crds::EcqxInstance;
use ecqx_tests::{ControlPlane, kinds};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use nix::{sys::signal::Signal, unistd::Pid};
use process::NameServer;
use serde_json::json;

const INSTANCES: u8 = 20;
/// Within which time a change is served that was written when the API server was back.
const SOON: Duration = Duration::from_secs(20);

/// How the API server is away.
#[derive(Clone, Copy, Debug)]
enum Outage {
    /// It has ended: connections are refused.
    Stopped,
    /// It does nothing: connections stay open, and new ones are taken by the kernel and never answered.
    BlackHoled,
}

impl Outage {
    fn begin(self, control_plane: &ControlPlane) {
        match self {
            Self::Stopped => control_plane.stop_api_server().unwrap(),
            Self::BlackHoled => signal(control_plane, Signal::SIGSTOP),
        }
    }

    fn end(self, control_plane: &ControlPlane) {
        match self {
            Self::Stopped => control_plane.start_api_server().unwrap(),
            Self::BlackHoled => signal(control_plane, Signal::SIGCONT),
        }
    }
}

/// To the API server of this control plane, which is a child of its supervisor.
fn signal(control_plane: &ControlPlane, signal: Signal) {
    let parent = format!("PPid:\t{}\n", control_plane.supervisor_pid());
    let is_it = |status: &String| status.starts_with("Name:\tkube-apiserver\n") && status.contains(&parent);
    let found = std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        std::fs::read_to_string(entry.path().join("status")).ok().filter(is_it).map(|_| pid)
    });
    nix::sys::signal::kill(Pid::from_raw(found.expect("an API server of ours")), signal).unwrap();
}

fn how_long() -> Duration {
    let named = std::env::var("ECQX_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(named.unwrap_or(20))
}

async fn publish(instances: &Api<EcqxInstance>, n: u8, last: u8) -> kube::Result<()> {
    let status =
        json!({ "status": { "fqdn": format!("pbx-{n}.epygicloud.com"), "addresses": [format!("203.0.113.{last}")] } });
    instances.patch_status(&format!("pbx-{n}"), &PatchParams::default(), &Patch::Merge(status)).await.map(drop)
}

async fn until(what: &str, patience: Duration, holds: impl AsyncFn() -> bool) -> Duration {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begin.elapsed()
}

/// A name server that serves all instances of a control plane of its own, and has them on disk.
async fn serving() -> (ControlPlane, Api<EcqxInstance>, NameServer) {
    let control_plane = ControlPlane::start().await.unwrap();
    kinds::install(&control_plane.client()).await.unwrap();
    let instances = Api::<EcqxInstance>::namespaced(control_plane.client(), "default");
    for n in 0..INSTANCES {
        let spec = serde_json::from_value(json!({ "hostname": format!("pbx-{n}") })).unwrap();
        instances.create(&PostParams::default(), &EcqxInstance::new(&format!("pbx-{n}"), spec)).await.unwrap();
        publish(&instances, n, n).await.unwrap();
    }
    let mut server = NameServer::new(control_plane.kubeconfig_path());
    server.start();
    let right = async || (0..INSTANCES).all(|n| asking::ask(server.dns, n) == Some(Ok(n)));
    until("every name is served", Duration::from_mins(1), right).await;
    until("and kept on disk", Duration::from_secs(20), async || server.has_kept(INSTANCES)).await;
    (control_plane, instances, server)
}

async fn survives(outage: Outage) {
    let (control_plane, instances, mut server) = serving().await;
    let asking = Asking::begin(server.dns, INSTANCES);
    outage.begin(&control_plane);
    let (begin, time) = (Instant::now(), how_long());
    tokio::time::sleep(time / 3).await;
    server.kill();
    server.start();
    assert!(server.get("/readyz").contains(" 200 "), "it is ready with the zone on disk");
    assert!(server.get("/metrics").contains("\necqx_dns_zone_stale 1\n"), "and says that it is not of today");
    tokio::time::sleep(time.saturating_sub(begin.elapsed())).await;
    assert!(server.get("/metrics").contains("\necqx_dns_zone_stale 1\n"), "still");
    let asked = asking.end();
    assert_eq!(asked.faults, Vec::<String>::new(), "of {} queries", asked.count);
    assert!(asked.count > 50, "{} queries are no test", asked.count);

    outage.end(&control_plane);
    until("the API server takes a write", Duration::from_mins(1), async || publish(&instances, 0, 200).await.is_ok())
        .await;
    let seen = until("the change is served", SOON, async || asking::ask(server.dns, 0) == Some(Ok(200))).await;
    assert!(server.get("/metrics").contains("\necqx_dns_zone_stale 0\n"));
    println!(
        "{outage:?} for {:?}: {} queries, all answered rightly; the change after it served {seen:?} after it was written",
        begin.elapsed(),
        asked.count
    );
    drop(server);
    control_plane.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_api_server_stopped_every_answer_is_right() {
    survives(Outage::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_api_server_silent_every_answer_is_right() {
    survives(Outage::BlackHoled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_as_soon_as_a_change_is_served_it_serves_that_again_without_the_api_server() {
    let (control_plane, instances, mut server) = serving().await;
    let mut serial = server.serial();
    for last in 100..108 {
        publish(&instances, 0, last).await.unwrap();
        let end = Instant::now() + SOON;
        while asking::ask(server.dns, 0) != Some(Ok(last)) {
            assert!(Instant::now() < end, "the change to {last} is not served");
        }
        server.kill();
        Outage::BlackHoled.begin(&control_plane);
        server.start();
        assert_eq!(asking::ask(server.dns, 0), Some(Ok(last)), "what was served once, however short");
        assert!(server.serial() > serial, "{} after {serial}", server.serial());
        serial = server.serial();
        Outage::BlackHoled.end(&control_plane);
    }
    drop(server);
    control_plane.stop().await.unwrap();
}
