//! The server on real sockets, with the zone put in by hand.

use std::{
    net::{Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ecqx_dns::{
    Snapshot,
    limit::Limits,
    published::Published,
    server::{Server, Service},
    zone::{Zone, build_snapshot},
};
use ecqx_domain::hostname::Label;
use ecqx_tests::netns;
use tokio::net::UdpSocket;

use crate::{
    dig::{Seen, dig},
    server, serving, settings,
};

fn zone(serial: u32, instances: &[(&str, u16)]) -> Zone {
    let published = instances.iter().map(|(label, addresses)| Published {
        label: Label::parse(label).unwrap(),
        addresses: (1..=*addresses).map(|n| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into()).collect(),
        sips: false,
        is_about_to_change: false,
    });
    build_snapshot(published, &settings(), serial).unwrap()
}

fn snapshot(zone: Option<Zone>) -> Snapshot {
    let snapshot = Snapshot::default();
    snapshot.store(zone.map(Arc::new));
    snapshot
}

async fn ask(zone: impl Into<Option<Zone>>, options: &[&str]) -> Seen {
    let server = server(&snapshot(zone.into())).await;
    let seen = dig(server.address(), options).await;
    server.stop().await.unwrap();
    seen
}

/// One small instance, and one whose addresses take more than a datagram.
fn sample() -> Zone {
    zone(2_026_110_100, &[("syunikwin", 1), ("many", 60)])
}

#[tokio::test]
async fn an_address_resolves_over_udp_and_over_tcp() {
    for transport in ["+notcp", "+tcp"] {
        let seen = ask(sample(), &["syunikwin.epygicloud.com", "AAAA", transport]).await;
        assert_eq!((seen.code(), seen.flags()), ("NOERROR", "qr aa"), "{}", seen.text);
        assert_eq!(seen.section("ANSWER"), ["syunikwin.epygicloud.com. 60 IN AAAA 2001:db8::1"]);
        assert_eq!(seen.edns(), "version: 0, flags:; udp: 1232");
    }
}

#[tokio::test]
async fn naptr_leads_to_srv_and_to_the_address_in_one_answer() {
    let seen = ask(sample(), &["syunikwin.epygicloud.com", "NAPTR"]).await;
    assert_eq!(seen.section("ANSWER").len(), 2, "{}", seen.text);
    assert!(seen.section("ANSWER")[0].ends_with("10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.syunikwin.epygicloud.com."));
    assert_eq!(seen.section("ADDITIONAL").len(), 3);
}

#[tokio::test]
async fn the_case_of_the_question_comes_back_as_it_was_sent() {
    let seen = ask(sample(), &["sYuNiKwIn.EpYgIcLoUd.CoM", "AAAA"]).await;
    assert_eq!(seen.section("QUESTION"), [";sYuNiKwIn.EpYgIcLoUd.CoM. IN AAAA"]);
    assert_eq!(seen.section("ANSWER").len(), 1, "{}", seen.text);
}

#[tokio::test]
async fn what_does_not_exist_comes_with_the_soa() {
    let soa = "epygicloud.com. 60 IN SOA ns1.epygicloud.com. hostmaster.epygicloud.com. 2026110100 3600 600 1209600 60";
    for (name, code) in [("nobody.epygicloud.com", "NXDOMAIN"), ("_udp.syunikwin.epygicloud.com", "NOERROR")] {
        let seen = ask(sample(), &[name, "SRV"]).await;
        assert_eq!((seen.code(), seen.flags()), (code, "qr aa"), "{}", seen.text);
        assert_eq!(seen.section("AUTHORITY"), [soa]);
    }
}

#[tokio::test]
async fn more_than_the_client_takes_is_cut_with_opt_kept_and_comes_whole_over_tcp() {
    let seen = ask(sample(), &["many.epygicloud.com", "AAAA", "+bufsize=4096", "+ignore"]).await;
    assert_eq!(seen.flags(), "qr aa tc", "{}", seen.text);
    assert_eq!(seen.edns(), "version: 0, flags:; udp: 1232");
    assert!(seen.section("ANSWER").is_empty());
    let seen = ask(sample(), &["many.epygicloud.com", "AAAA"]).await;
    assert_eq!((seen.flags(), seen.section("ANSWER").len()), ("qr aa", 60), "{}", seen.text);
}

#[tokio::test]
async fn without_edns_at_most_512_octets_come_and_no_opt() {
    let zone = || Some(zone(1, &[("some", 20)]));
    let seen = ask(zone(), &["some.epygicloud.com", "AAAA", "+noedns", "+ignore"]).await;
    assert_eq!((seen.flags(), seen.edns()), ("qr aa tc", ""), "{}", seen.text);
    let seen = ask(zone(), &["some.epygicloud.com", "AAAA", "+bufsize=1232", "+ignore"]).await;
    assert_eq!((seen.flags(), seen.section("ANSWER").len()), ("qr aa", 20), "{}", seen.text);
}

#[tokio::test]
async fn additional_records_that_do_not_fit_are_left_out_without_tc() {
    let zone = Some(zone(1, &[("some", 20)]));
    let seen = ask(zone, &["some.epygicloud.com", "NAPTR", "+noedns", "+ignore"]).await;
    assert_eq!((seen.flags(), seen.section("ANSWER").len()), ("qr aa", 2), "{}", seen.text);
    assert_eq!(seen.section("ADDITIONAL").len(), 2);
    assert!(seen.size() <= 512);
}

#[tokio::test]
async fn a_later_edns_version_gets_badvers_and_an_unknown_option_or_flag_is_ignored() {
    let seen = ask(sample(), &["syunikwin.epygicloud.com", "AAAA", "+edns=1", "+noednsnegotiation"]).await;
    assert_eq!((seen.code(), seen.section("ANSWER").len()), ("BADVERS", 0), "{}", seen.text);
    assert!(seen.edns().starts_with("version: 0"));
    let options = ["+ednsopt=65001:c0ffee", "+ednsflags=0x4000", "+dnssec", "syunikwin.epygicloud.com", "AAAA"];
    let seen = ask(sample(), &options).await;
    assert_eq!((seen.code(), seen.edns()), ("NOERROR", "version: 0, flags: do; udp: 1232"), "{}", seen.text);
}

#[tokio::test]
async fn transfers_other_zones_other_operations_and_other_classes_are_refused() {
    for (options, code) in [
        (&["example.net", "A"][..], "REFUSED"),
        (&["version.bind", "TXT", "CH"][..], "REFUSED"),
        (&["epygicloud.com", "SOA", "+opcode=NOTIFY"][..], "NOTIMP"),
        (&["epygicloud.com", "SOA", "+opcode=UPDATE"][..], "NOTIMP"),
        (&["epygicloud.com", "SOA", "+opcode=STATUS"][..], "NOTIMP"),
        (&["epygicloud.com", "SOA", "+opcode=9"][..], "NOTIMP"),
        (&["+header-only"][..], "FORMERR"),
    ] {
        let seen = ask(sample(), options).await;
        assert_eq!((seen.code(), seen.flags()), (code, "qr"), "{}", seen.text);
    }
    for transfer in ["AXFR", "IXFR=1"] {
        let seen = ask(sample(), &["epygicloud.com", transfer, "+tcp"]).await;
        assert!(seen.text.contains("Transfer failed"), "{}", seen.text);
    }
}

#[tokio::test]
async fn before_the_first_list_every_answer_is_servfail() {
    let seen = ask(None, &["syunikwin.epygicloud.com", "A"]).await;
    assert_eq!((seen.code(), seen.flags()), ("SERVFAIL", "qr"), "{}", seen.text);
}

#[tokio::test]
async fn a_new_snapshot_is_served_at_once() {
    let snapshot = snapshot(Some(zone(1, &[])));
    let server = server(&snapshot).await;
    assert_eq!(dig(server.address(), &["new.epygicloud.com", "AAAA"]).await.code(), "NXDOMAIN");
    snapshot.store(Some(Arc::new(zone(2, &[("new", 1)]))));
    assert_eq!(dig(server.address(), &["new.epygicloud.com", "AAAA"]).await.code(), "NOERROR");
    server.stop().await.unwrap();
}

/// A message by hand: the header with this number of questions, then the rest.
async fn answer_to(server: &Server, questions: u16, rest: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut message = vec![0x12, 0x34, 0, 0];
    message.extend(questions.to_be_bytes());
    message.extend([0; 6]);
    message.extend(rest);
    socket.send_to(&message, server.address()).await.unwrap();
    let mut answer = vec![0; 4096];
    let size = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut answer)).await.ok()?.unwrap();
    answer.truncate(size);
    Some(answer)
}

