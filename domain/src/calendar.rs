//! When a change takes effect: the months of the billing zone, working days and the cut-off (§7 of the guide). Pure.
//!
//! # Caveats
//!
//! The law may change a zone's offset, and a later build then knows it: a date is worked out once, when a request is
//! accepted, and recorded with it.
//!
//! Every function is total. Time ends where [`Timestamp`] does, in the years -9999 and 9999: what would lie beyond is
//! [`Timestamp::MIN`] or [`Timestamp::MAX`], so that there alone "the first of next month" may be the instant itself.

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

mod document;
#[cfg(test)]
mod tests;

pub use document::{BillingDocument, CalendarError};
pub(crate) use document::{time_zone, weekday};

/// What a change request asks for; an increase is an order, not a change request (§7 of the guide).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Less of a service.
    Decrease,
    /// None of it.
    Unsubscribe,
}

/// The provider's calendar, checked. It is made from a [`BillingDocument`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    /// In the order of the week, none twice, at least one.
    working_week: Vec<Weekday>,
    holidays: BTreeSet<Date>,
    cut_off_working_days: u8,
    cut_off_applies_to_decrease: bool,
}

impl Calendar {
    /// When a change that is requested at `requested_at` takes effect (§7 of the guide): on the first day of the next
    /// month, and where the cut-off holds for this kind and has passed, on the first day of the month after
    /// (**Decision**: a late request rolls over).
    ///
    /// # Guarantees
    /// It is later than the request, a start of a month, at most the second that comes, and never earlier than the
    /// effect of an earlier request of the same kind.
    pub fn effective(&self, requested_at: Timestamp, kind: ChangeKind) -> Timestamp {
        let month = self.month_of(requested_at);
        let next = self.end_of_day(month.last_of_month());
        let has_cut_off = match kind {
            ChangeKind::Decrease => self.cut_off_applies_to_decrease,
            ChangeKind::Unsubscribe => true,
        };
        if has_cut_off && requested_at >= self.cut_off_in(month) { self.first_of_next_month(next) } else { next }
    }

    /// 00:00 in the billing zone on the first day of the month after the one that `at` lies in (§7 of the guide).
    ///
    /// Where that midnight does not exist it is the first instant of the day; where it comes twice, the earlier one.
    pub fn first_of_next_month(&self, at: Timestamp) -> Timestamp {
        self.end_of_day(self.month_of(at).last_of_month())
    }

    /// The first instant that is too late for the month's cut-off: the end (24:00) of the day that lies so many working
    /// days before the last calendar day of the month (§7 of the guide, and **Decision**). With none, that is the end of the
    /// month: no cut-off.
    ///
    /// It can lie before the month begins, after enough holidays: then every request in the month is late. A month that
    /// the calendar does not have is taken for the nearest one that it has.
    pub fn cut_off(&self, year: i16, month: i8) -> Timestamp {
        let year = year.clamp(Date::MIN.year(), Date::MAX.year());
        Date::new(year, month.clamp(1, 12), 1).map_or(Timestamp::MAX, |first| self.cut_off_in(first))
    }

    /// The cut-off of the month in which `day` lies.
    fn cut_off_in(&self, day: Date) -> Timestamp {
        let mut day = day.last_of_month();
        let mut left = self.cut_off_working_days;
        while left > 0
            && let Ok(yesterday) = day.yesterday()
        {
            day = yesterday;
            left -= u8::from(self.is_working_day(day));
        }
        self.end_of_day(day)
    }

    fn is_working_day(&self, day: Date) -> bool {
        self.working_week.contains(&day.weekday()) && !self.holidays.contains(&day)
    }

    /// A day of the month that `at` lies in.
    ///
    /// Clocks that are set back shortly after midnight show the end of the old month again (St. John's, November 2009).
    /// The month that has begun goes on: otherwise a later request could take effect earlier, or before it was made.
    fn month_of(&self, at: Timestamp) -> Date {
        let today = self.zone.to_datetime(at).date();
        match today.last_of_month().tomorrow() {
            Ok(next) if self.start_of_day(next) <= at => next,
            _ => today,
        }
    }

    /// The end of a day is the start of the next: days are half-open.
    fn end_of_day(&self, day: Date) -> Timestamp {
        day.tomorrow().map_or(Timestamp::MAX, |tomorrow| self.start_of_day(tomorrow))
    }

    fn start_of_day(&self, day: Date) -> Timestamp {
        let midnight = DateTime::from(day);
        let ambiguous = self.zone.to_ambiguous_timestamp(midnight);
        let start = match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                after.to_timestamp(midnight).map(|before_gap| self.end_of_gap(before_gap, midnight))
            }
            // "Compatible" is the earlier of two.
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.compatible(),
        };
        start.unwrap_or(if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// The first instant at which clocks, having skipped `missing`, show more. Not what jiff makes of a time in a gap: that
    /// is as far after the gap as `missing` is into it, and a gap can begin before midnight (Toronto, March 1919).
    fn end_of_gap(&self, before_gap: Timestamp, missing: DateTime) -> Timestamp {
        let mut transitions = self.zone.following(before_gap).map(|transition| transition.timestamp());
        transitions.find(|instant| self.zone.to_datetime(*instant) >= missing).unwrap_or(before_gap)
    }
}
