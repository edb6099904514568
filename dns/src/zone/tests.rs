use ecqx_domain::name_change::Ttl;
use rstest::rstest;

use super::*;
use crate::{
    dnssec::{Key, Keyring, Signing, Tick, algorithm::Algorithm, key::Times},
    wire::kind,
};

const SERVERS: [&str; 3] = ["ns1=203.0.113.1,2001:db8::1", "ns2.dns.epygicloud.com=203.0.113.2", "ns.example.net"];

/// The zone's settings with one name server in it and one elsewhere.
/// The zone's settings without a static part.
pub fn settings() -> Arc<ZoneSettings> {
    settings_with("").unwrap()
}

/// All that a zone holds, in octets.
pub fn zone_bytes(zone: &Zone) -> Vec<u8> {
    let sets = |node: &Node| node.sets().iter().flat_map(RrSet::data).flatten().copied().collect::<Vec<u8>>();
    let mut bytes = sets(zone.apex());
    for (label, branch) in zone.branches() {
        bytes.extend(label);
        branch.nodes().for_each(|(part, node)| bytes.extend([part, &sets(node)].concat()));
    }
    bytes
}

pub fn settings_with(text: &str) -> Result<Arc<ZoneSettings>, ZoneError> {
    let servers = SERVERS.map(|text| text.parse().unwrap());
    ZoneSettings::with_static("epygicloud.com", &servers, Timers::default(), text).map(Arc::new)
}

/// An instance that is served.
pub fn published(label: &str, addresses: &[&str]) -> Published {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Published { label: Label::parse(label).unwrap(), addresses, sips: false, is_about_to_change: false }
}

/// The zone with these instances, serial 1000.
pub fn zone(instances: &[Published]) -> Zone {
    zone_with("", instances)
}

/// The zone with a static part and these instances, serial 1000.
pub fn zone_with(text: &str, instances: &[Published]) -> Zone {
    build_snapshot(instances.iter().cloned(), &settings_with(text).unwrap(), 1000).unwrap()
}

/// The same, answering SIP over TLS.
fn with_sips(published: Published) -> Published {
    Published { sips: true, ..published }
}

/// A name in wire form.
pub fn wire(name: &str) -> WireName {
    WireName::of(&Name::from_ascii(name).unwrap())
}

fn kinds(zone: &Zone, name: &str) -> Vec<u16> {
    match zone.find(wire(name).as_bytes()) {
        Place::Here(node) => node.sets().iter().map(RrSet::kind).collect(),
        place => panic!("{name}: {place:?}"),
    }
}

fn one(label: &str, address: &str) -> Change {
    (Label::parse(label).unwrap(), Some(published(label, &[address])))
}

#[rstest]
#[case("epygicloud.com.", &[kind::SOA, kind::NS])]
#[case("syunikwin.epygicloud.com.", &[kind::A, kind::AAAA, kind::NAPTR])]
#[case("SyunikWin.EpygiCloud.Com.", &[kind::A, kind::AAAA, kind::NAPTR])]
#[case("_sip._udp.syunikwin.epygicloud.com.", &[kind::SRV])]
#[case("_sip._tcp.syunikwin.epygicloud.com.", &[kind::SRV])]
#[case::between("_udp.syunikwin.epygicloud.com.", &[])]
#[case::name_server("ns1.epygicloud.com.", &[kind::A, kind::AAAA])]
#[case::name_server_below("ns2.dns.epygicloud.com.", &[kind::A])]
#[case::between("dns.epygicloud.com.", &[])]
fn a_name_holds_its_sets_and_names_between_exist_without_any(#[case] name: &str, #[case] expected: &[u16]) {
    let zone = zone(&[published("syunikwin", &["203.0.113.9", "2001:db8::9"])]);
    assert_eq!(kinds(&zone, name), expected);
}

#[rstest]
#[case("other.epygicloud.com.")]
#[case("a.syunikwin.epygicloud.com.")]
#[case("_sip._sctp.syunikwin.epygicloud.com.")]
#[case("*.epygicloud.com.")]
#[case("*.syunikwin.epygicloud.com.")]
fn other_names_below_the_zone_do_not_exist(#[case] name: &str) {
    let zone = zone(&[published("syunikwin", &["203.0.113.9"])]);
    assert!(matches!(zone.find(wire(name).as_bytes()), Place::Nowhere));
}

