//! Time as signatures know it: in steps that all replicas share. Pure.
//!
//! The zone is signed anew in [`STEPS`] parts, one at each tick, so that a tick costs secondaries a transfer of that part and not of
//! the whole zone. Which part a name belongs to follows from the name alone.

/// How long a tick is, in seconds.
pub const TICK: u64 = 6 * 3600;
/// In how many ticks every signature has been renewed: a week.
pub const STEPS: u8 = 28;
/// Ticks are counted from 2026-01-01T00:00:00Z (Unix seconds).
const FIRST: u64 = 1_767_225_600;
/// How much earlier than it is made a signature begins to hold, for validators whose clocks are slow, in seconds.
const SLOW_CLOCKS: u64 = 3600;
/// For how many seconds a signature holds from its tick on: a week until it is renewed, and 15 days more, so that a secondary that
/// reaches nobody gives the zone up (the SOA's expire, 14 days) before its signatures end.
const LIFE: u64 = 22 * 86_400;
/// By how much a tick moves the serial: more than there are writes to Kubernetes in a time by which replicas may lag.
const SERIALS: u32 = 1 << 16;

/// A step of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(u64);

/// From when to when a signature holds, in Unix seconds modulo 2^32 (RFC 4034, section 3.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub inception: u32,
    /// The last second.
    pub expiration: u32,
}

impl Tick {
    /// The tick at a time in Unix seconds.
    pub fn of(now: u64) -> Self {
        Self(now.saturating_sub(FIRST) / TICK)
    }

    /// When it begins, in Unix seconds.
    pub fn begins(self) -> u64 {
        FIRST + self.0 * TICK
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The first tick that begins at or after a time in Unix seconds.
    pub fn at_or_after(time: u64) -> Self {
        let tick = Self::of(time);
        if tick.begins() < time { tick.next() } else { tick }
    }

    /// What is added to the serial of the revision.
    pub fn serials(self) -> u32 {
        // Serial arithmetic is modulo 2^32 (RFC 1982), so the cut is meant.
        #[allow(clippy::cast_possible_truncation)]
        let count = self.0 as u32;
        count.wrapping_mul(SERIALS)
    }

    /// When the signatures of a part were made last, and so how long they hold.
    pub fn validity(self, part: u8) -> Validity {
        let age = (self.0 + u64::from(part)) % u64::from(STEPS);
        let begin = (FIRST + self.0 * TICK).saturating_sub(age * TICK);
        #[allow(clippy::cast_possible_truncation)] // as the form wants it
        let cut = |seconds: u64| seconds as u32;
        Validity { inception: cut(begin.saturating_sub(SLOW_CLOCKS)), expiration: cut(begin + LIFE) }
    }

    /// The part that begins anew with this tick.
    pub fn is_new(self, part: u8) -> bool {
        (self.0 + u64::from(part)).is_multiple_of(u64::from(STEPS))
    }
}

/// The part that a digest belongs to.
pub fn part(digest: &[u8]) -> u8 {
    digest.last().copied().unwrap_or_default() % STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_810_000;

    #[test]
    fn every_part_is_renewed_once_in_a_round_and_holds_longer_than_a_secondary_serves_it() {
        for part in 0..STEPS {
            let mut ticks = (0..u64::from(STEPS)).map(|n| Tick::of(NOW + n * TICK));
            assert_eq!(ticks.clone().filter(|tick| tick.is_new(part)).count(), 1);
            assert!(ticks.all(|tick| {
                let Validity { inception, expiration } = tick.validity(part);
                u64::from(inception) < tick.begins()
                    && u64::from(expiration) - tick.next().begins() >= 15 * 86_400 - TICK
            }));
        }
    }

    #[test]
    fn a_tick_raises_the_serial_and_two_replicas_in_one_tick_agree() {
        let (one, other) = (Tick::of(NOW), Tick::of(NOW + TICK));
        assert!(crate::serial::is_after(other.serials(), one.serials()));
        assert_eq!(Tick::of(one.begins()), Tick::of(one.begins() + TICK - 1));
        assert_eq!(Tick::at_or_after(one.begins()), one);
        assert_eq!(Tick::at_or_after(one.begins() + 1), one.next());
    }
}
