//! The signed zone as other programs see it: checkers of zones, a resolver that validates, secondaries.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its fixtures"
)]

mod checkers;
mod resolver;
#[path = "../peers/servers.rs"]
#[allow(dead_code, reason = "other programs use the rest")]
mod servers;
mod transfer;
mod validation;

use std::{sync::Arc, time::SystemTime};

use ecqx_dns::{
    dnssec::{Key, Keyring, Signing, Tick, algorithm::Algorithm, key::Times},
    published::Published,
    wire::WireName,
    zone::{Timers, Zone, ZoneSettings, build_snapshot},
};
use ecqx_domain::hostname::Label;

const ZONE: &str = "epygicloud.com";

/// Every sort of content that has rules of its own.
const STATIC: &str = "
@                MX    10 Mail
@                CAA   0 issue \"ca.example.net\"
mail             A     203.0.113.25
www              CNAME web.hosting.example.net.
shop             CNAME pbx-1
dangling         CNAME nobody
a.b.c.d          TXT   \"below empty non-terminals\"
*.wild           A     203.0.113.77
*.wild           MX    10 mail
below.deep.wild  TXT   \"hides the wildcard\"
child            NS    ns.child
child            NS    ns.example.net.
ns.child         A     203.0.113.99
in.mid.dle       NS    ns1
";

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn origin() -> WireName {
    WireName::of(&ZONE.parse::<hickory_proto::rr::Name>().unwrap())
}

fn published(label: &str, last: u8) -> Published {
    let addresses = [[203, 0, 113, last].into(), "2001:db8::9".parse().unwrap()].into();
    Published {
        label: Label::parse(label).unwrap(),
        addresses,
        sips: last.is_multiple_of(2),
        is_about_to_change: false,
    }
}

/// The key of a zone below ours, to which we delegate.
fn child_key() -> Key {
    key(Algorithm::Ed25519, 5, true)
}

/// A key's DS record in the zone above, without its name.
fn ds(key: &Key, zone: &str) -> String {
    let octets = key.ds(&WireName::of(&zone.parse::<hickory_proto::rr::Name>().unwrap()));
    let digest = octets[4..].iter().fold(String::new(), |text, octet| format!("{text}{octet:02x}"));
    format!("DS {} {} 2 {digest}", key.tag(), key.algorithm().number())
}

/// With two delegations to zones that are signed.
fn fixed() -> String {
    let delegation = |label: &str| {
        let ds = ds(&child_key(), &format!("{label}.{ZONE}"));
        format!("{label} NS ns.{label}\nns.{label} A 127.0.0.1\n{label} {ds}\n")
    };
    format!("{STATIC}{}{}", delegation("secure"), delegation("forged"))
}

fn settings() -> Arc<ZoneSettings> {
    let servers =
        ["ns1=127.0.0.1", "ns2.DNS.epygicloud.com=127.0.0.1", "ns.example.net"].map(|text| text.parse().unwrap());
    Arc::new(ZoneSettings::with_static(ZONE, &servers, Timers::default(), &fixed()).unwrap())
}

/// The zone with this many instances, not signed.
fn plain(instances: u8) -> Zone {
    let instances = (0..instances).map(|n| published(&format!("pbx-{n}"), n));
    build_snapshot(instances, &settings(), 2_026_110_100).unwrap()
}

fn key(algorithm: Algorithm, octet: u8, is_entry: bool) -> Key {
    Key::of(algorithm, &[octet; 32], is_entry, Times { sync_publish: Some(0), ..Times::ALWAYS }).unwrap()
}

/// How these keys sign now.
fn signing(keys: impl IntoIterator<Item = Key>, tick: Tick) -> Arc<Signing> {
    Arc::new(Signing::new(&Keyring::new(keys), tick, &origin()).unwrap())
}
