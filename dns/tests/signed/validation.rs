//! A resolver that checks signatures resolves through us; what is broken, it refuses; while keys are replaced, it never does.

use std::{net::SocketAddr, sync::Arc};

use ecqx_dns::{
    Snapshot,
    dnssec::{Key, Keyring, Signing, Tick, algorithm::Algorithm, key::Times, tick::TICK},
    published::Published,
    server::{Server, Service},
    zone::{Timers, Zone, ZoneSettings, build_snapshot},
};
use ecqx_domain::{hostname::Label, name_change::Ttl};
use rstest::rstest;

use crate::{STATIC, ZONE, child_key, ds, key, now, origin, plain, published, resolver::Resolver, servers, signing};

const DAY: u64 = 86_400;

/// The DS of a key, as a trust anchor.
fn anchor(key: &Key) -> String {
    format!("{ZONE}. IN {}", ds(key, ZONE))
}

async fn serve(zone: Zone) -> (Snapshot, Server) {
    let snapshot = Snapshot::default();
    snapshot.store(Some(Arc::new(zone)));
    let server = Server::start(servers::ANY_PORT, Service::of(Arc::clone(&snapshot))).await.unwrap();
    (snapshot, server)
}

/// A zone below a delegation, signed with this key or by nobody.
fn child(label: &str, key: Option<Key>) -> Zone {
    let servers = ["ns=127.0.0.1".parse().unwrap()];
    let settings = ZoneSettings::new(&format!("{label}.{ZONE}"), &servers, Timers::default()).unwrap();
    let zone = build_snapshot([published("pbx", 7)], &Arc::new(settings), 7).unwrap();
    let Some(key) = key else { return zone };
    let signing = Signing::new(&Keyring::new([key]), Tick::of(now()), zone.wire_origin()).unwrap();
    zone.resigned(Some(&Arc::new(signing)), 8).unwrap()
}

/// What is asked for, and the code that a validating resolver is to give, its answer checked.
const SORTS: &[(&str, &str, &str)] = &[
    ("epygicloud.com", "SOA", "NOERROR"),
    ("epygicloud.com", "DNSKEY", "NOERROR"),
    ("epygicloud.com", "CDS", "NOERROR"),
    ("epygicloud.com", "MX", "NOERROR"),
    ("pbx-3.epygicloud.com", "A", "NOERROR"),
    ("PBX-3.epygicloud.com", "NAPTR", "NOERROR"),
    ("_sip._udp.pbx-3.epygicloud.com", "SRV", "NOERROR"),
    ("ns2.dns.epygicloud.com", "A", "NOERROR"),
    ("shop.epygicloud.com", "AAAA", "NOERROR"),
    // Nothing of this type, and nothing at all.
    ("pbx-3.epygicloud.com", "TXT", "NOERROR"),
    ("_udp.pbx-3.epygicloud.com", "A", "NOERROR"),
    ("b.c.d.epygicloud.com", "TXT", "NOERROR"),
    ("nobody.epygicloud.com", "A", "NXDOMAIN"),
    ("a.b.pbx-3.epygicloud.com", "A", "NXDOMAIN"),
    ("dangling.epygicloud.com", "A", "NXDOMAIN"),
    // By a wildcard, with and without the type; and where it is hidden.
    ("any.wild.epygicloud.com", "A", "NOERROR"),
    ("so.many.wild.epygicloud.com", "MX", "NOERROR"),
    ("any.wild.epygicloud.com", "TXT", "NOERROR"),
    ("x.deep.wild.epygicloud.com", "A", "NXDOMAIN"),
    // That a delegation is not signed is proven.
    ("child.epygicloud.com", "DS", "NOERROR"),
    ("in.mid.dle.epygicloud.com", "DS", "NOERROR"),
    // Of one that is, the digests are ours, and lead to what it says.
    ("secure.epygicloud.com", "DS", "NOERROR"),
    ("secure.epygicloud.com", "DNSKEY", "NOERROR"),
    ("pbx.secure.epygicloud.com", "A", "NOERROR"),
    ("nobody.secure.epygicloud.com", "A", "NXDOMAIN"),
];

