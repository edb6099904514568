//! System events: what a monitoring service is told. One catalogue of kinds, each with its payload, severity, text, and what to do.
//! No I/O.
//!
//! The PBX tells its own at `GET /v1/events`. What other components see stands in the catalogue too, with the place where they show
//! it, so that one list has all that can be told of an ecQX. `docs/events.md` is written from it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use catalogue::{KINDS, SystemEvent};

mod catalogue;
mod markdown;

pub use markdown::catalogue as catalogue_in_markdown;

/// The longest text that is kept of what somebody wrote, in characters.
const PLAIN_MAX: usize = 160;

/// One event, as it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its number: each one's is higher than those before it, as long as the volume lives.
    pub seq: u64,
    /// When, in UTC (RFC 3339).
    pub at: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in words.
    pub text: String,
    /// What happened, for programs.
    #[serde(flatten)]
    pub event: SystemEvent,
}

/// What `GET /v1/events` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsPage {
    /// The oldest first.
    pub events: Vec<Event>,
    /// To be given as `after` for those that come next.
    pub next: u64,
    /// The number of the oldest one that is kept. One below it that was asked for has been dropped.
    pub oldest: u64,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// All is well.
    Info,
    /// Somebody was refused something, or something will go wrong.
    Warning,
    /// Something does not work.
    Error,
    /// The PBX does not work.
    Critical,
}

/// Who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Raiser {
    /// The agent in the pod, at `GET /v1/events`.
    Pbx,
    /// The operator.
    Operator,
    /// The name server.
    Dns,
    /// The bridge to the shop.
    Bridge,
}

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// Its name, as in an event's `kind`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Who sees it.
    pub raiser: Raiser,
    /// Where it is shown.
    pub shown: &'static str,
    /// The text, with the payload's fields in braces.
    pub text: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl Severity {
    /// All, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Warning => "Warning",
            Self::Error => "Error",
            Self::Critical => "Critical",
        }
    }
}

/// Text that somebody wrote, made fit for one line: control characters and those that hide or reorder text become spaces, and what is
/// too long is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String")]
pub struct Plain(String);

impl Plain {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str>> From<T> for Plain {
    fn from(text: T) -> Self {
        let shown = |c: char| if c.is_control() || is_hidden(c) { ' ' } else { c };
        Self(text.as_ref().chars().take(PLAIN_MAX).map(shown).collect())
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl SystemEvent {
    /// The feature, named as in the API, for a limit of which somebody was refused, where that alone tells it.
    pub const fn refuses(&self) -> Option<&'static str> {
        match self {
            Self::RegistrationRefusedDisabled { .. } | Self::CallRefusedDisabled { .. } => Some("IpPhoneExtension"),
            Self::SubscriptionRefused { .. } => Some("EqallReceptionist"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_over_70_kinds_and_no_name_is_there_twice() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(KINDS.len() > 70, "{}", KINDS.len());
    }

    #[test]
    fn each_kind_says_what_happened_and_what_to_do_in_a_sentence() {
        for kind in &KINDS {
            for sentence in [kind.text, kind.remedy] {
                assert!(
                    sentence.ends_with('.') && sentence.starts_with(|c: char| c.is_uppercase() || c == '{'),
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn an_event_reads_back_and_its_text_has_its_payload() {
        let event =
            SystemEvent::RegistrationRefusedPassword { extension: "101".into(), source: "192.0.2.7".parse().unwrap() };
        let whole = Event {
            seq: 7,
            at: "2026-11-27T20:19:23.000Z".into(),
            severity: event.kind().severity,
            text: event.text(),
            event,
        };
        let json = serde_json::to_string(&whole).unwrap();
        assert!(
            json.contains(r#""kind":"RegistrationRefusedPassword","data":{"extension":"101","source":"192.0.2.7"}"#),
            "{json}"
        );
        assert!(whole.text.contains("101") && whole.text.contains("192.0.2.7"));
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), whole);
    }

    #[test]
    fn what_somebody_wrote_is_one_line_and_not_long() {
        assert_eq!(Plain::from("a\r\nb\u{202e}c\u{1b}[1m").as_str(), "a  b c [1m");
        assert_eq!(Plain::from("x".repeat(9999)).as_str().len(), PLAIN_MAX);
        assert_eq!(serde_json::from_str::<Plain>(r#""a\nb""#).unwrap().as_str(), "a b");
    }
}
