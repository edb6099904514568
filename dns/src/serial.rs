//! The zone's serial number: the revision of Kubernetes at which the zone last changed. Pure.
//!
//! Every write to Kubernetes, deletions included, has a revision (`resourceVersion`) greater than all before. A serial made
//! from it needs no clock and no place to store it, and servers that have seen the same writes have the same serial; see
//! `docs/adr/0020-serial-from-the-resource-version.md`.

/// The serial for a zone that last changed at this revision, moved up by `offset`.
pub fn of(revision: u64, offset: u32) -> u32 {
    // Serial arithmetic is modulo 2^32 (RFC 1982), so the cut is meant: past the largest number it goes on from zero.
    #[allow(clippy::cast_possible_truncation)]
    let serial = revision as u32;
    serial.wrapping_add(offset)
}

/// The wanted serial, or the one after `previous` where the wanted one would go back: a cluster restored from a backup counts
/// revisions anew.
pub fn after(previous: Option<u32>, wanted: u32) -> u32 {
    match previous {
        Some(previous) if !is_after(wanted, previous) => previous.wrapping_add(1),
        _ => wanted,
    }
}

/// Whether `a` comes after `b` in the arithmetic of RFC 1982, section 3.2.
pub fn is_after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_first_is_the_revision(None, 1000, 1000)]
    #[case::a_later_revision_is_taken(Some(1000), 1005, 1005)]
    #[case::a_revision_counted_anew_goes_on_from_the_serial(Some(1000), 17, 1001)]
    #[case::the_same_again_goes_on_too(Some(1000), 1000, 1001)]
    #[case::past_the_largest_number_it_goes_on(Some(u32::MAX), (1 << 32) + 7, 7)]
    #[case::even_when_nothing_else_moves(Some(u32::MAX), u64::from(u32::MAX), 0)]
    fn a_serial_never_goes_back(#[case] previous: Option<u32>, #[case] revision: u64, #[case] expected: u32) {
        let serial = after(previous, of(revision, 0));
        assert_eq!(serial, expected);
        assert!(previous.is_none_or(|previous| is_after(serial, previous)));
    }

    #[test]
    fn an_offset_moves_it_up_for_a_cluster_that_takes_over_a_zone() {
        assert_eq!(of(17, 2_026_110_100), 2_026_110_117);
    }
}
