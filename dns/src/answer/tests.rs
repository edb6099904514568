use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{DNSClass, Name, Record, RecordType},
};
use rstest::rstest;

use super::*;
use crate::{
    cookie::Cookies,
    respond::{Asking, Transport, full},
    transfer::Keys,
    zone::tests::{published, zone, zone_with},
};

fn sample() -> Zone {
    zone(&[published("syunikwin", &["203.0.113.9", "2001:db8::9"]), published("v4only", &["203.0.113.4"])])
}

/// A zone with what only the static part brings.
fn varied() -> Zone {
    let text = "
@                A     203.0.113.80
@                MX    10 mail
mail             A     203.0.113.25
www              CNAME web.hosting.example.net.
shop             CNAME www
direct           CNAME mail
dangling         CNAME nobody
round            CNAME trip
trip             CNAME round
wild             TXT   \"beside the wildcard\"
*.wild           A     203.0.113.77
*.wild           MX    10 mail
below.deep.wild  TXT   \"hides the wildcard\"
*.alias          CNAME mail
child            NS    ns.child
child            NS    ns.example.net.
ns.child         A     203.0.113.99
to-child         CNAME www.child
";
    zone_with(text, &[published("syunikwin", &["203.0.113.9"])])
}

type Seen = (ResponseCode, bool, [Vec<String>; 3]);

/// The answer as text: code, aa, and the three sections.
fn ask(name: &str, kind: RecordType) -> Seen {
    ask_class(&sample(), name, kind, DNSClass::IN)
}

fn ask_varied(name: &str, kind: RecordType) -> Seen {
    ask_class(&varied(), name, kind, DNSClass::IN)
}

fn ask_class(zone: &Zone, name: &str, kind: RecordType, class: DNSClass) -> Seen {
    let mut message = Message::new(1, MessageType::Query, OpCode::Query);
    let mut query = Query::query(Name::from_ascii(name).unwrap(), kind);
    query.set_query_class(class);
    message.add_query(query);
    let mut out = Vec::new();
    let cookies = Cookies::of_this_process();
    let asking = Asking {
        transport: Transport::Tcp,
        client: [198, 51, 100, 1].into(),
        now: 0,
        cookies: &cookies,
        keys: &Keys::default(),
    };
    assert!(full::respond(Some(zone), &message.to_vec().unwrap(), asking, 0, &mut out).is_some());
    let answer = Message::from_vec(&out).unwrap();
    let texts = |records: &[Record]| records.iter().map(text).collect();
    let sections = [texts(&answer.answers), texts(&answer.authorities), texts(&answer.additionals)];
    (answer.metadata.response_code, answer.metadata.authoritative, sections)
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
    let (_, _, [answers, _, additional]) = ask("syunikwin.epygicloud.com.", RecordType::NAPTR);
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
    let (code, authoritative, sections) = ask_class(&sample(), name, kind, class);
    assert_eq!((code, authoritative), (expected, false));
    assert!(sections.iter().all(Vec::is_empty));
}

#[rstest]
#[case::to_another_zone("shop.epygicloud.com.", RecordType::A, ResponseCode::NoError, &["shop CNAME www.epygicloud.com.", "www CNAME web.hosting.example.net."], &[])]
#[case::within_the_zone("direct.epygicloud.com.", RecordType::A, ResponseCode::NoError, &["direct CNAME mail.epygicloud.com.", "mail A 203.0.113.25"], &[])]
#[case::to_a_name_without_the_type("direct.epygicloud.com.", RecordType::AAAA, ResponseCode::NoError, &["direct CNAME mail.epygicloud.com."], &["SOA"])]
#[case::to_no_name("dangling.epygicloud.com.", RecordType::A, ResponseCode::NXDomain, &["dangling CNAME nobody.epygicloud.com."], &["SOA"])]
#[case::asked_for_itself("www.epygicloud.com.", RecordType::CNAME, ResponseCode::NoError, &["www CNAME web.hosting.example.net."], &[])]
#[case::any("www.epygicloud.com.", RecordType::ANY, ResponseCode::NoError, &["www CNAME web.hosting.example.net."], &[])]
#[case::in_a_circle("round.epygicloud.com.", RecordType::A, ResponseCode::NoError, &["round CNAME trip.epygicloud.com.", "trip CNAME round.epygicloud.com."], &[])]
#[case::by_a_wildcard("any.alias.epygicloud.com.", RecordType::A, ResponseCode::NoError, &["any.alias CNAME mail.epygicloud.com.", "mail A 203.0.113.25"], &[])]
#[case::into_a_child("to-child.epygicloud.com.", RecordType::A, ResponseCode::NoError, &["to-child CNAME www.child.epygicloud.com."], &["NS", "NS"])]
fn an_alias_is_followed_as_far_as_the_zone_goes(
    #[case] name: &str,
    #[case] kind: RecordType,
    #[case] code: ResponseCode,
    #[case] answers: &[&str],
    #[case] authority: &[&str],
) {
    let (seen, authoritative, [found, servers, _]) = ask_varied(name, kind);
    let short: Vec<_> = found.iter().map(|text| text.replacen(".epygicloud.com. 3600 ", " ", 1)).collect();
    let kinds: Vec<_> = servers.iter().map(|text| text.split(' ').nth(2).unwrap()).collect();
    assert_eq!((seen, authoritative), (code, true));
    assert_eq!((short, kinds), (answers.iter().map(ToString::to_string).collect(), authority.to_vec()));
}

