//! What holds of every message and every file, and how hostile ones are made. Pure. Shared with `dns/fuzz`.

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use ecqx_dns::{
    cookie::Cookies,
    dnssec::{Key, Keyring, Signing, Tick, algorithm::Algorithm, key::Times},
    published::Published,
    respond::{Asking, Transport, respond},
    store::{Held, Kept},
    transfer::{self, History, Keys},
    wire::{self, Query},
    zone::{Timers, Zone, ZoneSettings, build_snapshot},
};
use ecqx_domain::hostname::Label;
use hickory_proto::{
    op::Message,
    serialize::binary::{BinDecodable, BinDecoder},
};

/// The most that goes into a datagram.
const DATAGRAM: usize = 1232;
/// The most to a client that says nothing of what it takes.
const PLAIN: usize = 512;
/// What may come back beyond the message where there is nothing to answer: OPT (11), a cookie (28), or a TSIG error with its time and the
/// key's name in full.
const OVERHEAD: usize = 11 + 28 + 70 + 255;
/// The most octets out for one octet in over UDP: the shortest question with EDNS for the zone is 44 octets long.
const FACTOR: usize = DATAGRAM / 44;
const NOW: u64 = 1_800_000_000;

struct Setup {
    /// As it is, and signed.
    zones: [Arc<Zone>; 2],
    cookies: Cookies,
    keys: Keys,
    seeds: Vec<Vec<u8>>,
}

static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    let text = "www CNAME web.example.net.\nmail A 203.0.113.25\n@ MX 10 mail\nchild NS ns.child\nns.child A 203.0.113.99\n\
                safe NS ns.child\nsafe DS 1 15 1 0123456789012345678901234567890123456789\n\
                *.wild TXT \"w\"\n*.alias CNAME mail\na.b.c TXT \"x\"\n";
    let servers = ["ns1=203.0.113.1,2001:db8::1".parse().unwrap(), "ns.example.net".parse().unwrap()];
    let settings = ZoneSettings::with_static("epygicloud.com", &servers, Timers::default(), text).unwrap();
    let many = |label: &str, count: u16| Published {
        label: Label::parse(label).unwrap(),
        addresses: (1..=count).map(|n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n])).collect(),
        sips: count.is_multiple_of(2),
        is_about_to_change: count == 1,
    };
    let instances = [many("one", 1), many("two", 2), many("some", 20), many("many", 200)];
    let zone = build_snapshot(instances, &Arc::new(settings), 77).unwrap();
    let key = Key::of(Algorithm::Ed25519, &[7; 32], true, Times { sync_publish: Some(0), ..Times::ALWAYS }).unwrap();
    let signing = Signing::new(&Keyring::new([key]), Tick::of(NOW), zone.wire_origin()).unwrap();
    let signed = zone.resigned(Some(&Arc::new(signing)), 78).unwrap();
    let keys = Keys::parse("secondary hmac-sha256 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=").unwrap();
    Setup {
        zones: [zone, signed].map(Arc::new),
        cookies: Cookies::parse(&"0f".repeat(16)).unwrap(),
        keys,
        seeds: seeds(),
    }
});

/// Messages as clients send them, and some as they do not.
fn seeds() -> Vec<Vec<u8>> {
    let names: [&[u8]; 10] = [
        b"\x03one",
        b"\x04many",
        b"\x04some",
        b"\x04_sip\x04_udp\x03two",
        b"\x06nobody",
        b"",
        b"\x01x\x04wild",
        b"\x01y\x05child",
        b"\x01z\x05alias",
        b"\x01y\x04safe",
    ];
    let kinds = [1_u16, 28, 33, 35, 6, 2, 255, 252, 251, 43, 46, 48];
    let opts: [&[u8]; 4] = [
        b"",
        b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00",
        b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x08abcdefgh",
        b"\x00\x00\x29\x02\x00\x00\x00\x00\x00\x00\x05\xfd\xe9\x00\x01x",
    ];
    let mut seeds = Vec::new();
    for (n, name) in names.iter().enumerate() {
        for (m, opt) in opts.iter().enumerate() {
            let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!opt.is_empty())];
            message.extend_from_slice(name);
            message.extend_from_slice(b"\x0aepygicloud\x03com\x00");
            message.extend(kinds[(n + m) % kinds.len()].to_be_bytes());
            message.extend([0, 1]);
            message.extend_from_slice(opt);
            seeds.push(message);
        }
    }
    seeds.push(ixfr());
    seeds.push(with_tsig());
    seeds
}

fn ixfr() -> Vec<u8> {
    let mut message =
        b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x0aepygicloud\x03com\x00\x00\xfb\x00\x01".to_vec();
    message.extend(b"\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x00\x00\x16\x00\x00");
    message.extend([0; 20]);
    message
}

/// A request for the whole zone with a signature that is none.
fn with_tsig() -> Vec<u8> {
    let mut message =
        b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x0aepygicloud\x03com\x00\x00\xfc\x00\x01".to_vec();
    message.extend(b"\x09secondary\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x3d\x0bhmac-sha256\x00");
    message.extend(b"\x00\x00\x6b\x49\xd2\x00\x01\x2c\x00\x20");
    message.extend([0x5a; 32]);
    message.extend(b"\x12\x34\x00\x00\x00\x00");
    message
}

