//! The quick way against the full one, and both against nonsense.

use std::{fmt::Write, sync::Arc};

use hickory_proto::op::Message;
use proptest::prelude::*;

use super::*;
use crate::{
    dnssec::{Chain, Key, Keyring, Signing, Tick, algorithm::Algorithm, chain, key::Times},
    wire::{WireName, kind, name},
    zone::tests::{published, zone_with},
};

const KINDS: [u16; 19] = [
    kind::RRSIG,
    kind::DNSKEY,
    kind::NSEC3,
    kind::A,
    kind::NS,
    kind::CNAME,
    kind::SOA,
    kind::PTR,
    kind::MX,
    16,
    kind::AAAA,
    kind::SRV,
    kind::NAPTR,
    kind::DS,
    64,
    kind::ANY,
    kind::AXFR,
    0,
    65_280,
];

/// Every sort of content, and an instance whose answers do not fit into a datagram.
fn zone(wildcard: bool) -> Zone {
    zone_of(wildcard, 60)
}

/// The same with this many instances.
fn zone_of(wildcard: bool, instances: u8) -> Zone {
    let mut text = "www CNAME web.example.net.\nmail A 203.0.113.25\n@ MX 10 mail\nlist MX 5 mail\nchild NS ns.child\nns.child A 203.0.113.99\n*.wild TXT \"w\"\n_dmarc TXT \"v=DMARC1\"\ndeep.er TXT \"x\"\n".to_owned();
    if wildcard {
        writeln!(text, "* A 203.0.113.1").unwrap();
    }
    let many: Vec<_> = (1..=120).map(|n| format!("2001:db8::{n:x}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let mut all = vec![published("many", &many), published("some", &many[..30])];
    all.extend((0..instances).map(|n| published(&format!("pbx-{n}"), &[&format!("203.0.113.{n}"), "2001:db8::9"])));
    zone_with(&text, &all)
}

/// The same zone with fewer instances, which are all alike, signed.
fn signed(wildcard: bool) -> Zone {
    let zone = zone_of(wildcard, 6);
    let key = Key::of(Algorithm::Ed25519, &[7; 32], true, Times::ALWAYS).unwrap();
    let signing = Signing::new(&Keyring::new([key]), Tick::of(1_795_810_000), zone.wire_origin()).unwrap();
    zone.resigned(Some(&Arc::new(signing)), 1001).unwrap()
}

/// All names of a zone, in wire form.
fn names(zone: &Zone) -> Vec<Vec<u8>> {
    let mut names = vec![zone.wire_origin().as_bytes().to_vec()];
    for (label, branch) in zone.branches() {
        let label = [&[u8::try_from(label.len()).unwrap()], label].concat();
        names.extend(
            branch.nodes().map(|(part, _)| zone.wire_origin().prefixed(&[part, &label].concat()).as_bytes().to_vec()),
        );
    }
    names
}

#[derive(Clone, Copy, Debug)]
struct Edns {
    payload: u16,
    dnssec_ok: bool,
}

fn query(id: u16, flags: [u8; 2], name: &[u8], kind: u16, edns: Option<Edns>) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend(flags);
    message.extend([0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())]);
    message.extend_from_slice(name);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    if let Some(Edns { payload, dnssec_ok }) = edns {
        message.extend([0, 0, 41]);
        message.extend(payload.to_be_bytes());
        message.extend([0, 0, if dnssec_ok { 0x80 } else { 0 }, 0, 0, 0]);
    }
    message
}

static NO_KEYS: std::sync::LazyLock<Keys> = std::sync::LazyLock::new(Keys::default);

/// Somebody who asks.
fn asking(transport: Transport, cookies: &Cookies) -> Asking<'_> {
    Asking { transport, client: [198, 51, 100, 1].into(), now: 1_559_731_985, cookies, keys: &NO_KEYS }
}

