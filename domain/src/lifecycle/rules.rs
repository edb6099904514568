//! The provider's decisions on trials, suspension and retention, checked. Pure.

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Serialize};

use crate::trial::Scope;

/// The longest that any of these times may be: ten years. What is longer is a mistake.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3660);

/// The lifecycle part of the settings document. Times are written as `30d`, `4h` or `1d 12h`; a day is 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LifecycleDocument {
    /// Trials (§6 of the guide).
    pub trial: TrialDocument,
    /// Suspension.
    pub suspension: SuspensionDocument,
    /// What is kept after the end.
    pub retention: RetentionDocument,
}

/// Trials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TrialDocument {
    /// How long a trial lasts.
    pub length: String,
    /// How long before its end the reseller is reminded.
    pub reminders: Vec<String>,
    /// Who can have one trial of each service: a reseller, or each company of a reseller.
    pub scope: Scope,
}

/// Suspension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SuspensionDocument {
    /// How long a payment may be overdue.
    pub grace: String,
    /// How long calls in progress may go on.
    pub drain_deadline: String,
}

/// What is kept after the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RetentionDocument {
    /// For how long data is kept, and a trial can still be converted.
    pub data: String,
    /// Whether data is deleted after that.
    pub delete_data: bool,
    /// How long before a deletion it is shown.
    pub deletion_notice: String,
    /// For how long the name is reserved.
    pub name: String,
}

impl Default for TrialDocument {
    fn default() -> Self {
        let reminders = ["7d", "3d", "1d"].map(str::to_owned).into();
        Self { length: "30d".to_owned(), reminders, scope: Scope::default() }
    }
}

impl Default for SuspensionDocument {
    fn default() -> Self {
        Self { grace: "7d".to_owned(), drain_deadline: "4h".to_owned() }
    }
}

impl Default for RetentionDocument {
    fn default() -> Self {
        Self { data: "30d".to_owned(), delete_data: false, deletion_notice: "7d".to_owned(), name: "90d".to_owned() }
    }
}

/// The decisions, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleRules {
    /// How long a trial lasts.
    pub trial: SignedDuration,
    /// How long before its end the reseller is reminded, the longest first, none twice.
    pub reminders: Vec<SignedDuration>,
    /// Who can have one trial of each service.
    pub trial_scope: Scope,
    /// How long a payment may be overdue.
    pub grace: SignedDuration,
    /// How long calls in progress may go on.
    pub drain_deadline: SignedDuration,
    /// For how long data is kept, and a trial can still be converted.
    pub retention: SignedDuration,
    /// Whether data is deleted after that.
    pub delete_data: bool,
    /// How long before a deletion it is shown.
    pub deletion_notice: SignedDuration,
    /// For how long the name is reserved after the end.
    pub name_reservation: SignedDuration,
}

/// Why the decisions are refused: with the field and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// No length of time.
    #[error("field {field}: {text:?} is no length of time: {source}; write it as 30d, 4h or 1d 12h")]
    Duration {
        /// Which.
        field: String,
        /// As it was written.
        text: String,
        /// What the reader found.
        source: jiff::Error,
    },
    /// Negative, or longer than anybody can mean.
    #[error("field {field}: {text:?} is out of range: it must be from {least} to 3660d")]
    Range {
        /// Which.
        field: String,
        /// As it was written.
        text: String,
        /// The least that is possible.
        least: &'static str,
    },
    /// A trial that is converted keeps its name.
    #[error(
        "field lifecycle.retention.name: {name:?} is shorter than lifecycle.retention.data, {data:?}: a trial can be converted for as long as its data is kept, and keeps its name"
    )]
    NameBeforeData {
        /// As it was written.
        name: String,
        /// As it was written.
        data: String,
    },
    /// A reminder that would come before the trial.
    #[error("field lifecycle.trial.reminders: {text:?} is not shorter than the trial itself, which lasts {length}")]
    Reminder {
        /// As it was written.
        text: String,
        /// The trial's length, as it was written.
        length: String,
    },
}

impl TryFrom<LifecycleDocument> for LifecycleRules {
    type Error = LifecycleError;

    fn try_from(document: LifecycleDocument) -> Result<Self, LifecycleError> {
        let LifecycleDocument { trial, suspension, retention } = document;
        let length = positive("lifecycle.trial.length", &trial.length)?;
        let data = duration("lifecycle.retention.data", &retention.data)?;
        let name = duration("lifecycle.retention.name", &retention.name)?;
        if name < data {
            return Err(LifecycleError::NameBeforeData { name: retention.name, data: retention.data });
        }
        Ok(Self {
            reminders: reminders(&trial, length)?,
            trial: length,
            trial_scope: trial.scope,
            grace: duration("lifecycle.suspension.grace", &suspension.grace)?,
            drain_deadline: duration("lifecycle.suspension.drainDeadline", &suspension.drain_deadline)?,
            retention: data,
            delete_data: retention.delete_data,
            deletion_notice: duration("lifecycle.retention.deletionNotice", &retention.deletion_notice)?,
            name_reservation: name,
        })
    }
}

fn reminders(trial: &TrialDocument, length: SignedDuration) -> Result<Vec<SignedDuration>, LifecycleError> {
    let mut all = Vec::new();
    for text in &trial.reminders {
        let ahead = positive("lifecycle.trial.reminders", text)?;
        if ahead >= length {
            return Err(LifecycleError::Reminder { text: text.clone(), length: trial.length.clone() });
        }
        all.push(ahead);
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    Ok(all)
}

/// A length of time, a day being 24 hours.
pub(crate) fn duration(field: &str, text: &str) -> Result<SignedDuration, LifecycleError> {
    let wrong = |source| LifecycleError::Duration { field: field.to_owned(), text: text.to_owned(), source };
    let span: Span = text.parse().map_err(wrong)?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(wrong)?;
    within(field, text, length, SignedDuration::ZERO, "0s")
}

/// A length of time of a second at least.
fn positive(field: &str, text: &str) -> Result<SignedDuration, LifecycleError> {
    within(field, text, duration(field, text)?, SignedDuration::from_secs(1), "1s")
}

fn within(
    field: &str,
    text: &str,
    length: SignedDuration,
    shortest: SignedDuration,
    least: &'static str,
) -> Result<SignedDuration, LifecycleError> {
    if (shortest..=LONGEST).contains(&length) {
        return Ok(length);
    }
    Err(LifecycleError::Range { field: field.to_owned(), text: text.to_owned(), least })
}
