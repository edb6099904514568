use hickory_proto::rr::{Name, Record};
use rstest::rstest;

use super::*;
use crate::zone::tests::{published, zone};

fn sample() -> Zone {
    zone(&[published("syunikwin", &["203.0.113.9", "2001:db8::9"]), published("v4only", &["203.0.113.4"])])
}

/// The answer as text: code, aa, and the three sections.
fn ask(name: &str, kind: RecordType) -> (ResponseCode, bool, [Vec<String>; 3]) {
    ask_class(name, kind, DNSClass::IN)
}

fn ask_class(name: &str, kind: RecordType, class: DNSClass) -> (ResponseCode, bool, [Vec<String>; 3]) {
    let zone = sample();
    let name = LowerName::new(&Name::from_ascii(name).unwrap());
    let answer = answer(&zone, Question { name: &name, kind, class });
    let texts = |sets: &[&RrSet]| sets.iter().flat_map(|set| set.records()).map(text).collect();
    let sections = [texts(&answer.answers), texts(&answer.authority), texts(&answer.additional)];
    (answer.code, answer.authoritative, sections)
}

fn text(record: &Record) -> String {
    format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data)
}

const NEGATIVE_SOA: &str =
    "epygicloud.com. 60 SOA ns1.epygicloud.com. hostmaster.epygicloud.com. 1000 3600 600 1209600 60";

#[test]
fn an_address_is_answered_with_authority_and_nothing_else() {
    let (code, authoritative, [answers, authority, additional]) = ask("syunikwin.epygicloud.com.", RecordType::A);
    assert_eq!((code, authoritative), (ResponseCode::NoError, true));
    assert_eq!(answers, ["syunikwin.epygicloud.com. 60 A 203.0.113.9"]);
    assert_eq!((authority.len(), additional.len()), (0, 0));
}

#[test]
fn naptr_offers_udp_before_tcp_and_brings_services_and_addresses_along() {
    let (_, _, [answers, _, additional]) = ask("SyunikWin.epygicloud.com.", RecordType::NAPTR);
    assert_eq!(
        answers,
        [
            "syunikwin.epygicloud.com. 60 NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.syunikwin.epygicloud.com.",
            "syunikwin.epygicloud.com. 60 NAPTR 20 10 \"s\" \"SIP+D2T\" \"\" _sip._tcp.syunikwin.epygicloud.com.",
        ]
    );
    assert_eq!(
        additional,
        [
            "_sip._udp.syunikwin.epygicloud.com. 60 SRV 10 10 5060 syunikwin.epygicloud.com.",
            "_sip._tcp.syunikwin.epygicloud.com. 60 SRV 10 10 5060 syunikwin.epygicloud.com.",
            "syunikwin.epygicloud.com. 60 A 203.0.113.9",
            "syunikwin.epygicloud.com. 60 AAAA 2001:db8::9",
        ]
    );
}

#[rstest]
#[case("_sip._udp.syunikwin.epygicloud.com.", 2)]
#[case("_sip._tcp.syunikwin.epygicloud.com.", 2)]
#[case("_sip._udp.v4only.epygicloud.com.", 1)]
fn srv_brings_the_addresses_of_its_target_along(#[case] name: &str, #[case] addresses: usize) {
    let (code, _, [answers, _, additional]) = ask(name, RecordType::SRV);
    assert_eq!((code, answers.len(), additional.len()), (ResponseCode::NoError, 1, addresses));
}

#[test]
fn the_zone_itself_has_its_soa_and_its_name_servers_with_their_addresses() {
    let (_, _, [soa, ..]) = ask("epygicloud.com.", RecordType::SOA);
    assert_eq!(soa, [NEGATIVE_SOA.replacen(" 60 ", " 3600 ", 1)]);
    let (_, _, [servers, _, addresses]) = ask("epygicloud.com.", RecordType::NS);
    let names: Vec<_> = servers.iter().map(|text| text.rsplit(' ').next().unwrap()).collect();
    assert_eq!(names, ["ns1.epygicloud.com.", "ns2.dns.epygicloud.com.", "ns.example.net."]);
    assert_eq!(addresses.len(), 3);
}