/// Asks both ways. True when the quick one answered.
fn agree(zone: &Zone, message: &[u8], transport: Transport) -> bool {
    let (mut fast, mut full) = (Vec::new(), Vec::new());
    let cookies = Cookies::of_this_process();
    let asking = asking(transport, &cookies);
    assert!(full::respond(Some(zone), message, asking, 0, &mut full).is_some(), "a query gets an answer");
    Message::from_vec(&full).unwrap();
    let answered = fast::respond(zone, message, transport, &mut fast);
    if answered {
        assert_eq!(fast.escape_ascii().to_string(), full.escape_ascii().to_string(), "for {}", message.escape_ascii());
    }
    answered
}

#[test]
fn both_ways_give_the_same_octets_for_the_whole_zone() {
    let plain = [None, Some(Edns { payload: 0, dnssec_ok: true }), Some(Edns { payload: 4096, dnssec_ok: false })];
    let checking = [0, 1232].map(|payload| Some(Edns { payload, dnssec_ok: true }));
    let zones =
        [(zone(false), &plain[..]), (zone(true), &plain), (signed(false), &checking), (signed(true), &checking)];
    for (zone, ednses) in zones {
        let least = if zone.is_signed() { 4000 } else { 20_000 };
        let (mut asked, mut quick) = (0, 0);
        for name in names(&zone) {
            let neighbours = [name.clone(), [b"\x01x", &*name].concat(), name.to_ascii_uppercase(), name[1..].to_vec()];
            for name in neighbours
                .iter()
                .filter(|name| name::labels(name).map(|label| label.len() + 1).sum::<usize>() + 1 == name.len())
            {
                for (kind, edns) in KINDS.into_iter().flat_map(|kind| ednses.iter().map(move |edns| (kind, *edns))) {
                    for transport in [Transport::Udp, Transport::Tcp] {
                        let message = query(asked, [1, 0x10], name, kind, edns);
                        quick += u32::from(agree(&zone, &message, transport));
                        asked = asked.wrapping_add(1);
                    }
                }
            }
        }
        assert!(quick > least, "the quick way answers most: {quick}");
    }
}

#[test]
fn both_ways_give_the_same_octets_where_a_denial_could_point_into_the_question() {
    for zone in [zone(false), signed(false), signed(true)] {
        let origin = zone.wire_origin();
        let label = |text: &[u8]| [&[u8::try_from(text.len()).unwrap()], text].concat();
        // The zone's own names in the SOA, and names above and below of them.
        let own = [&b"hostmaster"[..], b"ns1", b"xhostmaster"].map(label);
        let mut parts: Vec<Vec<u8>> = own.iter().flat_map(|own| [own.clone(), [b"\x01x", &**own].concat()]).collect();
        parts.extend(own.iter().map(|own| [&**own, b"\x06nobody"].concat()));
        // The names of proofs, which do not exist as such.
        let proofs: Vec<_> =
            zone.chain().into_iter().flat_map(Chain::links).map(|(hash, _)| chain::label(hash)).collect();
        parts.extend(proofs.iter().flat_map(|proof| [proof.to_vec(), [b"\x01x", &proof[..]].concat()]));
        // So many labels that the last ones are not remembered to be pointed to.
        parts.extend([1, 15, 16, 17, 61, 63, 64, 65, 110].map(|labels| b"\x01y".repeat(labels)));
        for part in &parts {
            let name = origin.prefixed(part);
            for (kind, dnssec_ok) in
                [kind::A, kind::MX, kind::NSEC3].into_iter().flat_map(|kind| [(kind, true), (kind, false)])
            {
                for (payload, transport) in [(1232, Transport::Udp), (512, Transport::Udp), (512, Transport::Tcp)] {
                    let edns = Some(Edns { payload, dnssec_ok });
                    agree(&zone, &query(9, [1, 0], name.as_bytes(), kind, edns), transport);
                }
                agree(&zone, &query(9, [1, 0], &name.as_bytes().to_ascii_uppercase(), kind, None), Transport::Udp);
            }
        }
    }
}

