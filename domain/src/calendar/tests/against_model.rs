//! Every month of a century, and times at random, against [`Model`].

use jiff::{SignedDuration, tz::TimeZoneDatabase};
use proptest::prelude::*;
use rstest::rstest;

use super::{
    super::*,
    model::{Model, Month, day_number, length, months, next},
};

/// A fixed zone on either side, two that change at night, those that skip or repeat a midnight, and one that steps back
/// over it.
const ZONES: [&str; 12] = [
    "UTC",
    "Etc/GMT-14",
    "Etc/GMT+12",
    "America/New_York",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/Havana",
    "Africa/Cairo",
    "America/Asuncion",
    "America/St_Johns",
    "Australia/Lord_Howe",
];

const KINDS: [ChangeKind; 2] = [ChangeKind::Decrease, ChangeKind::Unsubscribe];
const WORKING_WEEK: [bool; 7] = [true, true, true, true, true, false, false];

type Day = (i64, u8, u8);

/// The same settings, for both sides.
fn both(zone: &str, works: [bool; 7], cut_off_days: u32, holidays: &[Day]) -> (Model, BillingDocument) {
    let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let week = names.iter().zip(works).filter(|(_, works)| *works).map(|(name, _)| (*name).to_owned());
    let document = BillingDocument {
        time_zone: zone.to_owned(),
        working_week: week.collect(),
        holidays: holidays.iter().map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")).collect(),
        cut_off_working_days: cut_off_days,
        cut_off_applies_to_decrease: false,
    };
    let holidays = holidays.iter().map(|(year, month, day)| day_number((*year, *month), *day)).collect();
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    (Model { zone, works, holidays, cut_off_days }, document)
}

fn cut_off_of(calendar: &Calendar, (year, month): Month) -> Timestamp {
    calendar.cut_off(i16::try_from(year).unwrap(), i8::try_from(month).unwrap())
}

/// Requests at the start, at the cut-off and at the end of the month, and an instant before each.
fn check_month(model: &Model, calendar: &Calendar, month: Month) {
    let [start, first, second] =
        [month, next(month), next(next(month))].map(|month| Timestamp::from_second(model.month_start(month)).unwrap());
    let cut_off = Timestamp::from_second(model.cut_off(month)).unwrap();
    assert_eq!(cut_off_of(calendar, month), cut_off, "{month:?}");
    let instant = SignedDuration::from_nanos(1);
    for requested in [start, cut_off - instant, cut_off, first - instant] {
        // A cut-off before the month is no request of this month.
        if (start..first).contains(&requested) {
            let late = if requested < cut_off { first } else { second };
            assert_eq!(calendar.first_of_next_month(requested), first, "{month:?}");
            assert_eq!(calendar.effective(requested, ChangeKind::Decrease), first, "{month:?}");
            assert_eq!(calendar.effective(requested, ChangeKind::Unsubscribe), late, "{month:?}");
        }
    }
}

#[rstest]
#[case::default(WORKING_WEEK, 2)]
#[case::sunday_to_thursday([true, true, true, true, false, false, true], 2)]
#[case::wednesdays_only([false, false, true, false, false, false, false], 5)]
#[case::no_cut_off(WORKING_WEEK, 0)]
#[case::three_weeks(WORKING_WEEK, 15)]
fn every_month_of_a_century_has_the_dates_that_counting_by_hand_gives(#[case] works: [bool; 7], #[case] days: u32) {
    for zone in ZONES {
        let holidays = (2020..2030).flat_map(|year| [(year, 12, 29), (year, 10, 30), (year, 2, 28), (year, 1, 1)]);
        let (model, document) = both(zone, works, days, &holidays.collect::<Vec<_>>());
        let calendar = document.try_into().unwrap();
        for month in months(2000, 2100) {
            check_month(&model, &calendar, month);
        }
    }
}

#[test]
fn in_every_zone_each_month_of_the_last_fifty_years_begins_where_the_one_before_it_ends() {
    for zone in TimeZoneDatabase::bundled().available().filter(|name| !name.as_str().starts_with("Etc/Unknown")) {
        let (model, document) = both(zone.as_str(), WORKING_WEEK, 2, &[]);
        let calendar = Calendar::try_from(document).unwrap();
        let mut start = Timestamp::from_second(model.month_start((1975, 1))).unwrap();
        for month in months(1975, 2026) {
            let end = calendar.first_of_next_month(start);
            assert!(
                end > start && calendar.zone.to_datetime(end).date() >= first_day(next(month)),
                "{zone:?} {month:?}"
            );
            start = end;
        }
    }
}

fn first_day((year, month): Month) -> Date {
    Date::new(i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), 1).unwrap()
}

fn any_settings() -> impl Strategy<Value = (Model, Calendar)> {
    let week = any::<[bool; 7]>().prop_filter("an empty week is refused", |week| week.contains(&true));
    let holiday = (1999_i64..2040, 1_u8..=12, 1_u8..=31);
    let holidays = proptest::collection::vec(holiday, 0..200);
    let zone = proptest::sample::select(&ZONES[..]);
    (zone, week, 0_u32..=15, holidays, any::<bool>()).prop_map(|(zone, week, days, mut holidays, extended)| {
        holidays.retain(|(year, month, day)| *day <= length((*year, *month)));
        let (model, document) = both(zone, week, days, &holidays);
        let document = BillingDocument { cut_off_applies_to_decrease: extended, ..document };
        (model, document.try_into().unwrap())
    })
}

/// Anywhere, or within a day and a half of where a month begins: there the mistakes are.
fn any_request() -> impl Strategy<Value = Timestamp> {
    let month_start = (2000_i64..2040, 1_u8..=12, -130_000_i64..130_000)
        .prop_map(|(year, month, seconds)| day_number((year, month), 1) * 86_400 + seconds);
    prop_oneof![946_684_800_i64..2_208_988_800, month_start].prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    #[test]
    fn whatever_the_settings_the_cut_off_is_the_one_counted_by_hand(
        (model, calendar) in any_settings(),
        year in 2000_i64..2040,
        month in 1_u8..=12,
    ) {
        prop_assert_eq!(cut_off_of(&calendar, (year, month)).as_second(), model.cut_off((year, month)));
    }

    #[test]
    fn a_change_takes_effect_after_its_request_at_the_first_or_second_month_start(
        (model, calendar) in any_settings(),
        requested in any_request(),
    ) {
        let starts = months(1999, 2041).map(|month| Timestamp::from_second(model.month_start(month)).unwrap());
        let coming: Vec<_> = starts.filter(|start| *start > requested).take(2).collect();
        let [decrease, unsubscribe] = KINDS.map(|kind| calendar.effective(requested, kind));
        prop_assert!(coming.contains(&decrease) && coming.contains(&unsubscribe));
        prop_assert_eq!(calendar.first_of_next_month(requested), coming[0]);
        prop_assert_eq!(decrease, if calendar.cut_off_applies_to_decrease { unsubscribe } else { coming[0] });
    }

    #[test]
    fn a_later_request_never_takes_effect_earlier(
        (_, calendar) in any_settings(),
        requested in any_request(),
        seconds in 0_i64..4_000_000,
    ) {
        let later = requested + SignedDuration::from_secs(seconds);
        for kind in KINDS {
            prop_assert!(calendar.effective(requested, kind) <= calendar.effective(later, kind));
        }
    }
}
