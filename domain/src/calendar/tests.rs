use jiff::ToSpan;
use rstest::rstest;

use super::{
    ChangeKind::{Decrease, Unsubscribe},
    *,
};

mod against_model;
mod model;

fn calendar(json: &str) -> Calendar {
    serde_json::from_str::<BillingDocument>(json).unwrap().try_into().unwrap()
}

fn in_zone(zone: &str) -> Calendar {
    calendar(&format!(r#"{{"timeZone": "{zone}"}}"#))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[rstest]
#[case::october_2025_ends_on_a_friday(2025, 10, "2025-10-30T00:00Z")]
#[case::november_2025_ends_on_a_sunday(2025, 11, "2025-11-28T00:00Z")]
#[case::ends_on_a_monday(2026, 8, "2026-08-28T00:00Z")]
#[case::ends_on_a_tuesday(2026, 6, "2026-06-27T00:00Z")]
#[case::ends_on_a_wednesday(2025, 12, "2025-12-30T00:00Z")]
#[case::ends_on_a_saturday(2026, 1, "2026-01-30T00:00Z")]
#[case::february_with_29_days(2028, 2, "2028-02-26T00:00Z")]
#[case::february_with_28_days(2027, 2, "2027-02-26T00:00Z")]
#[case::no_leap_year(2100, 2, "2100-02-26T00:00Z")]
fn the_cut_off_is_the_end_of_the_day_two_working_days_before_the_last(
    #[case] year: i16,
    #[case] month: i8,
    #[case] cut_off: &str,
) {
    assert_eq!(calendar("{}").cut_off(year, month), at(cut_off));
}

#[rstest]
#[case::in_time_on_the_last_day("2025-10-29T23:59:59.999999999Z", Unsubscribe, "2025-11-01T00:00Z")]
#[case::late_from_the_first_instant_after_it("2025-10-30T00:00Z", Unsubscribe, "2025-12-01T00:00Z")]
#[case::late_until_the_month_ends("2025-10-31T23:59:59.999999999Z", Unsubscribe, "2025-12-01T00:00Z")]
#[case::in_time_again_with_the_next_month("2025-11-01T00:00Z", Unsubscribe, "2025-12-01T00:00Z")]
#[case::in_time_before_a_weekend("2025-11-27T23:59:59Z", Unsubscribe, "2025-12-01T00:00Z")]
#[case::late_before_a_weekend("2025-11-28T00:00Z", Unsubscribe, "2026-01-01T00:00Z")]
#[case::late_over_the_end_of_the_year("2025-12-30T00:00Z", Unsubscribe, "2026-02-01T00:00Z")]
#[case::a_decrease_has_no_cut_off("2025-10-30T00:00Z", Decrease, "2025-11-01T00:00Z")]
#[case::a_decrease_at_the_last_instant("2025-10-31T23:59:59.999999999Z", Decrease, "2025-11-01T00:00Z")]
#[case::a_decrease_at_the_start_of_a_month("2025-11-01T00:00Z", Decrease, "2025-12-01T00:00Z")]
#[case::a_decrease_on_29_february("2028-02-29T12:00Z", Decrease, "2028-03-01T00:00Z")]
fn a_change_takes_effect_on_the_first_of_the_next_month_and_a_late_one_rolls_over(
    #[case] requested: &str,
    #[case] kind: ChangeKind,
    #[case] effective: &str,
) {
    assert_eq!(calendar("{}").effective(at(requested), kind), at(effective));
}

#[test]
fn a_setting_extends_the_cut_off_to_decreases() {
    let calendar = calendar(r#"{"cutOffAppliesToDecrease": true}"#);
    assert_eq!(calendar.effective(at("2025-10-29T23:59:59Z"), Decrease), at("2025-11-01T00:00Z"));
    assert_eq!(calendar.effective(at("2025-10-30T00:00Z"), Decrease), at("2025-12-01T00:00Z"));
}

#[rstest]
#[case::the_day_it_would_be(r#"{"holidays": ["2025-10-29"]}"#, "2025-10-29T00:00Z")]
#[case::a_day_that_is_counted(r#"{"holidays": ["2025-10-30"]}"#, "2025-10-29T00:00Z")]
#[case::both(r#"{"holidays": ["2025-10-30", "2025-10-29"]}"#, "2025-10-28T00:00Z")]
#[case::not_the_last_day_itself(r#"{"holidays": ["2025-10-31"]}"#, "2025-10-30T00:00Z")]
#[case::not_an_earlier_day(r#"{"holidays": ["2025-10-28"]}"#, "2025-10-30T00:00Z")]
#[case::not_a_weekend(r#"{"holidays": ["2025-10-26"]}"#, "2025-10-30T00:00Z")]
#[case::not_another_year(r#"{"holidays": ["2026-10-29"]}"#, "2025-10-30T00:00Z")]
#[case::sunday_to_thursday(
    r#"{"workingWeek": ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday"]}"#,
    "2025-10-30T00:00Z"
)]
#[case::saturday_only(r#"{"workingWeek": ["Saturday"]}"#, "2025-10-19T00:00Z")]
#[case::one_day(r#"{"cutOffWorkingDays": 1}"#, "2025-10-31T00:00Z")]
#[case::none_is_no_cut_off(r#"{"cutOffWorkingDays": 0}"#, "2025-11-01T00:00Z")]
#[case::the_most(r#"{"cutOffWorkingDays": 15}"#, "2025-10-11T00:00Z")]
fn settings_move_the_cut_off_of_october_2025(#[case] settings: &str, #[case] cut_off: &str) {
    assert_eq!(calendar(settings).cut_off(2025, 10), at(cut_off));
}

#[test]
fn with_a_working_week_from_sunday_the_cut_off_of_november_2025_is_on_wednesday() {
    let calendar = calendar(r#"{"workingWeek": ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday"]}"#);
    // The last day is Sunday 30: Thursday 27 and Wednesday 26 are the working days before it.
    assert_eq!(calendar.cut_off(2025, 11), at("2025-11-27T00:00Z"));
}

#[test]
fn without_a_working_day_in_it_a_whole_month_is_late() {
    let calendar = calendar(r#"{"workingWeek": ["Monday"], "cutOffWorkingDays": 5}"#);
    assert_eq!(calendar.cut_off(2025, 11), at("2025-10-28T00:00Z"));
    assert_eq!(calendar.effective(at("2025-11-01T00:00Z"), Unsubscribe), at("2026-01-01T00:00Z"));
    assert_eq!(calendar.effective(at("2025-11-01T00:00Z"), Decrease), at("2025-12-01T00:00Z"));
}

#[rstest]
#[case::far_east("Etc/GMT-14", "2025-10-29T10:00Z", "2025-10-31T10:00Z")]
#[case::far_west("Etc/GMT+12", "2025-10-30T12:00Z", "2025-11-01T12:00Z")]
#[case::after_the_end_of_summer_time("Europe/Berlin", "2025-10-29T23:00Z", "2025-10-31T23:00Z")]
#[case::before_the_end_of_summer_time("America/New_York", "2025-10-30T04:00Z", "2025-11-01T04:00Z")]
fn days_and_months_are_those_of_the_billing_zone(#[case] zone: &str, #[case] cut_off: &str, #[case] month: &str) {
    let (calendar, cut_off, month) = (in_zone(zone), at(cut_off), at(month));
    assert_eq!(calendar.cut_off(2025, 10), cut_off);
    assert_eq!(calendar.effective(cut_off - 1.nanosecond(), Unsubscribe), month);
    assert_eq!(calendar.first_of_next_month(month - 1.nanosecond()), month);
    assert!(calendar.first_of_next_month(month) > month);
}

#[rstest]
#[case::skipped_at_midnight("America/Havana", "2001-03-20T00:00Z", "2001-04-01T01:00-04:00")]
#[case::skipped_in_asuncion("America/Asuncion", "2023-09-20T00:00Z", "2023-10-01T01:00-03:00")]
#[case::twice("America/Havana", "2026-10-20T00:00Z", "2026-11-01T00:00-04:00")]
#[case::a_whole_day_skipped_before("Pacific/Kiritimati", "1994-12-20T00:00Z", "1995-01-01T00:00+14:00")]
fn a_month_begins_at_the_first_instant_of_its_first_day(#[case] zone: &str, #[case] day: &str, #[case] start: &str) {
    assert_eq!(in_zone(zone).first_of_next_month(at(day)), at(start));
}

#[test]
fn a_day_whose_midnight_lies_within_a_gap_begins_where_the_gap_ends() {
    let toronto = in_zone("America/Toronto");
    assert_eq!(toronto.start_of_day(jiff::civil::date(1919, 3, 31)), at("1919-03-31T00:30-04:00"));
}

#[test]
fn a_month_that_has_begun_goes_on_though_clocks_show_the_old_one_again() {
    let st_johns = in_zone("America/St_Johns");
    let (november, december) = (at("2009-11-01T00:00-02:30"), at("2009-12-01T00:00-03:30"));
    assert_eq!(st_johns.first_of_next_month(november - 1.nanosecond()), november);
    // 00:00:30, then half past eleven in October for the second time, then midnight for the second time.
    for requested in ["2009-11-01T00:00:30-02:30", "2009-10-31T23:30-03:30", "2009-11-01T00:00-03:30"] {
        assert_eq!(st_johns.first_of_next_month(at(requested)), december, "{requested}");
        assert_eq!(st_johns.effective(at(requested), Unsubscribe), december, "{requested}");
    }
}

#[rstest]
fn at_the_ends_of_time_dates_stop_instead_of_failing(
    #[values("UTC", "Etc/GMT-14", "Etc/GMT+12", "America/New_York", "Africa/Cairo")] zone: &str,
    #[values(0, 2, 15)] days: u8,
) {
    let calendar = calendar(&format!(r#"{{"timeZone": "{zone}", "cutOffWorkingDays": {days}}}"#));
    for kind in [Decrease, Unsubscribe] {
        assert_eq!(calendar.effective(Timestamp::MAX, kind), Timestamp::MAX);
        let first = calendar.effective(Timestamp::MIN, kind);
        assert!(calendar.zone.to_datetime(first).date() == jiff::civil::date(-9999, 2, 1), "{first}");
    }
    assert_eq!(calendar.cut_off(i16::MAX, i8::MAX), calendar.cut_off(9999, 12));
    assert_eq!(calendar.cut_off(i16::MIN, i8::MIN), calendar.cut_off(-9999, 1));
    assert!(calendar.cut_off(-9999, 1) < calendar.cut_off(-9999, 2));
}

#[test]
fn counting_back_over_the_first_day_of_time_stops_there() {
    let calendar = calendar(r#"{"workingWeek": ["Monday"], "cutOffWorkingDays": 15}"#);
    assert_eq!(calendar.cut_off(-9999, 1), Timestamp::MIN);
}
