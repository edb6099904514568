//! Programs that check a whole signed zone: ldns-verify-zone, dnssec-verify and named-checkzone.

use std::{path::Path, process::Command};

use ecqx_dns::{
    dnssec::{Key, Tick, algorithm::Algorithm},
    zone::Zone,
};
use rstest::rstest;

use crate::{ZONE, key, now, plain, servers::zone_file, signing};

/// Whether all checkers accept a zone file; what they say.
pub fn check(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    std::fs::write(&file, text).unwrap();
    let all: [(&str, &[&str], &[&Path]); 3] = [
        ("ldns-verify-zone", &["-V", "1"], &[&file]),
        // One key may do all (-z).
        ("dnssec-verify", &["-z", "-q", "-o", ZONE], &[&file]),
        ("named-checkzone", &["-i", "local", "-q", ZONE], &[&file]),
    ];
    for (program, arguments, files) in all {
        let output = Command::new(program).args(arguments).args(files).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}; install it with `make setup`"));
        if !output.status.success() {
            let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            return Err(format!("{program} says: {out}{error}"));
        }
    }
    Ok(())
}

fn keys(algorithm: Algorithm, split: bool) -> Vec<Key> {
    if split { vec![key(algorithm, 1, true), key(algorithm, 2, false)] } else { vec![key(algorithm, 1, true)] }
}

fn signed(algorithm: Algorithm, split: bool) -> Zone {
    plain(30).resigned(Some(&signing(keys(algorithm, split), Tick::of(now()))), 2_026_110_101).unwrap()
}

#[rstest]
fn the_signed_zone_is_accepted(
    #[values(Algorithm::Ed25519, Algorithm::EcdsaP256)] algorithm: Algorithm,
    #[values(true, false)] split: bool,
) {
    check(&zone_file(&signed(algorithm, split))).unwrap();
}

#[test]
fn a_zone_with_one_record_changed_is_not_accepted() {
    let text = zone_file(&signed(Algorithm::Ed25519, false));
    // An address of an instance: 203.0.113.7.
    assert!(text.contains("cb007107"));
    check(&text.replacen("cb007107", "cb007108", 1)).unwrap_err();
}
