//! The server as its clients see it: asked by `dig` over real sockets, fed by hand or by a real API server.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, also in its fixtures")]

mod cluster;
mod dig;
mod process;
mod replicas;
mod silence;
mod sockets;
mod tcp;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ecqx_dns::{
    Snapshot,
    server::{Server, Service},
    zone::{Timers, ZoneSettings},
};

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_mins(1);

/// The zone epygicloud.com with two name servers.
fn settings() -> Arc<ZoneSettings> {
    let servers = ["ns1=203.0.113.1".parse().unwrap(), "ns2=203.0.113.2".parse().unwrap()];
    Arc::new(ZoneSettings::new("epygicloud.com", &servers, Timers::default()).unwrap())
}

/// A server of this zone on a free port.
async fn server(snapshot: &Snapshot) -> Server {
    serving(&Service::of(Arc::clone(snapshot))).await
}

/// A server on a free port.
async fn serving(service: &Service) -> Server {
    Server::start("127.0.0.1:0".parse().unwrap(), service.clone()).await.unwrap()
}

/// Waits until it holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
