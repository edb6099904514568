//! The signed zone as it is transferred: whole, and change by change.

use std::{
    net::SocketAddr,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use ecqx_dns::{
    Snapshot,
    book::{Event, Sight},
    dnssec::{Key, Signing, Tick, algorithm::Algorithm, key::Times, tick::TICK},
    publish::Publisher,
    server::{Server, Service},
    transfer::{History, Keys, notify},
    zone::Zone,
};
use tokio::sync::watch;

use crate::{
    ZONE, checkers, key, now, published,
    servers::{self, Peer, zone_file},
    settings, signing,
};

const SECRET: &str = "c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=";
const DEADLINE: Duration = Duration::from_secs(40);

/// A server whose zone changes, and is signed anew.
struct Primary {
    publisher: Publisher,
    signing: watch::Sender<Arc<Signing>>,
    snapshot: Snapshot,
    server: Server,
    keys: Keys,
}

impl Primary {
    async fn start() -> Self {
        let (signing, receiver) = watch::channel(signing([key(Algorithm::Ed25519, 1, true)], Tick::of(now())));
        let (snapshot, history) = (Snapshot::default(), History::default());
        let keys = Keys::parse(&format!("secondary hmac-sha256 {SECRET}")).unwrap();
        let mut publisher =
            Publisher::new(settings(), Arc::clone(&snapshot)).recording(history.clone()).signing(Some(receiver));
        publisher.enter([Event::ListBegins, Event::ListEnds(1000)]).await.unwrap();
        let service = Service { keys: keys.clone(), history, ..Service::of(Arc::clone(&snapshot)) };
        let server = Server::start(servers::ANY_PORT, service).await.unwrap();
        Self { publisher, signing, snapshot, server, keys }
    }

    fn zone(&self) -> Arc<Zone> {
        self.snapshot.load_full().unwrap()
    }

    async fn change(&mut self, n: u64) {
        let name = format!("i-{}", n % 40);
        let (key, revision) = (("reseller".to_owned(), name.clone()), 1000 + n * 3);
        let event = match n % 7 {
            6 => Event::Deleted(key, revision),
            _ => Event::Changed(key, Sight::Served(published(&name, u8::try_from(n % 250).unwrap())), revision),
        };
        self.publisher.enter([event]).await.unwrap();
    }

    async fn sign(&mut self, signing: Arc<Signing>) {
        self.signing.send_replace(signing);
        self.publisher.resign().await.unwrap();
    }
}

/// What a program transfers, as the text of a zone file.
fn transferred(from: SocketAddr, key: Option<&str>, kind: &str) -> String {
    let mut command = Command::new("dig");
    command.args(["@127.0.0.1", "-p", &from.port().to_string(), ZONE, kind, "+tcp", "+nocookie", "+onesoa"]);
    command.args(["+nocomments", "+nocmd", "+nostats"]).args(key.map(|key| format!("-y{key}")));
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

fn of_primary(from: SocketAddr, kind: &str) -> String {
    let text = transferred(from, Some(&format!("hmac-sha256:secondary:{SECRET}")), kind);
    text.lines().filter(|line| !line.contains("TSIG") && !line.starts_with(';')).collect::<Vec<_>>().join("\n") + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_transferred_is_accepted_by_checkers_after_changes_and_ticks() {
    let mut primary = Primary::start().await;
    let (begin, address) = (now() - 40 * TICK, primary.server.address());
    for n in 1..=120 {
        primary.change(n).await;
        if n % 4 == 0 {
            primary.sign(signing([key(Algorithm::Ed25519, 1, true)], Tick::of(begin + n / 3 * TICK))).await;
        }
    }
    primary.sign(signing([key(Algorithm::Ed25519, 1, true)], Tick::of(now()))).await;
    checkers::check(&of_primary(address, "AXFR")).unwrap();
    checkers::check(&zone_file(&primary.zone())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_came_by_different_ways_have_the_same_signed_zone_to_the_octet() {
    let (mut one, mut other) = (Primary::start().await, Primary::start().await);
    let tick = |n| signing([key(Algorithm::Ed25519, 1, true)], Tick::of(now() + n * TICK));
    for n in 1..=60 {
        one.change(n).await;
        if n % 10 == 0 {
            one.sign(tick(n / 10)).await;
        }
    }
    // The other sees the ticks after all changes, and asks for some signatures on the way.
    for n in 1..=60 {
        other.change(n).await;
        drop(zone_file(&other.zone()));
    }
    other.sign(tick(6)).await;
    assert_eq!(one.zone().serial(), other.zone().serial());
    assert_eq!(zone_file(&one.zone()), zone_file(&other.zone()));
    // And so does one that began with all of it.
    let mut third = Primary::start().await;
    third.sign(tick(6)).await;
    for n in 1..=60 {
        third.change(n).await;
    }
    assert_eq!(zone_file(&one.zone()), zone_file(&third.zone()));
}

/// Follows changes, ticks and a new key.
async fn follows(start: impl Fn(SocketAddr, &str) -> Peer + Send + 'static) {
    let mut primary = Primary::start().await;
    let address = primary.server.address();
    let peer = tokio::task::spawn_blocking(move || start(address, SECRET)).await.unwrap();
    let told =
        notify::tell(peer.address, primary.keys.named("secondary").cloned(), settings(), primary.publisher.kept());
    let told = tokio::spawn(told);
    let new = || Key::of(Algorithm::Ed25519, &[9; 32], true, Times::ALWAYS).unwrap();
    let begin = now() - 10 * TICK;
    for n in 1..=100 {
        primary.change(n).await;
        if n % 10 == 0 {
            let keys = [key(Algorithm::Ed25519, 1, true)].into_iter().chain((n > 60).then(new));
            primary.sign(signing(keys, Tick::of(begin + n / 10 * TICK))).await;
        }
        if n % 25 == 0 {
            is_equal(&primary, &peer).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    is_equal(&primary, &peer).await;
    told.abort();
    primary.server.stop().await.unwrap();
}

/// Waits until the secondary has the primary's serial, and compares all that both hold.
async fn is_equal(primary: &Primary, peer: &Peer) {
    let (address, own) = (peer.address, primary.server.address());
    let wanted = primary.zone().serial().to_string();
    let name = peer.name;
    tokio::task::spawn_blocking(move || {
        let end = Instant::now() + DEADLINE;
        while !transferred(address, None, "SOA").split_whitespace().any(|word| word == wanted) {
            assert!(Instant::now() < end, "{name} does not come to {wanted}: {}", transferred(address, None, "SOA"));
            std::thread::sleep(Duration::from_millis(50));
        }
        let [ours, theirs] = [of_primary(own, "AXFR"), of_primary(address, "AXFR")].map(|text| {
            let mut lines: Vec<String> =
                text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()).collect();
            lines.sort();
            lines.dedup();
            lines
        });
        assert!(ours.len() > 100, "{ours:?}");
        let differ: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
        assert!(differ.is_empty() && ours.len() == theirs.len(), "{name} has another zone, without {differ:#?}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nsd_as_a_secondary_has_the_signed_zone_after_every_change() {
    follows(|primary, secret| Peer::nsd_secondary(ZONE, primary, secret)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn knot_as_a_secondary_has_the_signed_zone_after_every_change() {
    follows(|primary, secret| Peer::knot_secondary(ZONE, primary, secret)).await;
}