#[rstest]
#[case("com.")]
#[case(".")]
#[case("epygicloud.org.")]
#[case("notepygicloud.com.")]
#[case("syunikwin.epygicloud.com.example.net.")]
fn names_outside_the_zone_are_elsewhere(#[case] name: &str) {
    let zone = zone(&[published("syunikwin", &["203.0.113.9"])]);
    assert!(matches!(zone.find(wire(name).as_bytes()), Place::Elsewhere));
}

#[test]
fn a_change_gives_a_new_serial_and_shares_what_stays_the_same() {
    let before = zone(&[published("a", &["203.0.113.1"]), published("b", &["203.0.113.2"])]);
    let after = before.changed([one("b", "203.0.113.3")], 1001).unwrap();
    assert_eq!((before.serial(), after.serial()), (1000, 1001));
    assert!(Arc::ptr_eq(before.branches()[&b"a"[..]], after.branches()[&b"a"[..]]));
    assert_ne!(before.branches()[&b"b"[..]], after.branches()[&b"b"[..]]);
    let removed = after.changed([(Label::parse("b").unwrap(), None)], 1002).unwrap();
    assert!(matches!(removed.find(wire("b.epygicloud.com.").as_bytes()), Place::Nowhere));
}

#[test]
fn a_change_costs_little_in_a_large_zone() {
    let label = |n: u32| format!("pbx-{n}");
    let begin = std::time::Instant::now();
    let mut zone = zone(&(0..20_000).map(|n| published(&label(n), &["203.0.113.1"])).collect::<Vec<_>>());
    let (made, begin) = (begin.elapsed(), std::time::Instant::now());
    for n in 0..2000 {
        zone = zone.changed([one(&label(n * 7), "203.0.113.2")], 1001 + n).unwrap();
    }
    // A tenth as many as there are names; copies of the whole would take a hundred times as long. A ratio, since the machine may be
    // busy.
    assert!(begin.elapsed() < made, "{:?} after {made:?}", begin.elapsed());
    assert_eq!(zone.len(), 20_000 + 2);
}

#[rstest]
#[case("ns1")]
#[case("dns")]
#[case("www")]
fn an_instance_cannot_take_over_a_name_of_the_name_servers_or_of_the_static_part(#[case] label: &str) {
    let before = zone_with("www A 203.0.113.80", &[]);
    let taken = before.changed([one(label, "203.0.113.66")], 1001).unwrap();
    assert_eq!(taken.branches(), before.branches());
    let gone = before.changed([(Label::parse(label).unwrap(), None)], 1001).unwrap();
    assert_eq!(gone.branches(), before.branches());
}

