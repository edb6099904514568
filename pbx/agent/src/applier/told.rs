//! What is told of configurations: each change once. Pure but for the events that it raises.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use pbx_contract::ContractError;
use pbx_contract::event::SystemEvent;

use super::ApplyError;
use crate::events::Events;
use crate::metrics::limits;
use crate::source::SourceError;
use crate::wanted::{Unfit, Wanted};

/// From so many days before its end on, a certificate that was not renewed is told of, once a day.
const SOON: i64 = 14;
const DAY: i64 = 24 * 3600;

/// What was told so far.
#[derive(Debug)]
pub(super) struct Told {
    events: Events,
    problem: Option<String>,
    wanted: Option<Wanted>,
    until: Option<Timestamp>,
    fault: Option<String>,
    /// The days that were left when that was told last.
    days: Option<i64>,
}

impl Told {
    pub(super) fn new(events: Events) -> Self {
        Self { events, problem: None, wanted: None, until: None, fault: None, days: None }
    }

    pub(super) fn booted(&mut self, took: Duration) {
        self.events.raise(SystemEvent::AsteriskStarted { milliseconds: milliseconds(took) });
    }

    /// How a round ended. A problem that has been told is not told again while it lasts.
    pub(super) fn outcome(&mut self, outcome: &Result<(), ApplyError>) {
        match outcome {
            Ok(()) => {
                if self.problem.take().is_some() {
                    let generation = self.wanted.as_ref().map(|wanted| wanted.generation.as_str()).unwrap_or_default();
                    self.events.raise(SystemEvent::ConfigurationRecovered { generation: generation.into() });
                }
            }
            Err(error) => {
                let (event, text) = (event_of(error), error.to_string());
                if let (Some(event), true) = (event, self.problem.as_ref() != Some(&text)) {
                    self.problem = Some(text);
                    self.events.raise(event);
                }
            }
        }
    }

    /// Asterisk has confirmed this.
    pub(super) fn applied(&mut self, wanted: &Wanted, took: Duration) {
        let generation = wanted.generation.as_str().into();
        self.events.raise(SystemEvent::LimitsApplied { generation, milliseconds: milliseconds(took) });
        for event in self.wanted.as_ref().map(|before| changes(before, wanted)).unwrap_or_default() {
            self.events.raise(event);
        }
        self.wanted = Some(wanted.clone());
    }

    /// What is mounted, at each look.
    pub(super) fn certificate(&mut self, wanted: &Wanted, now: Timestamp) {
        if self.fault != wanted.certificate_fault {
            self.fault.clone_from(&wanted.certificate_fault);
            if let Some(reason) = &self.fault {
                self.events.raise(SystemEvent::CertificateRefused { reason: reason.into() });
            }
        }
        let until = wanted.certificate.as_ref().map(|certificate| certificate.until);
        let before = std::mem::replace(&mut self.until, until);
        match (before, until) {
            (None, Some(until)) => self.events.raise(SystemEvent::CertificateTaken { until: until.to_string().into() }),
            (Some(before), Some(until)) if before != until => {
                self.events.raise(SystemEvent::CertificateRenewed { until: until.to_string().into() });
            }
            (Some(_), None) => self.events.raise(SystemEvent::CertificateRemoved {}),
            _ => {}
        }
        self.ending(now);
    }

    fn ending(&mut self, now: Timestamp) {
        let left = self.until.map(|until| (until, (until.as_second() - now.as_second()).div_euclid(DAY)));
        let soon = left.filter(|(_, days)| *days < SOON);
        let days = soon.map(|(_, days)| days.max(-1));
        if let (Some((until, days)), true) = (soon, self.days != days) {
            let until = until.to_string().into();
            self.events.raise(match days {
                ..0 => SystemEvent::CertificateExpired { until },
                _ => SystemEvent::CertificateExpiring { days, until },
            });
        }
        self.days = days;
    }
}

/// What has changed for people.
fn changes(before: &Wanted, now: &Wanted) -> Vec<SystemEvent> {
    let mut events = Vec::new();
    for ((feature, from), (_, to)) in limits(&before.limits).into_iter().zip(limits(&now.limits)) {
        let feature = feature.into();
        events.extend(match from.cmp(&to) {
            Ordering::Less => Some(SystemEvent::LimitRaised { feature, from, to }),
            Ordering::Greater => Some(SystemEvent::LimitLowered { feature, from, to }),
            Ordering::Equal => None,
        });
    }
    let (were, are) = (before.enabled(), now.enabled());
    let count = |list: &[&str]| u32::try_from(list.len()).unwrap_or(u32::MAX);
    let new: Vec<&str> = are.difference(&were).copied().collect();
    if let [first, ..] = new[..] {
        events.push(SystemEvent::ExtensionsEnabled { count: count(&new), first: first.into() });
    }
    let gone: Vec<&str> = were.difference(&are).copied().collect();
    if let [first, ..] = gone[..] {
        events.push(SystemEvent::ExtensionsDisabled { count: count(&gone), first: first.into() });
    }
    let generation = now.generation.as_str().into();
    match (before.suspended, now.suspended) {
        (false, true) => events.push(SystemEvent::ServiceSuspended { generation }),
        (true, false) => events.push(SystemEvent::ServiceResumed { generation }),
        _ => {}
    }
    events
}

