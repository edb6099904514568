//! Connections over TCP: who holds them, how long, and that all of it is counted.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use ecqx_dns::{
    Snapshot,
    publish::Publisher,
    server::{Patience, Service},
    transfer::{History, Keys},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{dig::dig, serving, settings, until};

const SECRET: &str = "c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=";
/// The SOA of the zone, behind its length.
const SOA: &[u8] = b"\x00\x20\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0aepygicloud\x03com\x00\x00\x06\x00\x01";

/// An empty zone, with a key for secondaries.
async fn service() -> Service {
    let (snapshot, history) = (Snapshot::default(), History::default());
    let mut publisher = Publisher::new(settings(), Arc::clone(&snapshot)).recording(history.clone());
    publisher.enter([ecqx_dns::book::Event::ListBegins, ecqx_dns::book::Event::ListEnds(1000)]).await.unwrap();
    let keys = Keys::parse(&format!("secondary hmac-sha256 {SECRET}")).unwrap();
    Service { keys, history, ..Service::of(snapshot) }
}

/// A connection from an address of the loopback net.
async fn connect(from: Ipv4Addr, server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(server).await.unwrap()
}

/// Whether the server answers over this connection.
async fn answers(stream: &mut TcpStream) -> bool {
    if stream.write_all(SOA).await.is_err() {
        return false;
    }
    let Ok(length @ 13..) = stream.read_u16().await else { return false };
    stream.read_exact(&mut vec![0; length.into()]).await.is_ok()
}

/// Waits until the server closes the connection, and says after how long.
async fn closed(stream: &mut TcpStream) -> Duration {
    let begin = Instant::now();
    let end = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut [0; 64])).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "it is still open: {end:?}");
    begin.elapsed()
}

fn has(service: &Service, line: &str) -> bool {
    service.metrics.text(&service.snapshot).unwrap().lines().any(|have| have == line)
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_addresses_that_take_all_places_keep_nobody_out() {
    // Nobody is to lose a place for being quiet, however slow this machine is.
    let patience = Patience { idle: Duration::from_mins(5), lifetime: Duration::from_mins(10) };
    let service = Service { patience, ..service().await };
    let server = serving(&service).await;
    let at = server.address();
    let mut held = Vec::new();
    for n in 0..1024_u16 {
        held.push(connect(Ipv4Addr::new(127, 77, u8::try_from(n / 64).unwrap(), 1), at).await);
    }
    until("all places are taken", async || has(&service, "ecqx_dns_tcp_connections_total{place=\"taken\"} 1024")).await;
    for n in 1..=20 {
        let mut mine = connect(Ipv4Addr::new(127, 78, n, 1), at).await;
        assert!(answers(&mut mine).await, "newcomer {n} is answered");
    }
    // Those that were answered and have gone left their places to the next.
    until("a place was given up", async || {
        !has(&service, "ecqx_dns_tcp_connections_total{place=\"in_place_of_another\"} 0")
    })
    .await;
    closed(&mut held[0]).await;
    let mut more = connect(Ipv4Addr::new(127, 77, 3, 1), at).await;
    closed(&mut more).await;
    until("one too many is refused", async || has(&service, "ecqx_dns_tcp_connections_total{place=\"refused\"} 1"))
        .await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_when_it_is_quiet_and_when_it_has_had_its_time_however_busy() {
    let patience = Patience { idle: Duration::from_millis(400), lifetime: Duration::from_millis(1500) };
    let server = serving(&Service { patience, ..service().await }).await;
    let mut quiet = connect(Ipv4Addr::LOCALHOST, server.address()).await;
    let after = closed(&mut quiet).await;
    assert!((300..1400).contains(&after.as_millis()), "{after:?}");
    let (mut busy, begin) = (connect(Ipv4Addr::LOCALHOST, server.address()).await, Instant::now());
    let mut answered = 0;
    while answers(&mut busy).await {
        answered += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(begin.elapsed() < Duration::from_secs(15), "it goes on for ever");
    }
    assert!(answered > 5 && begin.elapsed() >= Duration::from_millis(1400), "{answered} in {:?}", begin.elapsed());
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_half_a_message_holds_its_place_for_seconds_only() {
    let server = serving(&service().await).await;
    let mut slow = connect(Ipv4Addr::LOCALHOST, server.address()).await;
    slow.write_all(&SOA[..9]).await.unwrap();
    let after = closed(&mut slow).await;
    assert!(after < Duration::from_secs(9), "{after:?}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_transfers_over_tcp_are_counted() {
    let service = service().await;
    let server = serving(&service).await;
    assert!(answers(&mut connect(Ipv4Addr::LOCALHOST, server.address()).await).await);
    until("the query is in the histogram", async || has(&service, "ecqx_dns_latency_seconds_count 1")).await;
    let key = format!("-yhmac-sha256:secondary:{SECRET}");
    for kind in ["AXFR", "IXFR=1000"] {
        let seen = dig(server.address(), &["epygicloud.com", kind, "+tcp", &key]).await;
        assert!(seen.text.contains("SOA") && !seen.text.contains("Transfer failed"), "{}", seen.text);
    }
    for outcome in ["axfr", "ixfr"] {
        let line = format!("ecqx_dns_transfers_total{{outcome=\"{outcome}\"}} 1");
        until(&line, async || has(&service, &line)).await;
    }
    let refused = dig(server.address(), &["epygicloud.com", "AXFR", "+tcp"]).await;
    assert!(refused.text.contains("Transfer failed"), "{}", refused.text);
    assert!(has(&service, "ecqx_dns_transfers_total{outcome=\"axfr\"} 1"), "what is refused is no transfer");
    server.stop().await.unwrap();
}
