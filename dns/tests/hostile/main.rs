//! Whatever strangers send: silence or a well-formed answer within bounds, and never a panic.
//!
//! The bounded form of `dns/fuzz`, which `make fuzz` runs for long: both hold the same properties.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its fixtures")]

mod properties;

use proptest::prelude::*;

fn cases() -> ProptestConfig {
    let cases = std::env::var("ECQX_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3000);
    ProptestConfig { cases, max_shrink_iters: 10_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_mutated_query_gets_silence_or_an_answer_within_bounds(edits in proptest::collection::vec(any::<u8>(), 1..40)) {
        properties::answers(&properties::message(&edits));
    }

    #[test]
    fn any_octets_get_silence_or_an_answer_within_bounds(octets in proptest::collection::vec(any::<u8>(), 0..700)) {
        properties::answers(&octets);
    }

    #[test]
    fn a_mutated_request_for_a_transfer_gives_nothing_away_without_the_key(edits in proptest::collection::vec(any::<u8>(), 1..40)) {
        properties::transfers(&properties::message(&edits));
    }

    #[test]
    fn a_mutated_file_of_the_zone_is_read_as_it_was_written_or_refused(edits in proptest::collection::vec(any::<u8>(), 1..40)) {
        properties::kept(&edits);
    }
}

#[test]
fn the_seeds_are_messages_as_clients_send_them() {
    let answered = (0..=255).filter(|seed| properties::answers(&properties::message(&[*seed]))).count();
    assert_eq!(answered, 256, "each gets an answer when nothing is edited");
}
