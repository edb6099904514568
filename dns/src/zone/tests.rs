use hickory_proto::rr::RecordType;
use rstest::rstest;

use super::*;

/// The zone's settings with one name server in it and one elsewhere.
pub fn settings() -> Arc<ZoneSettings> {
    let servers = ["ns1=203.0.113.1,2001:db8::1", "ns2.dns.epygicloud.com=203.0.113.2", "ns.example.net"];
    let servers = servers.map(|text| text.parse().unwrap());
    Arc::new(ZoneSettings::new("epygicloud.com", &servers, Timers::default()).unwrap())
}

/// An instance that is served.
pub fn published(label: &str, addresses: &[&str]) -> Published {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Published { label: Label::parse(label).unwrap(), addresses }
}

/// The zone with these instances, serial 1000.
pub fn zone(instances: &[Published]) -> Zone {
    build_snapshot(instances.iter().cloned(), &settings(), 1000)
}

fn kinds(zone: &Zone, name: &str) -> Vec<RecordType> {
    match zone.find(&name.parse().unwrap()) {
        Place::Here(node) => node.sets().iter().map(RrSet::kind).collect(),
        place => panic!("{name}: {place:?}"),
    }
}

fn one(label: &str, address: &str) -> Change {
    (Label::parse(label).unwrap(), Some(published(label, &[address])))
}

#[rstest]
#[case("epygicloud.com.", &[RecordType::SOA, RecordType::NS])]
#[case("syunikwin.epygicloud.com.", &[RecordType::A, RecordType::AAAA, RecordType::NAPTR])]
#[case("SyunikWin.EpygiCloud.Com.", &[RecordType::A, RecordType::AAAA, RecordType::NAPTR])]
#[case("_sip._udp.syunikwin.epygicloud.com.", &[RecordType::SRV])]
#[case("_sip._tcp.syunikwin.epygicloud.com.", &[RecordType::SRV])]
#[case::between("_udp.syunikwin.epygicloud.com.", &[])]
#[case::name_server("ns1.epygicloud.com.", &[RecordType::A, RecordType::AAAA])]
#[case::name_server_below("ns2.dns.epygicloud.com.", &[RecordType::A])]
#[case::between("dns.epygicloud.com.", &[])]
fn a_name_holds_its_sets_and_names_between_exist_without_any(#[case] name: &str, #[case] expected: &[RecordType]) {
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
    assert!(matches!(zone.find(&name.parse().unwrap()), Place::Nowhere));
}

#[rstest]
#[case("com.")]
#[case(".")]
#[case("epygicloud.org.")]
#[case("notepygicloud.com.")]
#[case("syunikwin.epygicloud.com.example.net.")]
fn names_outside_the_zone_are_elsewhere(#[case] name: &str) {
    let zone = zone(&[published("syunikwin", &["203.0.113.9"])]);
    assert!(matches!(zone.find(&name.parse().unwrap()), Place::Elsewhere));
}

#[test]
fn a_change_gives_a_new_serial_and_shares_what_stays_the_same() {
    let before = zone(&[published("a", &["203.0.113.1"]), published("b", &["203.0.113.2"])]);
    let after = before.changed([one("b", "203.0.113.3")], |serial| serial + 1).unwrap();
    assert_eq!((before.serial(), after.serial()), (1000, 1001));
    assert!(Arc::ptr_eq(&before.branches[&b"a"[..]], &after.branches[&b"a"[..]]));
    assert_ne!(before.branches[&b"b"[..]], after.branches[&b"b"[..]]);
    let removed = after.changed([(Label::parse("b").unwrap(), None)], |serial| serial + 1).unwrap();
    assert!(matches!(removed.find(&"b.epygicloud.com.".parse().unwrap()), Place::Nowhere));
}

#[test]
fn a_change_that_changes_no_record_leaves_the_serial() {
    let zone = zone(&[published("a", &["203.0.113.1"])]);
    let same = [one("a", "203.0.113.1"), (Label::parse("gone").unwrap(), None)];
    assert!(zone.changed(same, |_| unreachable!("nothing changes")).is_none());
}

#[test]
fn an_instance_cannot_take_over_the_name_of_a_name_server() {
    let zone = zone(&[]);
    assert!(zone.changed([one("ns1", "203.0.113.66"), one("dns", "203.0.113.66")], |serial| serial + 1).is_none());
    assert!(zone.changed([(Label::parse("ns1").unwrap(), None)], |serial| serial + 1).is_none());
}

#[test]
fn records_stand_in_one_order_whatever_the_order_of_the_addresses() {
    let one = zone(&[published("a", &["203.0.113.1", "203.0.113.2"])]);
    let other = zone(&[published("a", &["203.0.113.2", "203.0.113.1"])]);
    assert_eq!(one.branches[&b"a"[..]], other.branches[&b"a"[..]]);
}