fn any_name() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(names(&zone(false)));
    let labels = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..12), 0..4);
    (known, labels, any::<u64>()).prop_map(|(known, labels, case)| {
        let mut name = Vec::new();
        for label in labels {
            name.push(u8::try_from(label.len()).unwrap());
            name.extend(label);
        }
        name.extend(known);
        for (at, octet) in name.iter_mut().enumerate().filter(|(at, _)| case >> (at % 64) & 1 == 1) {
            if octet.is_ascii_alphabetic() && at > 0 {
                octet.make_ascii_uppercase();
            }
        }
        name
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_give_the_same_octets_for_random_queries(
        name in any_name(),
        kind in prop_oneof![proptest::sample::select(&KINDS[..]), any::<u16>()],
        flags in any::<[u8; 2]>(),
        edns in proptest::option::of((any::<u16>(), any::<bool>())),
        id in any::<u16>(),
        tcp in any::<bool>(),
        with_signatures in any::<bool>(),
    ) {
        thread_local! { static ZONES: [Zone; 2] = [zone(false), signed(false)]; }
        // A response is not answered, and the operation is not random, or few would be queries.
        let flags = [flags[0] & 0x07, flags[1]];
        let message = query(id, flags, &name, kind, edns.map(|(payload, dnssec_ok)| Edns { payload, dnssec_ok }));
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        ZONES.with(|zones| agree(&zones[usize::from(with_signatures)], &message, transport));
    }

    #[test]
    fn whatever_comes_is_answered_within_bounds_or_not_at_all(
        mut message in proptest::collection::vec(any::<u8>(), 0..300),
        plain in any::<[bool; 4]>(),
    ) {
        thread_local! { static ZONE: Zone = signed(true); }
        // Mostly queries with few records, so that the parser gets beyond the header.
        for ((at, octets), _) in [(2, [1, 0]), (4, [0, 1]), (6, [0, 0]), (8, [0, 0])].into_iter().zip(plain).filter(|(_, plain)| *plain) {
            if let Some(place) = message.get_mut(at..at + 2) { place.copy_from_slice(&octets); }
        }
        let mut out = Vec::new();
        let cookies = Cookies::of_this_process();
        let asking = asking(Transport::Udp, &cookies);
        let answered = ZONE.with(|zone| respond(Some(zone), &message, asking, &mut out)).is_some();
        let due = message.len() >= 12 && message[2] & 0x80 == 0;
        prop_assert_eq!(answered, due);
        if answered {
            prop_assert!(out.len() <= 1232);
            prop_assert_eq!(&out[..2], &message[..2]);
            Message::from_vec(&out).unwrap();
        }
    }
}

#[test]
fn octets_after_the_message_make_it_malformed() {
    let zone = zone(false);
    let name = WireName::of(&"pbx-1.epygicloud.com.".parse().unwrap());
    let mut message = query(1, [1, 0], name.as_bytes(), kind::A, None);
    message.push(0);
    let mut out = Vec::new();
    let cookies = Cookies::of_this_process();
    assert!(respond(Some(&zone), &message, asking(Transport::Udp, &cookies), &mut out).is_some());
    assert_eq!(out, [0, 1, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
}

/// A query with a cookie of this content.
fn with_cookie(content: &[u8]) -> Vec<u8> {
    let name = WireName::of(&"many.epygicloud.com.".parse().unwrap());
    let mut message = query(1, [0, 0], name.as_bytes(), kind::AAAA, Some(Edns { payload: 1232, dnssec_ok: false }));
    let length = message.len();
    message[length - 1] = u8::try_from(content.len() + 4).unwrap();
    message.extend([0, 10, 0, u8::try_from(content.len()).unwrap()]);
    message.extend(content);
    message
}

#[test]
fn a_client_that_shows_our_cookie_again_is_known_and_gets_one_even_in_a_cut_answer() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    let asking = asking(Transport::Udp, &cookies);
    let first = respond(Some(&zone), &with_cookie(&[7; 8]), asking, &mut out);
    assert_eq!(first, Some(Answered { proven: false }));
    assert_eq!(out[2] & 2, 2, "it does not fit");
    let cookie = out[out.len() - 24..].to_vec();
    assert_eq!(cookie[..8], [7; 8]);
    assert_eq!(respond(Some(&zone), &with_cookie(&cookie), asking, &mut out), Some(Answered { proven: true }));
    assert_eq!(respond(Some(&zone), &with_cookie(&[7; 24]), asking, &mut out), Some(Answered { proven: false }));
    assert_eq!(respond(Some(&zone), &with_cookie(&[7; 5]), asking, &mut out), Some(Answered { proven: false }));
    assert_eq!(out[3], 1, "a cookie of a wrong length is malformed (RFC 7873, section 5.2.2)");
}

#[test]
fn an_answer_that_slips_through_the_rate_limit_has_question_and_opt_and_tc_and_nothing_else() {
    let (cookies, mut out) = (Cookies::of_this_process(), Vec::new());
    let message = with_cookie(&[7; 8]);
    assert!(full::truncated(&message, asking(Transport::Udp, &cookies), &mut out));
    let answer = Message::from_vec(&out).unwrap();
    assert!(answer.metadata.truncation && answer.edns.is_some());
    assert_eq!((answer.queries.len(), answer.answers.len(), answer.authorities.len()), (1, 0, 0));
    assert!(out.len() <= message.len() + 16, "it does not amplify");
}

#[test]
fn a_signed_answer_is_no_longer_with_its_signature_than_the_client_takes() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    let keys = Keys::parse("one hmac-sha512 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=\n").unwrap();
    let name = WireName::of(&"some.epygicloud.com.".parse().unwrap());
    let (mut whole, mut cut) = (0, 0);
    for payload in [0_u16].into_iter().chain((512..=1400).step_by(8)) {
        let edns = (payload > 0).then_some(Edns { payload, dnssec_ok: false });
        for kind in [kind::AAAA, kind::NAPTR, kind::MX] {
            let mut message = query(1, [0, 0], name.as_bytes(), kind, edns);
            let asking = Asking { keys: &keys, ..asking(Transport::Udp, &cookies) };
            Session::new(keys.named("one").unwrap().clone()).sign(&mut message, asking.now);
            assert!(respond(Some(&zone), &message, asking, &mut out).is_some());
            assert!(out.len() <= usize::from(payload.clamp(512, 1232)), "{} of {payload}", out.len());
            let answer = Message::from_vec(&out).unwrap();
            if answer.metadata.truncation { cut += 1 } else { whole += 1 }
        }
    }
    assert!(whole > 100 && cut > 10, "{whole} whole, {cut} cut");
}

#[test]
fn who_has_no_question_but_a_cookie_gets_a_cookie() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    let asking = asking(Transport::Udp, &cookies);
    let mut message = vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8];
    message.extend([7; 8]);
    assert!(respond(Some(&zone), &message, asking, &mut out).is_some());
    let answer = Message::from_vec(&out).unwrap();
    assert_eq!((out[3] & 15, answer.queries.len(), out.len()), (0, 0, 12 + 11 + 28), "{answer:?}");
    let without = [&message[..21], &[0, 0]].concat();
    assert!(respond(Some(&zone), &without, asking, &mut out).is_some());
    assert_eq!(out[3] & 15, 1, "without a cookie there is nothing to answer");
}

