//! The calendar as the provider writes it, and what can be wrong with it. Pure.

use std::collections::BTreeSet;

use jiff::{
    civil::{Date, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

use super::Calendar;

/// By name, in the order of the week.
const WEEK: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
    ("Sunday", Weekday::Sunday),
];

/// Three weeks of five days: more would leave no day of a short month in time.
const MOST_WORKING_DAYS: u8 = 15;

/// The part `billing` of the settings: the guide (§7) speaks of days and working days, and leaves open whose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BillingDocument {
    /// The time zone in which days and months begin, by its name in the IANA database.
    pub time_zone: String,
    /// The weekdays on which the provider works, by their English names.
    pub working_week: Vec<String>,
    /// Days (`YYYY-MM-DD`) of the working week on which the provider does not work.
    pub holidays: Vec<String>,
    /// How many working days before the last day of a month is the last day to unsubscribe at its end; 0: no cut-off.
    pub cut_off_working_days: u32,
    /// Whether the cut-off holds for decreasing too; the guide states it for unsubscribing only.
    pub cut_off_applies_to_decrease: bool,
}

impl Default for BillingDocument {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            working_week: WEEK[..5].iter().map(|(name, _)| (*name).to_owned()).collect(),
            holidays: Vec::new(),
            cut_off_working_days: 2,
            cut_off_applies_to_decrease: false,
        }
    }
}

/// Why a calendar cannot be: always with the field and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such zone.
    #[error("field billing.timeZone: {0:?} is no time zone; name one of the IANA database, such as Europe/Berlin")]
    UnknownZone(String),
    /// No such day.
    #[error("field billing.workingWeek: {0:?} is no weekday; known are {known}", known = WEEK.map(|(name, _)| name).join(", "))]
    UnknownWeekday(String),
    /// Without working days nothing can be counted in them.
    #[error("field billing.workingWeek: it is empty; name at least one weekday")]
    EmptyWeek,
    /// Not a date of the calendar.
    #[error("field billing.holidays: {0:?} is no date; write it as YYYY-MM-DD, such as 2026-12-25")]
    Holiday(String),
    /// So many leave no day of a short month in time.
    #[error("field billing.cutOffWorkingDays: {0} is out of range; it can be 0 to {MOST_WORKING_DAYS}")]
    CutOff(u32),
}

impl TryFrom<BillingDocument> for Calendar {
    type Error = CalendarError;

    fn try_from(document: BillingDocument) -> Result<Self, CalendarError> {
        let too_many = CalendarError::CutOff(document.cut_off_working_days);
        let cut_off_working_days = u8::try_from(document.cut_off_working_days).ok();
        Ok(Self {
            zone: time_zone(&document.time_zone).ok_or(CalendarError::UnknownZone(document.time_zone))?,
            working_week: working_week(&document.working_week)?,
            holidays: document.holidays.into_iter().map(holiday).collect::<Result<BTreeSet<_>, _>>()?,
            cut_off_working_days: cut_off_working_days.filter(|days| *days <= MOST_WORKING_DAYS).ok_or(too_many)?,
            cut_off_applies_to_decrease: document.cut_off_applies_to_decrease,
        })
    }
}

/// From the database in the program, never from the machine's files: every process has to give the same dates.
pub(crate) fn time_zone(name: &str) -> Option<TimeZone> {
    // `Etc/Unknown` is found, and would count as UTC without anybody having said so.
    TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())
}

/// A weekday by its English name.
pub(crate) fn weekday(name: &str) -> Option<Weekday> {
    WEEK.iter().find(|(known, _)| *known == name).map(|(_, weekday)| *weekday)
}

fn working_week(names: &[String]) -> Result<Vec<Weekday>, CalendarError> {
    if names.is_empty() {
        return Err(CalendarError::EmptyWeek);
    }
    if let Some(stranger) = names.iter().find(|name| WEEK.iter().all(|(known, _)| known != name)) {
        return Err(CalendarError::UnknownWeekday(stranger.clone()));
    }
    // In the order of the week, whatever the order they were written in: equal calendars have to compare equal.
    let written = WEEK.iter().filter(|(known, _)| names.iter().any(|name| name == known));
    Ok(written.map(|(_, weekday)| *weekday).collect())
}