#[tokio::test]
async fn several_questions_in_a_message_get_formerr_and_none_of_them_back() {
    let server = server(&snapshot(Some(sample()))).await;
    for questions in [2, 300] {
        // The root, type A, class IN, as often as announced.
        let answer = answer_to(&server, questions, &[0, 0, 1, 0, 1].repeat(questions.into())).await.unwrap();
        assert_eq!(answer, [0x12, 0x34, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn it_answers_on_after_any_nonsense() {
    // A panic would end only one task here, but the released program as a whole.
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let earlier = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        earlier(info);
    }));
    let server = server(&snapshot(Some(sample()))).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut number = 1_u64;
    let mut octet = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        number.to_be_bytes()[0]
    };
    for length in (0..600).cycle().take(6000) {
        let mut message: Vec<u8> = (0..length).map(|_| octet()).collect();
        // Mostly queries with few records, so that the parser gets beyond the header.
        for (at, keep) in [(2, 0x01), (4, 0), (5, 3), (6, 0), (7, 1), (8, 0), (9, 1), (10, 0), (11, 3)] {
            message.get_mut(at).into_iter().for_each(|octet| *octet &= keep);
        }
        socket.send_to(&message, server.address()).await.unwrap();
    }
    assert_eq!(dig(server.address(), &["syunikwin.epygicloud.com", "AAAA"]).await.code(), "NOERROR");
    server.stop().await.unwrap();
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_flood_is_limited_but_not_for_who_comes_over_tcp_or_shows_a_cookie() {
    let limits = Limits { rate: 10, slip: 2, allowed: Vec::new() };
    let service = Service { limits, ..Service::of(snapshot(Some(sample()))) };
    let metrics = service.metrics.clone();
    let server = serving(&service).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let query =
        b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09syunikwin\x0aepygicloud\x03com\x00\x00\x1c\x00\x01";
    let (mut whole, mut cut) = (0, 0);
    for _ in 0..100 {
        socket.send_to(query, server.address()).await.unwrap();
    }
    let mut answer = [0; 512];
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut answer)).await {
        if answer[2] & 2 == 0 { whole += 1 } else { cut += 1 }
    }
    // Each thread grants its share of the rate, and this client's port leads to one of them.
    assert!((1..=12).contains(&whole) && (40..50).contains(&cut), "{whole} whole, {cut} cut");
    let asked = ["syunikwin.epygicloud.com", "AAAA"];
    let seen = dig(server.address(), &[&asked[..], &["+tcp"]].concat()).await;
    assert_eq!(seen.section("ANSWER").len(), 1, "{}", seen.text);
    let text = metrics.text(&service.snapshot).unwrap();
    assert!(text.contains("rate_limited_total{verdict=\"slipped\"} 4"), "{text}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn queries_sent_ahead_over_one_connection_are_all_answered_in_order() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = server(&snapshot(Some(sample()))).await;
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    for id in 0..50_u8 {
        let mut query = vec![0, 42, 0, id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(b"\x09syunikwin\x0aepygicloud\x03com\x00\x00\x1c\x00\x01");
        stream.write_all(&query).await.unwrap();
    }
    for id in 0..50_u8 {
        let length = stream.read_u16().await.unwrap();
        let mut answer = vec![0; length.into()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[1], id);
    }
    server.stop().await.unwrap();
}

/// Here half of the ports that a program may be given are taken on TCP.
#[tokio::test]
async fn a_port_that_the_system_chooses_is_free_on_udp_and_on_tcp() {
    if !netns::is_inside_or_runs("sockets::a_port_that_the_system_chooses_is_free_on_udp_and_on_tcp").unwrap() {
        return;
    }
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40015").unwrap();
    let listen = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port));
    let _taken: Vec<_> = (40_000..40_016).filter(|port| port / 2 % 2 == 0).map(|port| listen(port).unwrap()).collect();
    let mut running = Vec::new();
    for _ in 0..6 {
        running.push(server(&snapshot(Some(sample()))).await);
    }
    let _rest: Vec<_> = (40_000..40_016).filter_map(|port| listen(port).ok()).collect();
    let service = Service::of(snapshot(None));
    let refused = Server::start("127.0.0.1:0".parse().unwrap(), service).await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("--listen"), "{refused}");
}