/// A query for an address that is there, with options.
fn with_options(options: &[u8]) -> Vec<u8> {
    let name = WireName::of(&"pbx-1.epygicloud.com.".parse().unwrap());
    let mut message = query(1, [0, 0], name.as_bytes(), kind::A, Some(Edns { payload: 1232, dnssec_ok: false }));
    let length = message.len();
    message[length - 1] = u8::try_from(options.len()).unwrap();
    message.extend(options);
    message
}

#[test]
fn an_option_that_is_not_ours_is_ignored_whatever_it_holds_and_one_that_is_cut_off_is_malformed() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    let asking = asking(Transport::Udp, &cookies);
    let mut ask = |options: &[u8]| {
        assert!(respond(Some(&zone), &with_options(options), asking, &mut out).is_some());
        let answer = Message::from_vec(&out).unwrap();
        (out[3] & 15, answer.answers.len(), answer.edns.is_some(), out.len())
    };
    // The client's subnet (RFC 7871): of no family, with too long a prefix, empty.
    for option in [&[0, 8, 0, 4, 0, 0, 0, 0][..], &[0, 8, 0, 8, 0, 1, 33, 0, 1, 2, 3, 4], &[0, 8, 0, 0]] {
        let (code, answers, edns, _) = ask(option);
        assert_eq!((code, answers, edns), (0, 1, true), "{option:?}");
    }
    let both = [&[0, 8, 0, 0, 0, 10, 0, 8][..], &[7; 8]].concat();
    assert_eq!(ask(&both).3, ask(&both[4..]).3, "the cookie is read beside it");
    for option in [&[0xfd, 0xe9, 0, 3, 1][..], &[0xfd, 0xe9, 0], &[0, 8, 0, 0, 0]] {
        assert_eq!(ask(option).0, 1, "{option:?}");
    }
}