#[rstest]
#[case::another_type("syunikwin.epygicloud.com.", RecordType::MX)]
#[case::no_ipv6("v4only.epygicloud.com.", RecordType::AAAA)]
#[case::the_zone("epygicloud.com.", RecordType::A)]
#[case::an_empty_non_terminal("_udp.syunikwin.epygicloud.com.", RecordType::SRV)]
#[case::any_at_an_empty_non_terminal("_tcp.syunikwin.epygicloud.com.", RecordType::ANY)]
#[case::ds_is_the_parents("epygicloud.com.", RecordType::DS)]
#[case::an_unknown_type("syunikwin.epygicloud.com.", RecordType::Unknown(65_280))]
fn a_name_without_the_type_gives_nodata_with_the_soa(#[case] name: &str, #[case] kind: RecordType) {
    let (code, authoritative, [answers, authority, additional]) = ask(name, kind);
    assert_eq!((code, authoritative), (ResponseCode::NoError, true));
    assert_eq!(authority, [NEGATIVE_SOA]);
    assert_eq!((answers.len(), additional.len()), (0, 0));
}

#[rstest]
#[case("nobody.epygicloud.com.", RecordType::A)]
#[case("nobody.epygicloud.com.", RecordType::ANY)]
#[case("_sip._sctp.syunikwin.epygicloud.com.", RecordType::SRV)]
fn a_name_that_does_not_exist_gives_nxdomain_with_the_soa(#[case] name: &str, #[case] kind: RecordType) {
    let (code, authoritative, [answers, authority, _]) = ask(name, kind);
    assert_eq!((code, authoritative), (ResponseCode::NXDomain, true));
    assert_eq!((answers.len(), authority.as_slice()), (0, &[NEGATIVE_SOA.to_owned()][..]));
}

#[test]
fn any_gets_one_set_only_the_smallest() {
    let (code, _, [answers, authority, additional]) = ask("syunikwin.epygicloud.com.", RecordType::ANY);
    assert_eq!((code, authority.len(), additional.len()), (ResponseCode::NoError, 0, 0));
    assert_eq!(answers, ["syunikwin.epygicloud.com. 60 A 203.0.113.9"]);
}

#[rstest]
#[case::out_of_zone("example.net.", RecordType::A, DNSClass::IN, ResponseCode::Refused)]
#[case::the_parent("com.", RecordType::NS, DNSClass::IN, ResponseCode::Refused)]
#[case::the_root(".", RecordType::NS, DNSClass::IN, ResponseCode::Refused)]
#[case::a_transfer("epygicloud.com.", RecordType::AXFR, DNSClass::IN, ResponseCode::Refused)]
#[case::an_incremental_transfer("epygicloud.com.", RecordType::IXFR, DNSClass::IN, ResponseCode::Refused)]
#[case::another_class("version.bind.", RecordType::TXT, DNSClass::CH, ResponseCode::Refused)]
#[case::another_class_in_the_zone("epygicloud.com.", RecordType::SOA, DNSClass::CH, ResponseCode::Refused)]
#[case::opt_as_a_question("epygicloud.com.", RecordType::OPT, DNSClass::IN, ResponseCode::FormErr)]
#[case::mailb("epygicloud.com.", RecordType::Unknown(253), DNSClass::IN, ResponseCode::NotImp)]
fn what_is_not_ours_is_refused_without_authority_or_records(
    #[case] name: &str,
    #[case] kind: RecordType,
    #[case] class: DNSClass,
    #[case] expected: ResponseCode,
) {
    let (code, authoritative, sections) = ask_class(name, kind, class);
    assert_eq!((code, authoritative), (expected, false));
    assert!(sections.iter().all(Vec::is_empty));
}