/// What a failure is for those who look after PBXs; none, where another event says it.
fn event_of(error: &ApplyError) -> Option<SystemEvent> {
    let reason = error.to_string().into();
    Some(match error {
        ApplyError::Source(SourceError::Contract(error) | SourceError::Unfit(Unfit::Pair(error))) => contract(error),
        ApplyError::Source(SourceError::Read { .. }) => SystemEvent::ConfigurationMissing { reason },
        ApplyError::Source(SourceError::Unfit(unfit)) => match unfit {
            Unfit::Password(number) => SystemEvent::SecretMissing { key: number.into() },
            Unfit::NoPin(key) | Unfit::Pin(key) => SystemEvent::SecretMissing { key: key.into() },
            _ => SystemEvent::ConfigurationUnfit { reason },
        },
        ApplyError::NotTaken { what, generation } => {
            SystemEvent::ConfigurationNotTaken { part: (*what).into(), generation: generation.into() }
        }
        ApplyError::Write(_) => SystemEvent::ConfigurationUnfit { reason },
        // It has ended, or is silent: that is told by itself.
        ApplyError::Control(_) | ApplyError::Cut(_) => return None,
    })
}

fn contract(error: &ContractError) -> SystemEvent {
    let reason = error.to_string().into();
    match error {
        ContractError::Schema { file, found } => SystemEvent::ConfigurationVersionUnknown {
            file: (*file).into(),
            found: *found,
            known: pbx_contract::SCHEMA,
        },
        ContractError::Json { file, .. } | ContractError::Generation { file, .. } => {
            SystemEvent::ConfigurationDamaged { file: (*file).into(), reason }
        }
        ContractError::Pair { .. } => SystemEvent::ConfigurationDamaged { file: "limits.json".into(), reason },
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;
    use crate::wanted::fixtures::{self, limits as files, passwords};

    fn wanted(enabled: u32) -> Wanted {
        fixtures::wanted(&files(&[("101", None), ("102", None)], enabled), &passwords(&["101", "102"])).unwrap()
    }

    fn kinds(events: &Events) -> Vec<&'static str> {
        events.page(0, 1000).events.iter().map(|event| event.event.kind().name).collect()
    }

    #[test]
    fn a_change_of_limits_is_told_by_feature_and_by_extension() {
        let events = Events::in_memory();
        let mut told = Told::new(events.clone());
        let suspended = Wanted { suspended: true, ..wanted(1) };
        for wanted in [&wanted(2), &wanted(1), &suspended, &wanted(2)] {
            told.applied(wanted, Duration::ZERO);
        }
        let wanted = [
            "LimitsApplied",
            "LimitsApplied",
            "LimitLowered",
            "ExtensionsDisabled",
            "LimitsApplied",
            "ServiceSuspended",
            "LimitsApplied",
            "LimitRaised",
            "ExtensionsEnabled",
            "ServiceResumed",
        ];
        assert_eq!(kinds(&events), wanted);
    }

    #[test]
    fn a_problem_is_told_once_and_its_end_too() {
        let events = Events::in_memory();
        let mut told = Told::new(events.clone());
        let schema = || ContractError::Schema { file: "limits.json", found: 7 };
        let failed = |error| Err(ApplyError::Source(SourceError::Contract(error)));
        let missing = || Err(ApplyError::Source(SourceError::Unfit(Unfit::Password("101".into()))));
        for outcome in [failed(schema()), failed(schema()), missing(), Ok(()), Ok(())] {
            told.outcome(&outcome);
        }
        assert_eq!(kinds(&events), ["ConfigurationVersionUnknown", "SecretMissing", "ConfigurationRecovered"]);
    }

    #[test]
    fn a_certificates_end_is_told_once_a_day() {
        let events = Events::in_memory();
        let mut told = Told::new(events.clone());
        let certificate = |until: &str| {
            let until = until.parse().unwrap();
            Wanted {
                certificate: Some(Certificate { chain: String::new(), key: String::new(), until }),
                ..Wanted::nothing()
            }
        };
        let first = certificate("2026-12-10T00:00:00Z");
        for now in [
            "2026-11-01T00:00:00Z",
            "2026-12-01T00:30:00Z",
            "2026-12-01T01:30:00Z",
            "2026-12-02T01:00:00Z",
            "2026-12-10T00:00:01Z",
            "2026-12-12T00:00:01Z",
        ] {
            told.certificate(&first, now.parse().unwrap());
        }
        let now = "2026-12-12T00:00:02Z".parse().unwrap();
        told.certificate(&certificate("2027-12-10T00:00:00Z"), now);
        let fault = Wanted { certificate_fault: Some("no pair".into()), ..certificate("2027-12-10T00:00:00Z") };
        told.certificate(&fault, now);
        told.certificate(&fault, now);
        told.certificate(&Wanted::nothing(), now);
        let wanted = [
            "CertificateTaken",
            "CertificateExpiring",
            "CertificateExpiring",
            "CertificateExpired",
            "CertificateRenewed",
            "CertificateRefused",
            "CertificateRemoved",
        ];
        assert_eq!(kinds(&events), wanted);
    }
}
