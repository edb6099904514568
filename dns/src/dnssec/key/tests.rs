use std::process::Command;

use rstest::rstest;

use super::*;
use crate::zone::tests::wire;

fn key(algorithm: Algorithm) -> Key {
    Key::of(algorithm, &[7; 32], true, Times::ALWAYS).unwrap()
}

#[rstest]
fn a_key_that_was_written_is_read_again(
    #[values(Algorithm::Ed25519, Algorithm::EcdsaP256)] algorithm: Algorithm,
    #[values(Times::ALWAYS, Times { publish: Some(1_795_810_000), sync_publish: Some(1_795_820_000), ..Times::default() })]
    times: Times,
) {
    let origin = wire("epygicloud.com.");
    let (public, private) = key(algorithm).used(times).texts(&origin, &[7; 32]);
    let read = Key::parse(&public, &private, &origin).unwrap();
    assert_eq!((read.dnskey(), *read.times()), (key(algorithm).dnskey(), times));
    assert_eq!(read.sign(b"x"), read.sign(b"x"), "signatures are the same each time");
    assert!(!format!("{read:?}").contains("Bwc"), "no secret is shown");
}

#[test]
fn the_keys_of_other_programs_are_read_and_have_the_digest_that_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let made =
        Command::new("ldns-keygen").args(["-a", "ED25519", "-k", "epygicloud.com"]).current_dir(&folder).output();
    let name = String::from_utf8(made.unwrap().stdout).unwrap();
    let read = |end| std::fs::read_to_string(folder.path().join(format!("{}.{end}", name.trim()))).unwrap();
    let origin = wire("epygicloud.com.");
    let key = Key::parse(&read("key"), &read("private"), &origin).unwrap();
    let digest = key.ds(&origin)[4..].iter().fold(String::new(), |text, octet| format!("{text}{octet:02x}"));
    let ds = read("ds").to_ascii_lowercase();
    assert!(ds.contains(&format!("{} 15 2 {digest}", key.tag())), "{ds}");
    assert!(key.is_entry() && key.times().is_active(0));
}

#[rstest]
#[case("epygicloud.com. IN DNSKEY 257 3 8 AAAA", "ED25519")]
#[case("example.com. IN DNSKEY 257 3 15 AAAA", "this zone")]
#[case("epygicloud.com. IN DNSKEY 385 3 15 AAAA", "revoked")]
#[case("; nothing", "no line")]
fn a_key_that_cannot_be_used_is_refused_with_the_remedy(#[case] public: &str, #[case] expected: &str) {
    let message = Key::parse(public, "PrivateKey: AAAA", &wire("epygicloud.com.")).unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn the_halves_of_two_keys_are_no_pair() {
    let origin = wire("epygicloud.com.");
    let (public, _) = key(Algorithm::Ed25519).texts(&origin, &[7; 32]);
    let (_, private) = key(Algorithm::Ed25519).texts(&origin, &[8; 32]);
    assert_eq!(Key::parse(&public, &private, &origin).unwrap_err(), KeyError::NoPair);
    let (_, private) = key(Algorithm::Ed25519).texts(&origin, &[7; 16]);
    assert_eq!(Key::parse(&public, &private, &origin).unwrap_err(), KeyError::NoSecret);
    let (_, private) = key(Algorithm::Ed25519).texts(&origin, &[7; 32]);
    let private = private.replace("Publish: 1970", "Publish: soon");
    assert!(matches!(Key::parse(&public, &private, &origin), Err(KeyError::Time(_))));
}
