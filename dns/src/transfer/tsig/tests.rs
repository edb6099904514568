use super::*;

const KEYS: &str = "one hmac-sha256 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=\n\ntwo. hmac-sha512 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=\n";
const NOW: u64 = 1_790_000_000;

fn keys() -> Keys {
    Keys::parse(KEYS).unwrap()
}

fn query() -> Vec<u8> {
    b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03com\x00\x00\x06\x00\x01".to_vec()
}

fn signed(name: &str, at: u64) -> Vec<u8> {
    let mut message = query();
    Session::new(keys().named(name).unwrap().clone()).sign(&mut message, at);
    message
}

/// The code in the header and in the TSIG record of a refusal.
fn refused(keys: &Keys, message: &[u8]) -> (u8, u16, usize) {
    let Checked::Bad(answer) = keys.check(message, NOW) else { panic!("it is not refused") };
    let tsig = record::last(&answer).unwrap();
    let mac = fields(tsig.data).unwrap().mac.len();
    let other = if tsig.data.ends_with(&[0, 0]) { 0 } else { 6 };
    let error = tsig.data.len() - other - 4;
    (answer[3] & 15, u16::from_be_bytes([tsig.data[error], tsig.data[error + 1]]), mac)
}

#[test]
fn a_message_that_was_signed_is_known_and_comes_back_as_it_was() {
    for name in ["one", "TWO."] {
        let Checked::Good { message, .. } = keys().check(&signed(name, NOW - 200), NOW) else { panic!("{name}") };
        assert_eq!(message, query());
    }
    assert!(matches!(keys().check(&query(), NOW), Checked::Unsigned));
}

#[test]
fn a_signature_by_another_key_on_another_message_or_of_another_time_is_refused_with_its_reason() {
    assert_eq!(refused(&Keys::default(), &signed("one", NOW)), (9, BAD_KEY, 0));
    let mut changed = signed("one", NOW);
    changed[15] ^= 1;
    assert_eq!(refused(&keys(), &changed), (9, BAD_SIG, 0));
    assert_eq!(refused(&keys(), &signed("one", NOW - 301)), (9, BAD_TIME, 32));
    assert_eq!(refused(&keys(), &signed("two", NOW + 301)), (9, BAD_TIME, 64));
}

#[test]
fn every_changed_octet_is_found_and_none_breaks_the_reader() {
    let message = signed("one", NOW);
    for at in 0..message.len() {
        for bit in [1, 0x80] {
            let mut changed = message.clone();
            changed[at] ^= bit;
            let good = matches!(keys().check(&changed, NOW), Checked::Good { .. });
            // The number of the message is not signed, since forwarders change it; the class and TTL of the record, its error and
            // its other data are the signature's own. Letter case makes no other key.
            assert!(!good || at < 2 || at > query().len(), "octet {at}");
        }
        assert!(!matches!(keys().check(&message[..at], NOW), Checked::Good { .. }), "cut at {at}");
    }
}

#[test]
fn a_message_that_a_forwarder_gave_another_number_is_good_and_answered_under_that() {
    let mut forwarded = signed("one", NOW);
    forwarded[..2].copy_from_slice(b"\x56\x78");
    let Checked::Good { message, .. } = keys().check(&forwarded, NOW) else { panic!("it is refused") };
    assert_eq!(message, [b"\x56\x78", &query()[2..]].concat());
    let Checked::Bad(answer) = Keys::default().check(&forwarded, NOW) else { panic!("it is taken") };
    assert_eq!(answer[..2], *b"\x56\x78");
}

#[test]
fn a_question_or_an_algorithm_that_points_elsewhere_is_not_repeated() {
    let message = signed("one", NOW);
    let [mut question, mut algorithm] = [message.clone(), message];
    question.splice(16..17, [0xc0, 0]);
    let at = algorithm.windows(6).position(|octets| octets == b"sha256").unwrap();
    algorithm[at + 6] = 0xc0;
    for message in [question, algorithm] {
        assert!(record::last(&message).is_some(), "the test means to reach the signature");
        assert!(matches!(Keys::default().check(&message, NOW), Checked::Unsigned));
    }
}

#[test]
fn a_key_whose_name_ends_as_the_question_does_may_be_compressed_and_comes_back_in_full() {
    let keys = Keys::parse("ns2.com hmac-sha256 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=").unwrap();
    let mut message = query();
    Session::new(keys.named("ns2.com").unwrap().clone()).sign(&mut message, NOW);
    let owner = query().len();
    message.splice(owner + 4..owner + 9, [0xc0, 12]);
    assert_eq!(message[owner..owner + 6], *b"\x03ns2\xc0\x0c");
    let Checked::Good { message: inner, .. } = keys.check(&message, NOW) else { panic!("it is refused") };
    assert_eq!(inner, query());
    let Checked::Bad(answer) = Keys::default().check(&message, NOW) else { panic!("it is taken") };
    assert_eq!(record::last(&answer).unwrap().name, b"\x03ns2\x03com\0");
}

#[test]
fn a_signature_that_is_cut_is_refused_by_its_length() {
    let message = signed("one", NOW);
    let mac = message.windows(2).position(|octets| octets == [0, 32]).unwrap();
    let cut = |octets: usize| {
        let mut cut = message.clone();
        let old = [&message[mac + 2..mac + 34], &[0; 8]].concat();
        cut.splice(mac..mac + 34, [&[0, u8::try_from(octets).unwrap()], &old[..octets]].concat());
        let length = mac - 8 - b"\x0bhmac-sha256\0".len() - 2;
        let data = u16::from_be_bytes([cut[length], cut[length + 1]]) + u16::try_from(octets).unwrap() - 32;
        cut[length..length + 2].copy_from_slice(&data.to_be_bytes());
        cut
    };
    assert!(matches!(keys().check(&cut(32), NOW), Checked::Good { .. }));
    assert_eq!(refused(&keys(), &cut(16)), (9, BAD_TRUNC, 32), "the answer is signed in full");
    for octets in [0, 9, 15, 33, 40] {
        let Checked::Bad(answer) = keys().check(&cut(octets), NOW) else { panic!("{octets} octets are taken") };
        assert_eq!((answer[3] & 15, answer[11]), (1, 0), "{octets} octets are none");
    }
    let mut wrong = cut(16);
    wrong[mac + 2] ^= 1;
    assert_eq!(refused(&keys(), &wrong), (9, BAD_SIG, 0));
}

#[test]
fn wrong_keys_are_refused_with_their_line() {
    for (text, expected) in [
        ("one hmac-sha256", "line 1"),
        ("\none hmac-md5 c2VjcmV0IG9mIDMyIG9jdGV0cywgYXQgcmFuZG9tLi4=", "line 2"),
        ("one hmac-sha256 ???", "base 64"),
        ("one hmac-sha256 c2hvcnQ=", "16 octets"),
    ] {
        let message = Keys::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