#[rstest]
#[case("@ SOA ns1 hostmaster 1 2 3 4 5", "made by the server")]
#[case("@ NS ns.example.net.", "--name-server")]
#[case("www.example.net. A 203.0.113.1", "not in the zone")]
#[case("@ CNAME www.example.net.", "cannot be an alias")]
#[case("www CNAME a.example.net.\nwww A 203.0.113.1", "nothing else")]
#[case("ns1 A 203.0.113.1", "--name-server")]
#[case("www DS 1 15 2 ab", "another length")]
#[case("www NS ns.example.net.\nwww DS 1 15 ab", "a DS record is")]
#[case::no_delegation("www DS 1 15 1 0123456789012345678901234567890123456789", "beside the NS records")]
#[case::of_the_zone_itself("@ DS 1 15 1 0123456789012345678901234567890123456789", "in the parent zone")]
#[case("www A no-address", "zone file")]
fn a_static_part_that_could_not_be_served_is_refused(#[case] text: &str, #[case] expected: &str) {
    let message = settings_with(text).unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn records_stand_in_one_order_whatever_the_order_of_the_addresses() {
    let one = zone(&[published("a", &["203.0.113.1", "203.0.113.2"])]);
    let other = zone(&[published("a", &["203.0.113.2", "203.0.113.1"])]);
    assert_eq!(one.branches()[&b"a"[..]], other.branches()[&b"a"[..]]);
}

#[test]
fn sip_over_tls_is_published_for_those_that_answer_it_and_for_no_others() {
    let safe = with_sips(published("safe", &["203.0.113.9"]));
    let zone = zone(&[safe, published("plain", &["203.0.113.10"])]);
    assert_eq!(kinds(&zone, "_sips._tcp.safe.epygicloud.com."), [kind::SRV]);
    assert!(!matches!(zone.find(wire("_sips._tcp.plain.epygicloud.com.").as_bytes()), Place::Here(_)));
    let Place::Here(node) = zone.find(wire("safe.epygicloud.com.").as_bytes()) else { panic!("no name") };
    let pointers = node.sets().iter().find(|set| set.kind() == kind::NAPTR).unwrap();
    assert_eq!(pointers.data().count(), 3);
}

#[rstest]
#[case::usual(60, 10, false, 60)]
#[case::before_a_change(60, 10, true, 10)]
#[case::where_the_usual_one_is_shorter(5, 10, true, 5)]
fn all_records_of_an_instance_that_is_about_to_change_have_a_shorter_ttl(
    #[case] usual: u32,
    #[case] short: u32,
    #[case] is_about_to_change: bool,
    #[case] expected: u32,
) {
    let timers = Timers { ttl: Ttl { usual, short }, ..Timers::default() };
    let settings = ZoneSettings::with_static("epygicloud.com", &["ns1".parse().unwrap()], timers, "www A 203.0.113.80");
    let moves = Published { is_about_to_change, ..published("moves", &["203.0.113.9", "2001:db8::9"]) };
    let stays = published("stays", &["203.0.113.10"]);
    let zone = build_snapshot([with_sips(moves), stays], &Arc::new(settings.unwrap()), 1000).unwrap();
    let ttls = |label: &[u8]| {
        let nodes = zone.branches()[label].nodes();
        nodes.flat_map(|(_, node)| node.sets()).map(RrSet::ttl).collect::<Vec<_>>()
    };
    assert_eq!(ttls(b"moves"), [expected; 6], "A, AAAA, NAPTR and three SRV");
    assert_eq!((ttls(b"stays"), ttls(b"www")), (vec![usual; 4], vec![3600]), "those of others stay");
}

#[test]
fn what_cannot_be_written_costs_only_itself_its_name_and_is_told_until_it_can_be() {
    let mut zone = zone(&[published("a", &["203.0.113.1"]), published("b", &["203.0.113.2"])]);
    let [a, b] = ["a", "b"].map(|label| Label::parse(label).unwrap());
    zone.enter(&a, Err(ProtoError::from("too long for the wire")));
    assert!(matches!(zone.find(wire("a.epygicloud.com.").as_bytes()), Place::Nowhere));
    assert!(matches!(zone.find(wire("b.epygicloud.com.").as_bytes()), Place::Here(_)));
    assert!(zone.unwritten(&a).unwrap().contains("too long for the wire"));
    assert_eq!((zone.unwritten(&b), zone.unwritten_count()), (None, 1));
    let later = zone.changed([one("b", "203.0.113.3")], 1001).unwrap();
    assert_eq!(later.unwritten_count(), 1, "another's change does not forget it");
    let mended = later.changed([one("a", "203.0.113.4")], 1002).unwrap();
    assert_eq!((mended.unwritten(&a), mended.unwritten_count()), (None, 0));
    assert!(matches!(mended.find(wire("a.epygicloud.com.").as_bytes()), Place::Here(_)));
}

#[test]
fn a_change_is_signed_with_the_change_and_not_when_somebody_asks() {
    let key = Key::of(Algorithm::Ed25519, &[7; 32], true, Times::ALWAYS).unwrap();
    let zone = zone(&[published("goris", &["192.0.2.1"]), published("other", &["192.0.2.2"])]);
    let signing = Signing::new(&Keyring::new([key]), Tick::of(1_795_810_000), zone.wire_origin()).unwrap();
    let zone = zone.resigned(Some(&Arc::new(signing)), 1001).unwrap();
    let change = published("goris", &["192.0.2.3"]);
    let changed = zone.changed([(change.label.clone(), Some(change))], 1002).unwrap();
    let unmade = |zone: &Zone, label: &str| {
        let branch = Arc::clone(zone.branch_of(label.as_bytes()).unwrap());
        let sets = branch.nodes().flat_map(|(_, node)| node.sets().iter().map(move |set| (node, set)));
        let mut unmade = 0;
        for (node, set) in sets {
            node.ready_signed(set, || {
                unmade += 1;
                None
            });
        }
        unmade
    };
    assert_eq!(unmade(&changed, "goris"), 0);
    assert!(unmade(&changed, "other") > 0, "what did not change waits for the first question");
}
