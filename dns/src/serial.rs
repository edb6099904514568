//! The zone's serial number: it follows the clock, and never goes back. Pure.

/// The serial after `previous` for a change at `now` (Unix seconds).
///
/// The clock carries the serial over restarts without a place to store it. Several changes within a second, or a clock that
/// was set back, count on from the previous serial.
pub fn next(previous: Option<u32>, now: u64) -> u32 {
    // Serial arithmetic is modulo 2^32 (RFC 1982), so the cut is meant: in 2106 the serial passes zero and goes on.
    #[allow(clippy::cast_possible_truncation)]
    let now = now as u32;
    match previous {
        Some(previous) if !is_after(now, previous) => previous.wrapping_add(1),
        _ => now,
    }
}

/// Whether `a` comes after `b` in the arithmetic of RFC 1982, section 3.2.
fn is_after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_first_is_the_clock(None, 1_790_000_000, 1_790_000_000)]
    #[case::a_later_clock_is_taken(Some(1_790_000_000), 1_790_000_005, 1_790_000_005)]
    #[case::two_in_one_second_count_on(Some(1_790_000_000), 1_790_000_000, 1_790_000_001)]
    #[case::a_clock_set_back_counts_on(Some(1_790_000_000), 1_780_000_000, 1_790_000_001)]
    #[case::past_the_largest_number_it_goes_on(Some(u32::MAX), u64::from(u32::MAX), 0)]
    #[case::and_the_clock_passes_zero_with_it(Some(u32::MAX), (1 << 32) + 7, 7)]
    fn a_serial_never_goes_back(#[case] previous: Option<u32>, #[case] now: u64, #[case] expected: u32) {
        let serial = next(previous, now);
        assert_eq!(serial, expected);
        assert!(previous.is_none_or(|previous| is_after(serial, previous)));
    }
}
