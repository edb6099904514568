//! The names of the objects that come of an order: readable, within the API's limits, and never the same for two. Pure.

use sha2::{Digest, Sha256};

use crate::hostname::Label;

/// Names of pods and revisions are made from an instance's name, so it has to be shorter than a label.
const INSTANCE_NAME_LIMIT: usize = 47;

/// The name of the record of an order, such as `default-4711-6e91882f017e`.
///
/// The API server lets one object of a name exist, so the name decides that an order is one order. The readable part alone
/// could not: `a` with `b-1` and `a-b` with `1` would meet. At most 60 characters: it is a label value too.
pub fn order_record(shop: &str, number: &str) -> String {
    // The length makes the pair unambiguous before it is hashed.
    let pair = format!("order\n{}\n{shop}\n{number}", shop.len());
    format!("{}-{}-{}", readable(shop, 20), readable(number, 24), hex(&pair, 12))
}

/// The namespace of a reseller, such as `reseller-1042`.
///
/// An id of lower-case letters and digits stands as it is; any other gets a hash, without which two resellers could meet in
/// one namespace. The two forms cannot meet either: the first has no second hyphen.
pub fn reseller_namespace(customer: &str) -> String {
    let plain = !customer.is_empty()
        && customer.len() <= 40
        && customer.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if plain {
        return format!("reseller-{customer}");
    }
    format!("reseller-{}-{}", readable(customer, 30), hex(&format!("reseller\n{customer}"), 12))
}

/// The name of the instance that gets this host name, and of its licence set.
pub fn instance(hostname: &Label) -> String {
    let label = hostname.as_str();
    if label.len() <= INSTANCE_NAME_LIMIT {
        return label.to_owned();
    }
    let head: String = label.chars().take(INSTANCE_NAME_LIMIT - 9).collect();
    format!("{}-{}", head.trim_end_matches('-'), hex(&format!("instance\n{label}"), 8))
}

/// What of a text can stand in a label: never empty, no hyphen at either end.
fn readable(text: &str, limit: usize) -> String {
    let mapped = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let cut: String = mapped.take(limit).collect();
    let trimmed = cut.trim_matches('-');
    if trimmed.is_empty() { "x".to_owned() } else { trimmed.to_owned() }
}

fn hex(text: &str, digits: usize) -> String {
    let digest = Sha256::digest(text);
    let all: String = digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|n| char::from(b"0123456789abcdef"[usize::from(n)]))
        .collect();
    all.chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_name_of_a_record_never_changes() {
        // A changed derivation would make every order in the field a new one: this value must never be edited.
        assert_eq!(order_record("default", "4711"), "default-4711-6e91882f017e");
    }

    #[rstest]
    #[case(("a", "b-1"), ("a-b", "1"))]
    #[case(("a", "B"), ("a", "b"))]
    #[case(("a\n1", "2"), ("a", "1\n2"))]
    #[case(("", "x"), ("x", ""))]
    #[case(("shop", "é"), ("shop", "è"))]
    fn two_orders_whose_readable_parts_meet_have_two_names(#[case] one: (&str, &str), #[case] other: (&str, &str)) {
        assert_ne!(order_record(one.0, one.1), order_record(other.0, other.1));
    }

    #[rstest]
    #[case("1042", "reseller-1042")]
    #[case("acme", "reseller-acme")]
    fn a_plain_id_is_readable_in_the_namespace(#[case] id: &str, #[case] namespace: &str) {
        assert_eq!(reseller_namespace(id), namespace);
    }

    #[test]
    fn no_two_resellers_meet_in_a_namespace() {
        let acme = reseller_namespace("ACME");
        let same_text = acme.trim_start_matches("reseller-").to_owned();
        let ids = ["acme", "ACME", "Acme", "a.cme", "a_cme", "a-cme", "", "x", &same_text];
        let names: std::collections::HashSet<String> = ids.iter().map(|id| reseller_namespace(id)).collect();
        assert_eq!(names.len(), ids.len());
    }

    #[test]
    fn a_host_name_too_long_for_an_instance_is_cut_and_told_apart() {
        assert_eq!(instance(&Label::parse("syunikwin").unwrap()), "syunikwin");
        let (one, other) = ("a".repeat(60) + "1", "a".repeat(60) + "2");
        let (one, other) = (instance(&Label::parse(&one).unwrap()), instance(&Label::parse(&other).unwrap()));
        assert_ne!(one, other);
        assert_eq!(one.len(), 47);
        let hyphens = Label::parse(&("a".repeat(30) + &"-".repeat(20) + "b")).unwrap();
        assert!(!instance(&hyphens).contains("--"), "{}", instance(&hyphens));
    }

    proptest! {
        #[test]
        fn every_name_is_a_label_within_the_limit(shop in "\\PC{0,80}", number in ".{0,80}") {
            let name = order_record(&shop, &number);
            prop_assert!(name.len() <= 60 && Label::parse(&name).is_ok(), "{name}");
            let namespace = reseller_namespace(&shop);
            prop_assert!(namespace.len() <= 63 && Label::parse(&namespace).is_ok(), "{namespace}");
        }
    }
}