#[rstest]
#[case::stands_for_a_name_that_is_missing("a.wild.epygicloud.com.", RecordType::A, ResponseCode::NoError, 1)]
#[case::at_any_depth("a.b.wild.epygicloud.com.", RecordType::A, ResponseCode::NoError, 1)]
#[case::has_types_of_its_own("a.wild.epygicloud.com.", RecordType::TXT, ResponseCode::NoError, 0)]
#[case::not_for_a_name_that_exists("wild.epygicloud.com.", RecordType::A, ResponseCode::NoError, 0)]
#[case::not_for_an_empty_non_terminal("deep.wild.epygicloud.com.", RecordType::A, ResponseCode::NoError, 0)]
#[case::not_below_a_name_that_exists("x.deep.wild.epygicloud.com.", RecordType::A, ResponseCode::NXDomain, 0)]
#[case::itself_can_be_asked_for("*.wild.epygicloud.com.", RecordType::A, ResponseCode::NoError, 1)]
#[case::not_elsewhere("nobody.epygicloud.com.", RecordType::A, ResponseCode::NXDomain, 0)]
fn a_wildcard(#[case] name: &str, #[case] kind: RecordType, #[case] code: ResponseCode, #[case] answers: usize) {
    let (seen, authoritative, [found, ..]) = ask_varied(name, kind);
    assert_eq!((seen, authoritative, found.len()), (code, true, answers));
    assert!(found.iter().all(|text| text.starts_with(name)), "{found:?}");
}

#[test]
fn a_wildcard_right_below_the_zone_stands_for_labels_without_an_instance_only() {
    let zone = zone_with("* A 203.0.113.1", &[published("syunikwin", &["203.0.113.9"])]);
    let ask = |name| ask_class(&zone, name, RecordType::A, DNSClass::IN);
    assert_eq!(ask("nobody.epygicloud.com.").2[0], ["nobody.epygicloud.com. 3600 A 203.0.113.1"]);
    assert_eq!(ask("deep.nobody.epygicloud.com.").2[0].len(), 1);
    assert_eq!(ask("syunikwin.epygicloud.com.").2[0], ["syunikwin.epygicloud.com. 60 A 203.0.113.9"]);
    assert_eq!(ask("x.syunikwin.epygicloud.com.").0, ResponseCode::NXDomain);
}

#[rstest]
#[case::at_the_cut("child.epygicloud.com.", RecordType::A)]
#[case::at_the_cut_for_its_name_servers("child.epygicloud.com.", RecordType::NS)]
#[case::below_the_cut("a.b.child.epygicloud.com.", RecordType::A)]
#[case::at_the_glue("ns.child.epygicloud.com.", RecordType::A)]
#[case::any("child.epygicloud.com.", RecordType::ANY)]
#[case::a_digest_below_the_cut("a.child.epygicloud.com.", RecordType::DS)]
fn a_name_at_or_below_a_zone_cut_gets_a_referral_with_glue(#[case] name: &str, #[case] kind: RecordType) {
    let (code, authoritative, [answers, authority, additional]) = ask_varied(name, kind);
    assert_eq!((code, authoritative, answers.len()), (ResponseCode::NoError, false, 0));
    assert_eq!(
        authority,
        ["child.epygicloud.com. 3600 NS ns.child.epygicloud.com.", "child.epygicloud.com. 3600 NS ns.example.net."]
    );
    assert_eq!(additional, ["ns.child.epygicloud.com. 3600 A 203.0.113.99"]);
}

#[test]
fn the_digest_of_a_childs_key_is_the_parents_to_tell() {
    let (code, authoritative, [answers, authority, _]) = ask_varied("child.epygicloud.com.", RecordType::DS);
    assert_eq!((code, authoritative, answers.len()), (ResponseCode::NoError, true, 0));
    assert!(authority[0].contains(" SOA "), "there is none, and the parent says so itself: {authority:?}");
}

#[test]
fn mail_brings_the_addresses_of_its_exchange_along() {
    let (_, _, [answers, _, additional]) = ask_varied("epygicloud.com.", RecordType::MX);
    assert_eq!(answers, ["epygicloud.com. 3600 MX 10 mail.epygicloud.com."]);
    assert_eq!(additional, ["mail.epygicloud.com. 3600 A 203.0.113.25"]);
}
