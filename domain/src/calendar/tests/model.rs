//! The same rules once more, naively: days are counted from 1970 by hand, and the only thing asked of a time zone is its
//! offset at an instant. Nothing of the code under test is used.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};

const DAY: i64 = 86_400;

#[derive(Debug)]
pub struct Model {
    pub zone: TimeZone,
    /// Monday first.
    pub works: [bool; 7],
    /// Days since 1970-01-01.
    pub holidays: BTreeSet<i64>,
    pub cut_off_days: u32,
}

/// A year and a month of it, 1 to 12.
pub type Month = (i64, u8);

pub fn months(from: i64, to: i64) -> impl Iterator<Item = Month> {
    (from..=to).flat_map(|year| (1..=12).map(move |month| (year, month)))
}

pub fn next(month: Month) -> Month {
    if month.1 == 12 { (month.0 + 1, 1) } else { (month.0, month.1 + 1) }
}

pub fn length((year, month): Month) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the day; from 1970 on only.
pub fn day_number(month: Month, day: u8) -> i64 {
    // A year without its February has 337 days.
    let years = (1970..month.0).map(|year| 337 + i64::from(length((year, 2))));
    let months = (1..month.1).map(|earlier| i64::from(length((month.0, earlier))));
    years.sum::<i64>() + months.sum::<i64>() + i64::from(day) - 1
}

impl Model {
    fn clock(&self, instant: i64) -> i64 {
        instant + i64::from(self.zone.to_offset(Timestamp::from_second(instant).unwrap()).seconds())
    }

    /// The first instant at which clocks show 00:00 of the day, or else the first at which they show anything later.
    pub fn start_of_day(&self, number: i64) -> i64 {
        let midnight = number * DAY;
        let around = || midnight - 36 * 3600..=midnight + 36 * 3600;
        let offsets = around().step_by(6 * 3600).map(|instant| self.clock(instant) - instant);
        let exact = offsets.map(|offset| midnight - offset).filter(|instant| self.clock(*instant) == midnight);
        exact.min().or_else(|| around().step_by(60).find(|instant| self.clock(*instant) > midnight)).unwrap()
    }

    pub fn month_start(&self, month: Month) -> i64 {
        self.start_of_day(day_number(month, 1))
    }

    fn works_on(&self, number: i64) -> bool {
        // 1970-01-01 was a Thursday.
        let weekday = usize::try_from((number + 3) % 7).unwrap();
        self.works[weekday] && !self.holidays.contains(&number)
    }

    pub fn cut_off(&self, month: Month) -> i64 {
        let mut number = day_number(month, length(month));
        for _ in 0..self.cut_off_days {
            number -= 1;
            while !self.works_on(number) {
                number -= 1;
            }
        }
        self.start_of_day(number + 1)
    }
}