#[tokio::test]
async fn all_addresses_are_those_of_ipv6_and_of_ipv4() {
    // A machine without IPv6 has only the others.
    let loopback = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let ours: &[&str] = if loopback.contains(" lo") { &["127.0.0.1", "::1"] } else { &["127.0.0.1"] };
    let all = ecqx_dns::family::available("[::]:0".parse().unwrap());
    let server = Server::start(all, Service::of(snapshot(Some(sample())))).await.unwrap();
    for address in ours {
        let at = SocketAddr::new(address.parse().unwrap(), server.address().port());
        for options in [&["syunikwin.epygicloud.com", "AAAA"][..], &["syunikwin.epygicloud.com", "AAAA", "+tcp"]] {
            let seen = dig(at, options).await;
            assert_eq!(seen.section("ANSWER").len(), 1, "{at}: {}", seen.text);
        }
    }
    server.stop().await.unwrap();
}

/// A query with this option of EDNS, if any.
fn asked(cookie: &[u8]) -> Vec<u8> {
    let mut query =
        b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09syunikwin\x0aepygicloud\x03com\x00\x00\x1c\x00\x01"
            .to_vec();
    if !cookie.is_empty() {
        query[11] = 1;
        let length = u8::try_from(cookie.len()).unwrap();
        query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, length + 4, 0, 10, 0, length]);
        query.extend(cookie);
    }
    query
}

