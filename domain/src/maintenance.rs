//! When a PBX may be replaced: weekly windows in a time zone of their own. Pure.

use jiff::{SignedDuration, Span, Timestamp, ToSpan, civil::Time, civil::Weekday, tz::TimeZone};

use crate::calendar;

/// The shortest window: within less a PBX can hardly be stopped and started.
pub const SHORTEST: SignedDuration = SignedDuration::from_mins(15);
/// The longest window.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A window that opens on some days of each week, always at the same time by the clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    days: Vec<Weekday>,
    start: Time,
    length: SignedDuration,
    zone: TimeZone,
}

/// Where an instant lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Within a window.
    Open {
        /// When it closes.
        until: Timestamp,
    },
    /// Between two.
    Closed {
        /// When the next one opens.
        opens: Timestamp,
    },
}

/// Why there can be no such window: with the field and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// No such zone.
    #[error("timeZone: {0:?} is no time zone; name one of the IANA database, such as Europe/Berlin")]
    Zone(String),
    /// No such day.
    #[error("days: {0:?} is no weekday; write it as Monday")]
    Day(String),
    /// No time of day.
    #[error("start: {0:?} is no time of day; write it as 02:30")]
    Start(String),
    /// Not a length of time that a window can have.
    #[error("duration: {0:?} is no length of a window; write it as 2h or 1h30m, from 15m to 24h")]
    Duration(String),
}

impl Window {
    /// A window on these weekdays, every day when none is named, from `start` (`02:30`) for `duration` (`1h30m`).
    ///
    /// # Errors
    /// With the field and the remedy.
    pub fn new(days: &[String], start: &str, duration: &str, zone: &str) -> Result<Self, WindowError> {
        let day = |name: &String| calendar::weekday(name).ok_or_else(|| WindowError::Day(name.clone()));
        let mut days: Vec<Weekday> = days.iter().map(day).collect::<Result<_, _>>()?;
        if days.is_empty() {
            days = Weekday::Monday.cycle_forward().take(7).collect();
        }
        let time = Time::strptime("%H:%M", start).map_err(|_| WindowError::Start(start.to_owned()))?;
        let length = length(duration).ok_or_else(|| WindowError::Duration(duration.to_owned()))?;
        let zone = calendar::time_zone(zone).ok_or_else(|| WindowError::Zone(zone.to_owned()))?;
        Ok(Self { days, start: time, length, zone })
    }

    /// Where `now` lies. A start that the clocks skip (in spring) is as much later as they skip; of one that comes twice (in
    /// autumn) the first counts. The length is time that passes, whatever the clocks show.
    pub fn at(&self, now: Timestamp) -> Position {
        let today = now.to_zoned(self.zone.clone()).date();
        // From the day before yesterday, since a window of a whole day can reach into today, to a week ahead and a day.
        for days in -2..=9 {
            let Ok(date) = today.checked_add(days.days()) else { continue };
            if !self.days.contains(&date.weekday()) {
                continue;
            }
            let Ok(opens) = date.to_datetime(self.start).to_zoned(self.zone.clone()) else { continue };
            let opens = opens.timestamp();
            let until = opens.saturating_add(self.length).unwrap_or(Timestamp::MAX);
            if opens > now {
                return Position::Closed { opens };
            }
            if now < until {
                return Position::Open { until };
            }
        }
        // At the end of time itself.
        Position::Closed { opens: Timestamp::MAX }
    }
}

