//! NSD and Knot as our secondaries: told of changes, they transfer them, and have the same zone in the end.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use ecqx_dns::{
    Snapshot,
    book::{Event, Sight},
    publish::Publisher,
    published::Published,
    server::{Server, Service},
    transfer::{History, Keys, notify},
};

use crate::{
    ZONE,
    asking::{Asker, Seen},
    published,
    queries::{Query, Variant, query},
    servers::{self, Peer},
    settings,
};

const SECRET: &str = "c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=";
const DEADLINE: Duration = Duration::from_secs(40);
/// How many changes there are, unless `CHANGES` names another number.
const CHANGES: u64 = 1000;

fn soa() -> Query {
    query(7, &[b"epygicloud".to_vec(), b"com".to_vec()], 6, 1, Variant::Plain)
}

fn serial(asker: &Asker) -> Option<u32> {
    let seen = asker.insist(&soa())?;
    seen.answers.first()?.split(' ').nth(6)?.parse().ok()
}

fn changed(n: u64) -> Event {
    let name = format!("i-{}", n % 50);
    let key = ("reseller".to_owned(), name.clone());
    let revision = 1000 + n * 3;
    if n % 7 == 6 {
        return Event::Deleted(key, revision);
    }
    // Every third has the shorter TTL.
    let is_about_to_change = n.is_multiple_of(3);
    let published = Published { is_about_to_change, ..published(&name, u8::try_from(n % 250).unwrap(), 3) };
    Event::Changed(key, Sight::Served(published), revision)
}

/// Waits until the secondary has this serial, and sees it only grow until then.
async fn until_equal(asker: &Asker, wanted: u32) {
    let (end, mut last) = (Instant::now() + DEADLINE, 0);
    loop {
        let now = serial(asker).unwrap_or(last);
        assert!(now >= last, "the serial went back from {last} to {now}");
        if now == wanted {
            return;
        }
        assert!(Instant::now() < end, "the secondary stays at {now} and not at {wanted}");
        last = now;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn answers(asker: &Asker) -> Vec<Option<Seen>> {
    let mut answers = Vec::new();
    for (n, below) in (0..55).flat_map(|n| [(n, ""), (n, "_sip._udp."), (n, "_udp.")]) {
        let name = format!("{below}i-{n}.{ZONE}");
        let name: Vec<_> = name.split('.').map(|label| label.as_bytes().to_vec()).collect();
        for kind in [1, 28, 33, 35] {
            answers.push(asker.insist(&query(9, &name, kind, 1, Variant::Plain)));
        }
    }
    answers
}

async fn follows(start: impl Fn(SocketAddr, &str) -> Peer + Send + 'static) {
    let keys = Keys::parse(&format!("secondary hmac-sha256 {SECRET}")).unwrap();
    let (snapshot, history) = (Snapshot::default(), History::default());
    let mut publisher = Publisher::new(settings(), Arc::clone(&snapshot)).recording(history.clone());
    publisher.enter([Event::ListBegins, Event::ListEnds(1000)]).await.unwrap();
    let service = Service { keys: keys.clone(), history, ..Service::of(Arc::clone(&snapshot)) };
    let server = Server::start(servers::ANY_PORT, service).await.unwrap();
    let address = server.address();
    let peer = tokio::task::spawn_blocking(move || start(address, SECRET)).await.unwrap();
    let told = tokio::spawn(notify::tell(peer.address, keys.named("secondary").cloned(), settings(), publisher.kept()));
    let asker = Asker::new(peer.address);
    let changes = std::env::var("CHANGES").ok().and_then(|text| text.parse().ok()).unwrap_or(CHANGES);
    let begin = Instant::now();
    for n in 1..=changes {
        publisher.enter([changed(n)]).await.unwrap();
        if n % 100 == 0 {
            until_equal(&asker, snapshot.load_full().unwrap().serial()).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    until_equal(&asker, snapshot.load_full().unwrap().serial()).await;
    println!("{}: {changes} changes in {:?}, the last one taken up", peer.name, begin.elapsed());
    let own = tokio::task::spawn_blocking(move || (answers(&Asker::new(address)), answers(&asker))).await.unwrap();
    assert_eq!(own.0, own.1, "{} has another zone", peer.name);
    told.abort();
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nsd_as_a_secondary_follows_every_change() {
    follows(|primary, secret| Peer::nsd_secondary(ZONE, primary, secret)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn knot_as_a_secondary_follows_every_change() {
    follows(|primary, secret| Peer::knot_secondary(ZONE, primary, secret)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_for_who_signs_with_a_key_of_ours_and_for_nobody_else() {
    let keys = Keys::parse(&format!("secondary hmac-sha256 {SECRET}")).unwrap();
    let snapshot = Snapshot::default();
    let mut publisher = Publisher::new(settings(), Arc::clone(&snapshot));
    publisher.enter([Event::ListBegins, Event::ListEnds(1000)]).await.unwrap();
    publisher.enter((1..=300).map(changed)).await.unwrap();
    let server = Server::start(servers::ANY_PORT, Service { keys, ..Service::of(snapshot) }).await.unwrap();
    let dig = |key: Option<&str>, kind: &str| {
        let mut command = std::process::Command::new("dig");
        command.args(["@127.0.0.1", "-p", &server.address().port().to_string(), ZONE, kind, "+tcp", "+nocookie"]);
        command.args(key.map(|key| format!("-y{key}")));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let whole = dig(Some(&format!("hmac-sha256:secondary:{SECRET}")), "AXFR");
    assert!(whole.contains("NAPTR") && !whole.contains("Transfer failed") && !whole.contains("tsig"), "{whole}");
    assert!(whole.matches("SOA").count() == 2, "it begins and ends with the SOA: {whole}");
    for kind in ["AXFR", "IXFR=1"] {
        assert!(dig(None, kind).contains("Transfer failed"));
        let wrong = dig(Some("hmac-sha256:secondary:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), kind);
        assert!(!wrong.contains("NAPTR") && wrong.contains("BADSIG"), "{wrong}");
        let unknown = dig(Some(&format!("hmac-sha256:stranger:{SECRET}")), kind);
        assert!(!unknown.contains("NAPTR") && unknown.contains("BADKEY"), "{unknown}");
    }
    server.stop().await.unwrap();
}