/// Of a hundred queries, how many are answered whole.
async fn whole(from: &str, server: SocketAddr, query: &[u8]) -> usize {
    let socket = UdpSocket::bind((from, 0)).await.unwrap();
    for _ in 0..100 {
        socket.send_to(query, server).await.unwrap();
    }
    let (mut whole, mut answer) = (0, [0; 512]);
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut answer)).await {
        whole += usize::from(answer[2] & 2 == 0);
    }
    whole
}

#[tokio::test]
async fn on_all_addresses_clients_over_ipv4_are_limited_by_their_networks_and_known_by_their_cookies() {
    let limits = Limits { rate: 10, slip: 2, allowed: vec!["127.0.2.0/24".parse().unwrap()] };
    let service = Service { limits, ..Service::of(snapshot(Some(sample()))) };
    let all = ecqx_dns::family::available("[::]:0".parse().unwrap());
    let server = Server::start(all, service).await.unwrap();
    let at = SocketAddr::new("127.0.0.1".parse().unwrap(), server.address().port());
    assert!((1..=12).contains(&whole("127.0.1.1", at, &asked(&[])).await), "the first network is limited");
    assert_eq!(whole("127.0.2.1", at, &asked(&[])).await, 100, "the second is allowed");
    assert!((1..=12).contains(&whole("127.0.3.1", at, &asked(&[])).await), "the third has a limit of its own");
    // The cookie comes even with an answer that is cut.
    let socket = UdpSocket::bind(("127.0.1.2", 0)).await.unwrap();
    let mut answer = [0; 512];
    let length = loop {
        socket.send_to(&asked(&[7; 8]), at).await.unwrap();
        let received = tokio::time::timeout(Duration::from_millis(200), socket.recv(&mut answer)).await;
        if let Ok(Ok(length)) = received {
            break length;
        }
    };
    let cookie = answer[length - 24..length].to_vec();
    assert_eq!(whole("127.0.1.2", at, &asked(&cookie)).await, 100, "whoever shows our cookie is not limited");
    server.stop().await.unwrap();
}