fn length(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let length = SignedDuration::try_from(span).ok()?;
    (SHORTEST..=LONGEST).contains(&length).then_some(length)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(days: &[&str], start: &str, duration: &str, zone: &str) -> Window {
        let days: Vec<String> = days.iter().map(|day| (*day).to_owned()).collect();
        Window::new(&days, start, duration, zone).unwrap()
    }

    #[rstest]
    #[case::before("2026-11-28T01:59:59Z", Position::Closed { opens: at("2026-11-28T02:00:00Z") })]
    #[case::at_its_opening("2026-11-28T02:00:00Z", Position::Open { until: at("2026-11-28T04:00:00Z") })]
    #[case::at_its_last_second("2026-11-28T03:59:59Z", Position::Open { until: at("2026-11-28T04:00:00Z") })]
    #[case::at_its_close("2026-11-28T04:00:00Z", Position::Closed { opens: at("2026-12-05T02:00:00Z") })]
    fn a_window_on_saturdays_is_open_from_its_start_until_before_its_end(
        #[case] now: &str,
        #[case] expected: Position,
    ) {
        assert_eq!(window(&["Saturday"], "02:00", "2h", "UTC").at(at(now)), expected);
    }

    #[test]
    fn without_days_it_opens_every_day() {
        let every = window(&[], "23:00", "2h", "UTC");
        assert_eq!(every.at(at("2026-11-25T12:00:00Z")), Position::Closed { opens: at("2026-11-25T23:00:00Z") });
        assert_eq!(every.at(at("2026-11-26T00:30:00Z")), Position::Open { until: at("2026-11-26T01:00:00Z") });
    }

    #[test]
    fn a_window_of_a_whole_day_every_day_never_closes() {
        let always = window(&[], "00:00", "24h", "Asia/Yerevan");
        for hour in 0..48 {
            let now = at("2026-11-25T00:00:00Z") + SignedDuration::from_hours(hour);
            assert!(matches!(always.at(now), Position::Open { .. }), "{now}");
        }
    }

    // Berlin, 29 March 2026: 02:00 to 03:00 is skipped.
    #[rstest]
    #[case::before("2026-03-29T01:29:59Z", Position::Closed { opens: at("2026-03-29T01:30:00Z") })]
    #[case::a_half_past_two_that_is_skipped_is_half_past_three("2026-03-29T01:30:00Z", Position::Open { until: at("2026-03-29T02:30:00Z") })]
    #[case::an_hour_later("2026-03-29T02:30:00Z", Position::Closed { opens: at("2026-04-05T00:30:00Z") })]
    fn a_start_that_the_clocks_skip_comes_as_much_later(#[case] now: &str, #[case] expected: Position) {
        assert_eq!(window(&["Sunday"], "02:30", "1h", "Europe/Berlin").at(at(now)), expected);
    }

    // Berlin, 25 October 2026: 02:00 to 03:00 comes twice.
    #[rstest]
    #[case::the_first_half_past_two("2026-10-25T00:30:00Z", Position::Open { until: at("2026-10-25T01:30:00Z") })]
    #[case::the_second_half_past_two_is_its_end("2026-10-25T01:30:00Z", Position::Closed { opens: at("2026-11-01T01:30:00Z") })]
    fn of_a_start_that_comes_twice_the_first_counts(#[case] now: &str, #[case] expected: Position) {
        assert_eq!(window(&["Sunday"], "02:30", "1h", "Europe/Berlin").at(at(now)), expected);
    }

    #[rstest]
    #[case::spring("2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z")]
    #[case::autumn("2026-10-25T00:00:00Z", "2026-10-25T04:00:00Z")]
    fn a_window_over_a_change_of_the_clocks_lasts_as_long_as_any_other(#[case] opens: &str, #[case] closes: &str) {
        let start = at(opens).to_zoned(calendar::time_zone("Europe/Berlin").unwrap()).strftime("%H:%M").to_string();
        let over = window(&["Sunday"], &start, "4h", "Europe/Berlin");
        assert_eq!(over.at(at(opens)), Position::Open { until: at(closes) });
    }

    #[test]
    fn the_day_is_that_of_its_own_zone() {
        // Saturday 02:00 on Kiritimati (UTC+14) is Friday noon in UTC.
        let window = window(&["Saturday"], "02:00", "1h", "Pacific/Kiritimati");
        assert_eq!(window.at(at("2026-11-27T11:00:00Z")), Position::Closed { opens: at("2026-11-27T12:00:00Z") });
    }

    #[rstest]
    #[case(&["Caturday"], "02:00", "1h", "UTC", "days: \"Caturday\"")]
    #[case(&[], "25:00", "1h", "UTC", "start: \"25:00\"")]
    #[case(&[], "02:00", "14m", "UTC", "duration: \"14m\"")]
    #[case(&[], "02:00", "25h", "UTC", "duration: \"25h\"")]
    #[case(&[], "02:00", "1 month", "UTC", "duration: \"1 month\"")]
    #[case(&[], "02:00", "1h", "Mars/Olympus", "timeZone: \"Mars/Olympus\"")]
    #[case(&[], "02:00", "1h", "Etc/Unknown", "timeZone: \"Etc/Unknown\"")]
    fn a_window_that_cannot_be_is_refused_with_its_field(
        #[case] days: &[&str],
        #[case] start: &str,
        #[case] duration: &str,
        #[case] zone: &str,
        #[case] field: &str,
    ) {
        let days: Vec<String> = days.iter().map(|day| (*day).to_owned()).collect();
        let error = Window::new(&days, start, duration, zone).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
}