fn holiday(text: String) -> Result<Date, CalendarError> {
    // The reader takes more than dates: a time after it, or none of the hyphens.
    text.parse::<Date>().ok().filter(|date| date.to_string() == text).ok_or(CalendarError::Holiday(text))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(json: &str) -> Result<Calendar, CalendarError> {
        serde_json::from_str::<BillingDocument>(json).unwrap().try_into()
    }

    #[test]
    fn an_empty_document_gives_the_defaults_of_the_product_rules() {
        let calendar = read("{}").unwrap();
        assert_eq!(calendar.zone, TimeZone::UTC);
        assert_eq!(calendar.working_week.len(), 5);
        assert!(
            !calendar.working_week.contains(&Weekday::Saturday) && !calendar.working_week.contains(&Weekday::Sunday)
        );
        assert_eq!(calendar.holidays, BTreeSet::new());
        assert_eq!(calendar.cut_off_working_days, 2);
        assert!(!calendar.cut_off_applies_to_decrease);
    }

    #[test]
    fn calendars_that_mean_the_same_are_equal() {
        let one = r#"{"workingWeek": ["Sunday", "Monday", "Monday"], "holidays": ["2026-12-25", "2026-01-01"]}"#;
        let other = r#"{"workingWeek": ["Monday", "Sunday"], "holidays": ["2026-01-01", "2026-12-25", "2026-12-25"]}"#;
        assert_eq!(read(one), read(other));
        assert_ne!(read(one), read("{}"));
    }

    #[rstest]
    #[case::misspelt(
        r#"{"timeZone": "Europe/Berlim"}"#,
        "billing.timeZone: \"Europe/Berlim\" is no time zone; name one"
    )]
    #[case::empty(r#"{"timeZone": ""}"#, "billing.timeZone")]
    #[case::an_offset(r#"{"timeZone": "+02:00"}"#, "billing.timeZone")]
    #[case::a_rule(r#"{"timeZone": "CET-1CEST,M3.5.0,M10.5.0/3"}"#, "billing.timeZone")]
    #[case::unknown_by_name(r#"{"timeZone": "Etc/Unknown"}"#, "billing.timeZone")]
    #[case::a_file(r#"{"timeZone": "../../etc/localtime"}"#, "billing.timeZone")]
    #[case::no_weekday(r#"{"workingWeek": ["Monday", "Mittwoch"]}"#, "billing.workingWeek: \"Mittwoch\" is no weekday")]
    #[case::no_week(r#"{"workingWeek": []}"#, "billing.workingWeek: it is empty; name at least one")]
    #[case::no_such_day(r#"{"holidays": ["2026-02-29"]}"#, "billing.holidays: \"2026-02-29\" is no date; write it as")]
    #[case::with_a_time(r#"{"holidays": ["2026-12-25T10:00"]}"#, "billing.holidays")]
    #[case::without_hyphens(r#"{"holidays": ["20261225"]}"#, "billing.holidays")]
    #[case::too_many(
        r#"{"cutOffWorkingDays": 16}"#,
        "billing.cutOffWorkingDays: 16 is out of range; it can be 0 to 15"
    )]
    #[case::far_too_many(r#"{"cutOffWorkingDays": 258}"#, "billing.cutOffWorkingDays: 258")]
    fn a_wrong_value_is_refused_with_its_field_and_the_remedy(#[case] json: &str, #[case] complaint: &str) {
        let message = read(json).unwrap_err().to_string();
        assert!(message.starts_with("field ") && message.contains(complaint), "{message}");
    }

    #[rstest]
    fn time_zones_are_known_without_any_file(
        #[values("UTC", "Etc/UTC", "Etc/GMT-14", "America/New_York", "Asia/Yerevan", "europe/berlin")] name: &str,
    ) {
        read(&format!(r#"{{"timeZone": "{name}"}}"#)).unwrap();
    }
}
