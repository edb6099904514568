//! Our answers beside those of NSD and Knot: the same zone, the same queries, octets over real sockets.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its fixtures")]

mod asking;
mod differences;
mod queries;
mod secondaries;
mod servers;

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use ecqx_dns::{
    Snapshot,
    dnssec::{Key, Keyring, Signing, Tick, algorithm::Algorithm, key::Times},
    published::Published,
    server::{Server, Service},
    zone::{Timers, Zone, ZoneSettings, build_snapshot},
};
use ecqx_domain::hostname::Label;

use asking::{Asker, Seen};
use queries::Query;
use servers::{Peer, zone_file};

const ZONE: &str = "epygicloud.com";

/// How many queries there are, unless `ECQX_DNS_QUERIES` names another number.
const QUERIES: usize = 12_000;

/// What does not come from instances: every sort of content that has rules of its own.
const STATIC: &str = "
@                A     203.0.113.80
@                MX    10 mail
@                TXT   \"v=spf1 mx -all\"
@                CAA   0 issue \"ca.example.net\"
mail             A     203.0.113.25
mail             AAAA  2001:db8::25
www              CNAME web.hosting.example.net.
shop             CNAME www
direct           CNAME mail
dangling         CNAME nobody
into             CNAME deep.child
a.b.c.d          TXT   \"below empty non-terminals\"
wild             TXT   \"beside the wildcard\"
*.wild           A     203.0.113.77
*.wild           MX    10 mail
below.deep.wild  TXT   \"hides the wildcard\"
*.alias          CNAME mail
child            NS    ns.child
child            NS    ns.example.net.
ns.child         A     203.0.113.99
ns.child         AAAA  2001:db8::99
in.mid.dle       NS    ns1
secure           NS    ns.secure
secure           NS    ns.example.net.
secure           DS    40721 15 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
secure           DS    40722 ED25519 4 (0123456789abcdef0123456789abcdef0123456789abcdef
                                        0123456789abcdef0123456789abcdef0123456789abcdef)
secure           TXT   \"belongs to the other zone\"
ns.secure        A     203.0.113.98
";

fn published(label: &str, last: u8, addresses: u16) -> Published {
    let v6 = (1..addresses).map(|n| std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into());
    let addresses = v6.chain([[203, 0, 113, last].into()]).collect();
    Published { label: Label::parse(label).unwrap(), addresses, sips: false, is_about_to_change: false }
}

fn settings() -> Arc<ZoneSettings> {
    let servers =
        ["ns1=203.0.113.1,2001:db8::1", "ns2=203.0.113.2", "ns.example.net"].map(|text| text.parse().unwrap());
    let settings = ZoneSettings::with_static(ZONE, &servers, Timers::default(), STATIC).unwrap();
    Arc::new(settings.offering_tls(true))
}

fn zone() -> Zone {
    let few = (0..60).map(|n| published(&format!("pbx-{n}"), n, u16::from(n % 3) + 1));
    let many = [published("some", 1, 20), published("many", 1, 60)];
    build_snapshot(few.chain(many), &settings(), 2_026_110_100).unwrap()
}

/// The same zone, signed.
fn signed() -> Zone {
    let (zone, now) = (zone(), SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let times = Times { sync_publish: Some(0), ..Times::ALWAYS };
    let key = |octet, is_entry| Key::of(Algorithm::Ed25519, &[octet; 32], is_entry, times).unwrap();
    let keyring = Keyring::new([key(1, true), key(2, false)]);
    let signing = Signing::new(&keyring, Tick::of(now), zone.wire_origin()).unwrap();
    zone.resigned(Some(&Arc::new(signing)), zone.serial() + 1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_nsd_and_of_knot_but_for_differences_that_are_explained() {
    are_the_same(zone()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_from_the_signed_zone_is_theirs_too_signatures_and_proofs_included() {
    are_the_same(signed()).await;
}

async fn are_the_same(zone: Zone) {
    let text = zone_file(&zone);
    let snapshot = Snapshot::default();
    snapshot.store(Some(Arc::new(zone.clone())));
    let server = Server::start(servers::ANY_PORT, Service::of(snapshot)).await.unwrap();
    let address = server.address();
    let found = tokio::task::spawn_blocking(move || compare(&zone, &text, address)).await.unwrap();
    server.stop().await.unwrap();
    let unexplained: Vec<_> = found.iter().filter_map(|(reason, cases)| reason.is_none().then_some(cases)).collect();
    for (reason, cases) in found.iter().filter_map(|(reason, cases)| Some(((*reason)?, cases))) {
        println!("{:>6} times: {reason}", cases.len());
    }
    let shown: Vec<_> = unexplained.iter().flat_map(|cases| cases.iter().take(20)).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} answers differ:\n{}", unexplained[0].len(), shown.join("\n"));
}

type Found = BTreeMap<Option<&'static str>, Vec<String>>;

fn compare(zone: &Zone, text: &str, address: std::net::SocketAddr) -> Found {
    let count = std::env::var("ECQX_DNS_QUERIES").ok().and_then(|text| text.parse().ok()).unwrap_or(QUERIES);
    let peers = [Peer::nsd(ZONE, text), Peer::knot(ZONE, text)];
    let (ours, theirs) = (Asker::new(address), peers.each_ref().map(|peer| Asker::new(peer.address)));
    let mut found = Found::new();
    for query in queries::all(zone, count) {
        let own = ours.insist(&query);
        for (peer, asker) in peers.iter().zip(&theirs) {
            let other = asker.ask(&query);
            if own != other {
                let reason = differences::explained(peer.name, &query, own.as_ref(), other.as_ref());
                found.entry(reason).or_default().push(told(peer.name, &query, own.as_ref(), other.as_ref()));
            }
        }
    }
    found
}

fn told(peer: &str, query: &Query, own: Option<&Seen>, other: Option<&Seen>) -> String {
    format!("{query:?}\n   ours: {own:?}\n  {peer}: {other:?}")
}
