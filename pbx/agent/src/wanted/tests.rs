//! What is taken, and what is refused with its reason.

use super::fixtures::{limits, passwords, wanted};
use super::*;

#[test]
fn the_lowest_numbers_are_enabled() {
    let files = limits(&[("1000", None), ("102", None), ("101", None)], 2);
    let wanted = wanted(&files, &passwords(&["101", "102", "1000"])).unwrap();
    assert_eq!(wanted.enabled().into_iter().collect::<Vec<_>>(), ["101", "102"]);
    assert_eq!(wanted.phones.len(), 3);
}

#[test]
fn limits_of_other_extensions_are_refused() {
    let (files, (_, others)) = (limits(&[("101", None)], 1), limits(&[("102", None)], 1));
    assert!(matches!(wanted(&(files.0, others), &passwords(&["101", "102"])), Err(Unfit::Pair(_))));
}

#[test]
fn a_missing_or_empty_password_names_its_extension() {
    let files = limits(&[("101", None), ("102", None)], 2);
    let mut some = passwords(&["101"]);
    assert!(matches!(wanted(&files, &some), Err(Unfit::Password(number)) if number == "102"));
    some.0.insert("102".into(), b"\n".to_vec());
    assert!(matches!(wanted(&files, &some), Err(Unfit::Password(number)) if number == "102"));
}

#[test]
fn what_is_no_number_is_refused() {
    for bad in ["", "10 1", "101\n[x]", "*43", "١٠١", &"1".repeat(33)] {
        let files = limits(&[(bad, None)], 1);
        assert!(matches!(wanted(&files, &passwords(&[bad])), Err(Unfit::Number(number)) if number == bad));
    }
}

#[test]
fn a_number_that_is_there_twice_is_refused() {
    let files = limits(&[("101", None), ("101", None)], 1);
    assert!(matches!(wanted(&files, &passwords(&["101"])), Err(Unfit::Twice(number)) if number == "101"));
}

#[test]
fn a_realm_that_is_no_dns_name_is_refused() {
    for bad in ["", "a..b", "a b", "a\n[x]", "a;b"] {
        let mut files = limits(&[], 0);
        files.0.instance.fqdn = bad.into();
        assert!(matches!(wanted(&files, &passwords(&[])), Err(Unfit::Fqdn(fqdn)) if fqdn == bad));
    }
}

#[test]
fn the_credential_is_the_digest_of_sip_and_is_never_printed() {
    // `printf 101:a.epygicloud.com:secret101 | md5sum`
    let credential = Credential::new("101", "a.epygicloud.com", b"secret101");
    assert_eq!(credential.reveal_md5(), "d7175b97ed727eae512db568005eaf43");
    // The same with `sha256sum`
    assert_eq!(credential.reveal_sha256(), "e901fcc0f9646403aa53e1912bc024b9c43e39f5508b31004bf71daa21aaf79c");
    assert_eq!(format!("{credential:?}"), "Credential(..)");
}