/// A seed, edited as the octets say: the first chooses it, then come four for each edit.
pub fn message(edits: &[u8]) -> Vec<u8> {
    let seeds = &SETUP.seeds;
    let (seed, edits) = edits.split_first().map_or((0, edits), |(first, rest)| (usize::from(*first), rest));
    edited(seeds[seed % seeds.len()].clone(), edits)
}

fn edited(mut octets: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(4) {
        let &[what, at, value, length] = edit else { continue };
        let at = usize::from(at) % (octets.len() + 1);
        let end = (at + usize::from(length) % 16).min(octets.len());
        match what % 8 {
            0 | 1 => octets.get_mut(at).into_iter().for_each(|octet| *octet ^= 1 << (value % 8)),
            2 => octets.get_mut(at).into_iter().for_each(|octet| *octet = value),
            3 => octets.truncate(at),
            4 => octets.insert(at, value),
            5 => drop(octets.drain(at..end)),
            6 => {
                let piece = octets[at..end].to_vec();
                octets.extend(piece);
            }
            // A pointer to somewhere, itself included (RFC 1035, section 4.1.4).
            _ => drop(octets.splice(at..end, [0xc0 | value >> 6, value])),
        }
    }
    octets
}

/// Both transports answer it well or not at all, whether or not the zone is signed. True when it gets an answer.
pub fn answers(message: &[u8]) -> bool {
    // Whatever reads strangers' octets by itself.
    let _ = (Query::read(message), wire::asked_kind(message));
    let [plain, signed] = SETUP.zones.each_ref().map(|zone| answered(zone, message));
    assert_eq!(plain, signed, "signatures make no difference to whether there is an answer");
    plain
}

fn answered(zone: &Zone, message: &[u8]) -> bool {
    let udp = answer(zone, message, Transport::Udp);
    let tcp = answer(zone, message, Transport::Tcp);
    assert_eq!(udp.is_some(), tcp.is_some());
    let is_due = message.len() >= 12 && message[2] & 0x80 == 0;
    assert!(is_due || udp.is_none(), "a response is not answered, nor is less than a header");
    if let Some(udp) = &udp {
        is_bounded(message, udp);
    }
    udp.is_some()
}

fn answer(zone: &Zone, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let Setup { cookies, keys, .. } = &*SETUP;
    let asking = Asking { transport, client: [198, 51, 100, 1].into(), now: NOW, cookies, keys };
    let (mut out, mut again) = (Vec::new(), vec![0xff; 3000]);
    let answered = respond(Some(zone), message, asking, &mut out);
    assert_eq!(answered, respond(Some(zone), message, asking, &mut again), "the same again");
    answered?;
    assert_eq!(out, again, "whatever the buffer held");
    assert_eq!(out[..2], message[..2], "the number comes back");
    assert_eq!(out[2] & 0x80, 0x80, "it is a response");
    is_well_formed(&out);
    Some(out)
}

fn is_well_formed(out: &[u8]) {
    let mut decoder = BinDecoder::new(out);
    let read = Message::read(&mut decoder);
    assert!(read.is_ok() && decoder.is_empty(), "{read:?}: {}", out.escape_ascii());
}

/// What bounds amplification over UDP for who has shown no cookie of ours, even with no rate limit.
fn is_bounded(message: &[u8], out: &[u8]) {
    assert!(out.len() <= DATAGRAM, "{}", out.len());
    let counts: usize = (3..6).map(|at| usize::from(u16::from_be_bytes([message[2 * at], message[2 * at + 1]]))).sum();
    if counts == 0 {
        assert!(out.len() <= PLAIN, "{} octets without EDNS", out.len());
    }
    let nothing_found = out[6..10] == [0; 4];
    if nothing_found {
        assert!(out.len() <= message.len() + OVERHEAD, "{} for {}", out.len(), message.len());
    } else {
        assert!(out.len() <= message.len() * FACTOR, "{} for {}", out.len(), message.len());
    }
}

/// Nobody gets the zone without the key, whatever the request looks like.
pub fn transfers(message: &[u8]) {
    let Setup { zones, keys, .. } = &*SETUP;
    for zone in zones {
        assert!(transfer::requested(zone, &History::default(), keys, message, NOW).is_none());
    }
}

/// A file of the zone that is not what was written is refused, or says the same.
pub fn kept(edits: &[u8]) {
    let held: Held = [("a", 1), ("b", 2)]
        .map(|(name, last)| {
            let label = Label::parse(name).unwrap();
            let published = Published {
                label,
                addresses: [[203, 0, 113, last].into()].into(),
                sips: last == 2,
                is_about_to_change: last == 1,
            };
            (("reseller".to_owned(), name.to_owned()), published)
        })
        .into_iter()
        .collect();
    let zone = "epygicloud.com".to_owned();
    let kept = Kept { zone, serial: 77, revision: 78, settings: "of then".to_owned(), held };
    if let Ok(read) = Kept::read(&edited(kept.text(), edits), "epygicloud.com") {
        assert_eq!(read, kept);
    }
}