/// Keys, and a query that one of them has signed.
fn signed_query(kind: u16, edns: Option<Edns>) -> (Keys, Vec<u8>) {
    let keys = Keys::parse("one hmac-sha256 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=\n").unwrap();
    let name = WireName::of(&"epygicloud.com.".parse().unwrap());
    let mut message = query(1, [0, 0], name.as_bytes(), kind, edns);
    if kind == kind::IXFR {
        message[9] = 1;
        // Before OPT, which is in the additional section.
        let at = message.len() - edns.map_or(0, |_| 11);
        message.splice(at..at, [&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0][..], &[0; 20]].concat());
    }
    Session::new(keys.named("one").unwrap().clone())
        .sign(&mut message, asking(Transport::Udp, &Cookies::of_this_process()).now);
    (keys, message)
}

#[test]
fn a_signature_that_is_not_at_the_end_or_of_another_class_is_malformed() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    let (keys, message) = signed_query(kind::SOA, None);
    let asking = Asking { keys: &keys, ..asking(Transport::Udp, &cookies) };
    let mut ask = |message: &[u8]| {
        assert!(respond(Some(&zone), message, asking, &mut out).is_some());
        (out[3] & 15, out[11])
    };
    assert_eq!(ask(&message), (0, 1), "it is good, and the answer is signed");
    let tsig = message.windows(5).position(|octets| octets == [0, 0, 250, 0, 255]).unwrap();
    let mut other_class = message.clone();
    other_class[tsig + 4] = 1;
    assert_eq!(ask(&other_class), (1, 0));
    let mut opt_after = [&message[..], &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]].concat();
    opt_after[11] = 2;
    assert_eq!(ask(&opt_after), (1, 0));
    let start = tsig - 4;
    let mut twice = [&message[..], &message[start..]].concat();
    twice[11] = 2;
    assert_ne!(ask(&twice).0, 0);
}

#[test]
fn who_asks_with_edns_and_a_wrong_key_is_refused_with_edns() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    for (edns, expected) in [(None, 1), (Some(Edns { payload: 1232, dnssec_ok: true }), 2)] {
        let (_, message) = signed_query(kind::SOA, edns);
        assert!(respond(Some(&zone), &message, asking(Transport::Udp, &cookies), &mut out).is_some());
        assert_eq!((out[3] & 15, out[11]), (9, expected));
        assert_eq!(crate::wire::edns::dnssec_ok(&out), edns.map(|_| true));
    }
}

#[test]
fn a_signed_ixfr_in_a_datagram_is_answered_with_the_soa_alone() {
    let (zone, cookies, mut out) = (zone(false), Cookies::of_this_process(), Vec::new());
    for edns in [None, Some(Edns { payload: 1232, dnssec_ok: false })] {
        let (keys, message) = signed_query(kind::IXFR, edns);
        let asking = Asking { keys: &keys, ..asking(Transport::Udp, &cookies) };
        assert!(respond(Some(&zone), &message, asking, &mut out).is_some());
        assert_eq!((out[2] & 4, out[3] & 15, out[7], out[9], out.len() < 512), (4, 0, 1, 0, true));
        assert_eq!(crate::wire::edns::dnssec_ok(&out), edns.map(|_| false));
        let unsigned = Asking { transport: Transport::Udp, keys: &Keys::default(), ..asking };
        assert!(respond(Some(&zone), &message, unsigned, &mut out).is_some());
        assert_eq!((out[3] & 15, out[7]), (9, 0), "nobody else gets it");
    }
}