#[rstest]
#[case(Algorithm::Ed25519)]
#[case(Algorithm::EcdsaP256)]
#[tokio::test(flavor = "multi_thread")]
async fn unbound_resolves_and_checks_every_sort_of_answer(#[case] algorithm: Algorithm) {
    let keys = move || [key(algorithm, 1, true), key(algorithm, 2, false)];
    let (_, server) = serve(plain(20).resigned(Some(&signing(keys(), Tick::of(now()))), 7).unwrap()).await;
    let (_, below) = serve(child("child", None)).await;
    let (_, secure) = serve(child("secure", Some(child_key()))).await;
    let (_, forged) = serve(child("forged", Some(key(Algorithm::Ed25519, 6, true)))).await;
    let zones = [
        (ZONE, server.address()),
        ("child.epygicloud.com", below.address()),
        ("secure.epygicloud.com", secure.address()),
        ("forged.epygicloud.com", forged.address()),
    ];
    let resolve = move || {
        let resolver = Resolver::start(&anchor(&keys()[0]), &zones);
        for (name, kind, code) in SORTS {
            resolver.insist(name, kind, code);
        }
        let said = resolver.ask("pbx.child.epygicloud.com", "A");
        assert!(said.code == "NOERROR" && !said.checked && said.text.contains("203.0.113.7"), "{}", said.text);
        let said = resolver.ask("pbx.forged.epygicloud.com", "A");
        assert_eq!(said.code, "SERVFAIL", "its keys are not those of the digests: {}", said.text);
    };
    tokio::task::spawn_blocking(resolve).await.unwrap();
    for server in [server, below, secure, forged] {
        server.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unbound_refuses_what_another_key_has_signed_and_what_is_too_old() {
    let good = || key(Algorithm::Ed25519, 1, true);
    let at = |keys: Vec<Key>, time| plain(5).resigned(Some(&signing(keys, Tick::of(time))), 7).unwrap();
    let (_, forged) = serve(at(vec![key(Algorithm::Ed25519, 3, true)], now())).await;
    let (_, old) = serve(at(vec![good()], now() - 30 * DAY)).await;
    let (_, right) = serve(at(vec![good()], now())).await;
    let addresses = [&forged, &old, &right].map(Server::address);
    let said = move || {
        addresses.map(|address: SocketAddr| {
            let resolver = Resolver::start(&anchor(&good()), &[(ZONE, address)]);
            ["pbx-1.epygicloud.com", "nobody.epygicloud.com"].map(|name| resolver.ask(name, "A").code)
        })
    };
    let said = tokio::task::spawn_blocking(said).await.unwrap();
    assert_eq!(said, [["SERVFAIL", "SERVFAIL"], ["SERVFAIL", "SERVFAIL"], ["NOERROR", "NXDOMAIN"]]);
}

/// The zone with TTLs of a day, so that caches hold what was signed before.
fn slow() -> Zone {
    let servers = ["ns1=127.0.0.1".parse().unwrap()];
    let ttl = Ttl { usual: 86_400, short: 10 };
    let timers = Timers { ttl, negative_ttl: 10_800, ..Timers::default() };
    let settings = Arc::new(ZoneSettings::with_static(ZONE, &servers, timers, STATIC).unwrap());
    let instances = (0..40_u8).map(|n| Published {
        label: Label::parse(&format!("pbx-{n}")).unwrap(),
        addresses: [[203, 0, 113, n].into()].into(),
        sips: false,
        is_about_to_change: false,
    });
    build_snapshot(instances, &settings, 1).unwrap()
}

/// Signs the zone tick after tick while resolvers, whose clocks go along, ask for what they know and for what they do not. Those
/// before `turn` days trust the first key, those from `known` days on the second.
async fn roll(keys: Vec<Key>, anchors: [String; 2], known: u64, turn: u64, days: u64) -> Result<(), String> {
    let keyring = Keyring::new(keys);
    let begin = Tick::of(now()).begins();
    let signing = move |ahead| Arc::new(Signing::new(&keyring, Tick::of(begin + ahead), &origin()).unwrap());
    let (snapshot, server) = serve(slow().resigned(Some(&signing(0)), 2).unwrap()).await;
    let address = server.address();
    let asked = move || {
        let mut resolvers = [Some(Resolver::start(&anchors[0], &[(ZONE, address)])), None];
        for (serial, ahead) in (0..days * DAY).step_by(usize::try_from(TICK).unwrap()).enumerate() {
            let zone =
                snapshot.load_full().unwrap().resigned(Some(&signing(ahead)), 3 + u32::try_from(serial).unwrap());
            snapshot.store(Some(Arc::new(zone.unwrap())));
            if ahead == known * DAY {
                resolvers[1] = Some(Resolver::start(&anchors[1], &[(ZONE, address)]));
            }
            if ahead == turn * DAY {
                resolvers[0] = None;
            }
            for resolver in resolvers.iter().flatten() {
                resolver.clock(begin + ahead + 60);
                // One that is cached for a day, one that is asked for once in ten days, and one that does not exist.
                let names = ["pbx-1".to_owned(), format!("pbx-{}", serial % 40), format!("nobody-{serial}")];
                for (name, code) in names.iter().zip(["NOERROR", "NOERROR", "NXDOMAIN"]) {
                    let said = resolver.ask(&format!("{name}.{ZONE}"), "A");
                    if said.code != code || !said.checked {
                        return Err(format!("after {} hours: {}", ahead / 3600, said.text));
                    }
                }
            }
        }
        Ok(())
    };
    let result = tokio::task::spawn_blocking(asked).await.unwrap();
    server.stop().await.unwrap();
    result
}

fn made(octet: u8, is_entry: bool, times: Times) -> Key {
    Key::of(Algorithm::Ed25519, &[octet; 32], is_entry, times).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_for_all_is_replaced_step_by_step_and_unbound_resolves_at_every_step() {
    let begin = Tick::of(now()).begins();
    let (old, new) = ecqx_dns::dnssec::manage::replaced(Times::ALWAYS, true, begin);
    let retired = ecqx_dns::dnssec::manage::retired(&old, begin + 6 * DAY);
    let keys = vec![made(1, true, Times { delete: Some(retired), ..old }), made(2, true, new)];
    let anchors = [anchor(&keys[0]), anchor(&keys[1])];
    // The parent's DS is the new one after three days, and old ones are cached until the sixth.
    roll(keys, anchors, 3, 6, 14).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_signing_key_is_replaced_step_by_step_and_unbound_resolves_at_every_step() {
    let begin = Tick::of(now()).begins();
    let (old, new) = ecqx_dns::dnssec::manage::replaced(Times::ALWAYS, false, begin);
    let entry = made(1, true, Times::ALWAYS);
    let anchors = [anchor(&entry), anchor(&entry)];
    roll(vec![entry, made(2, false, old), made(3, false, new)], anchors, 100, 100, 12).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_at_once_leaves_a_gap_that_unbound_sees() {
    let turn = Tick::of(now()).begins() + DAY;
    let (old, new) = (Times { delete: Some(turn), inactive: Some(turn), ..Times::ALWAYS }, Some(turn));
    let new = Times { publish: new, activate: new, ..Times::default() };
    let entry = made(1, true, Times::ALWAYS);
    let anchors = [anchor(&entry), anchor(&entry)];
    // Looked at often enough that the keys are cached, for an hour, when they change.
    let keys = vec![entry, made(2, false, old), made(3, false, new)];
    let (keyring, begin) = (Keyring::new(keys), turn - 1800);
    let signing = |time| Arc::new(Signing::new(&keyring, Tick::of(time), &origin()).unwrap());
    let (snapshot, server) = serve(slow().resigned(Some(&signing(begin)), 2).unwrap()).await;
    let address = server.address();
    let after = slow().resigned(Some(&signing(turn)), 3).unwrap();
    let said = tokio::task::spawn_blocking(move || {
        let resolver = Resolver::start(&anchors[0], &[(ZONE, address)]);
        resolver.clock(begin);
        resolver.insist("pbx-1.epygicloud.com", "A", "NOERROR");
        snapshot.store(Some(Arc::new(after)));
        resolver.clock(turn + 60);
        resolver.ask("pbx-2.epygicloud.com", "A")
    });
    assert_eq!(said.await.unwrap().code, "SERVFAIL");
    server.stop().await.unwrap();
}
