//! When the records of a name are about to change, so that resolvers keep them for a shorter time until then. Pure.
//!
//! A resolver may keep a record for its TTL. One that has asked right before a change leads calls to the old address for that
//! long; one that was told a shorter TTL looks again sooner. So the TTL is lowered as long ahead of a change as the usual one
//! lasts: by then no copy with the usual TTL is left anywhere.

use jiff::{SignedDuration, Timestamp};

/// How much earlier than the usual TTL asks for, for what lies between: the status is written, name servers take it up,
/// secondaries transfer it.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// For how long after its time a planned move may still take place: people plan to the hour.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);

/// For how long resolvers may keep the records of a name, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// As long as nothing is about to change.
    pub usual: u32,
    /// When something is; the usual one where that is shorter.
    pub short: u32,
}

impl Default for Ttl {
    fn default() -> Self {
        Self { usual: 60, short: 10 }
    }
}

impl Ttl {
    /// The one that holds now.
    pub fn at(self, is_about_to_change: bool) -> u32 {
        if is_about_to_change { self.short.min(self.usual) } else { self.usual }
    }

    /// How long ahead of a change it is lowered; not at all where that would be no lowering.
    fn ahead(self) -> Option<SignedDuration> {
        (self.short < self.usual).then(|| SignedDuration::from_secs(i64::from(self.usual)).saturating_add(MARGIN))
    }
}

/// A change of a name's records that is known ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameChange {
    /// When it is said to come.
    at: Timestamp,
    /// It does not come before.
    earliest: Timestamp,
    /// At this instant it has come, or is not to be waited for any more.
    latest: Timestamp,
}

impl NameChange {
    /// One that comes by itself at an instant, such as the end of a trial.
    pub const fn at(at: Timestamp) -> Self {
        Self { at, earliest: at, latest: at }
    }

    /// One that somebody brings about, and has said when.
    pub fn planned(at: Timestamp) -> Self {
        Self { at, earliest: at, latest: at.checked_add(TOLERANCE).unwrap_or(Timestamp::MAX) }
    }

    /// One that can come at any time, and comes at the latest at an instant.
    pub const fn until(at: Timestamp) -> Self {
        Self { at, earliest: Timestamp::MIN, latest: at }
    }
}

/// What the known changes of a name come to at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The next change, when it is so near that the TTL is lowered.
    pub near: Option<Timestamp>,
    /// When this has to be looked at again.
    pub next_look: Option<Timestamp>,
}

impl Outlook {
    /// Of these changes at `now`.
    pub fn of(changes: &[NameChange], ttl: Ttl, now: Timestamp) -> Self {
        let Some(ahead) = ttl.ahead() else { return Self::default() };
        let begin = |change: &NameChange| change.earliest.checked_sub(ahead).unwrap_or(Timestamp::MIN);
        let is_near = |change: &&NameChange| begin(change) <= now && now < change.latest;
        Self {
            near: changes.iter().filter(is_near).map(|change| change.at).min(),
            next_look: changes.iter().flat_map(|change| [begin(change), change.latest]).filter(|at| *at > now).min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-27T{text}Z").parse().unwrap()
    }

    fn outlook(changes: &[NameChange], now: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let Outlook { near, next_look } = Outlook::of(changes, Ttl { usual: 600, short: 10 }, at(now));
        (near, next_look)
    }

    #[rstest]
    #[case::long_before("10:00:00", None, Some("11:49:00"))]
    #[case::a_second_too_early("11:48:59", None, Some("11:49:00"))]
    #[case::a_usual_ttl_and_a_minute_ahead("11:49:00", Some("12:00:00"), Some("12:00:00"))]
    #[case::a_second_before("11:59:59", Some("12:00:00"), Some("12:00:00"))]
    #[case::when_it_has_come("12:00:00", None, None)]
    fn the_ttl_is_lowered_so_long_ahead_that_no_longer_one_outlives_the_change(
        #[case] now: &str,
        #[case] near: Option<&str>,
        #[case] next_look: Option<&str>,
    ) {
        assert_eq!(outlook(&[NameChange::at(at("12:00:00"))], now), (near.map(at), next_look.map(at)));
    }

    #[rstest]
    #[case("11:48:59", None, Some("11:49:00"))]
    #[case("11:49:00", Some("12:00:00"), Some("13:00:00"))]
    #[case::somebody_is_late("12:59:59", Some("12:00:00"), Some("13:00:00"))]
    #[case::given_up("13:00:00", None, None)]
    fn a_planned_move_may_be_an_hour_late(
        #[case] now: &str,
        #[case] near: Option<&str>,
        #[case] next_look: Option<&str>,
    ) {
        assert_eq!(outlook(&[NameChange::planned(at("12:00:00"))], now), (near.map(at), next_look.map(at)));
    }

    #[test]
    fn what_can_come_at_any_time_is_near_until_it_has_come() {
        let change = [NameChange::until(at("12:00:00"))];
        assert_eq!(outlook(&change, "01:00:00"), (Some(at("12:00:00")), Some(at("12:00:00"))));
        assert_eq!(outlook(&change, "12:00:00"), (None, None));
    }

    #[test]
    fn of_several_the_nearest_counts_and_none_is_overlooked() {
        let changes = [NameChange::at(at("18:00:00")), NameChange::planned(at("12:00:00"))];
        assert_eq!(outlook(&changes, "12:30:00"), (Some(at("12:00:00")), Some(at("13:00:00"))));
        assert_eq!(outlook(&changes, "14:00:00"), (None, Some(at("17:49:00"))));
        assert_eq!(outlook(&[], "14:00:00"), (None, None));
    }

    #[test]
    fn a_ttl_that_is_short_already_is_left_alone() {
        let ttl = Ttl { usual: 10, short: 10 };
        assert_eq!(Outlook::of(&[NameChange::at(at("12:00:00"))], ttl, at("11:59:59")), Outlook::default());
        assert_eq!(
            (Ttl { usual: 5, short: 10 }.at(true), Ttl::default().at(true), Ttl::default().at(false)),
            (5, 10, 60)
        );
    }

    #[test]
    fn the_ends_of_time_are_no_error() {
        for change in
            [NameChange::at(Timestamp::MIN), NameChange::planned(Timestamp::MAX), NameChange::until(Timestamp::MAX)]
        {
            let _ = Outlook::of(&[change], Ttl::default(), at("12:00:00"));
        }
    }
}
