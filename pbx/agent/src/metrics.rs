//! What Prometheus is told (`OpenMetrics`). Pure but for the counting.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pbx_contract::event::Severity;
use pbx_contract::{Limits, Usage};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::status::Status;
use crate::tally::Counted;

/// How configurations were applied since the agent's start.
#[derive(Debug, Default)]
pub struct Applying(Mutex<Applied>);

/// What [`Applying`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Applied {
    /// So many.
    pub count: u64,
    /// So long they took together, in seconds, from reading to Asterisk's answer.
    pub seconds: f64,
    /// So long the last one took.
    pub last: f64,
}

impl Applying {
    /// One more.
    pub fn took(&self, time: Duration) {
        let mut applied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        applied.count += 1;
        applied.last = time.as_secs_f64();
        applied.seconds += applied.last;
    }

    /// So far.
    pub fn read(&self) -> Applied {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that is told at one moment.
#[derive(Debug)]
pub struct Reading {
    /// What is in use; none when Asterisk cannot be asked.
    pub usage: Option<Usage>,
    /// Peaks and refusals.
    pub counted: Counted,
    /// Events by kind.
    pub events: BTreeMap<&'static str, (Severity, u64)>,
    /// How configurations were applied.
    pub applying: Applied,
    /// What holds.
    pub status: Status,
}

impl Reading {
    /// As text.
    ///
    /// # Errors
    /// When the encoder fails, which it has no reason to.
    pub fn text(self) -> Result<String, Error> {
        let mut registry = Registry::with_prefix("ecqx_pbx");
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Collector for Reading {
    fn encode(&self, mut to: DescriptorEncoder) -> Result<(), Error> {
        let to = &mut to;
        let ready = ConstGauge::new(u64::from(self.status.not_ready().is_none()));
        ready.encode(to.encode_descriptor("ready", "1 when the PBX is ready", None, MetricType::Gauge)?)?;
        if let Some(usage) = &self.usage {
            gauges(to, "usage", "What is in use", "what", figures(usage))?;
        }
        gauges(
            to,
            "peak",
            "The most that was in use at one time since the pod started",
            "what",
            figures(&self.counted.peak),
        )?;
        if let Some(applied) = &self.status.applied {
            gauges(to, "limit", "The limits in force; a flag is 0 or 1", "feature", limits(&applied.wanted.limits))?;
        }
        let refused = self.counted.refused.iter().map(|(feature, count)| (feature.as_str(), *count));
        counters(
            to,
            "refusals",
            "Refusals since the pod started, by the feature whose limit was reached",
            "feature",
            refused,
        )?;
        let severities = Severity::ALL.map(|severity| {
            let of_it = self.events.values().filter(|(own, _)| *own == severity);
            (severity.name(), of_it.map(|(_, count)| count).sum())
        });
        counters(to, "events", "System events since the agent started, by severity", "severity", severities)?;
        let kinds = self.events.iter().map(|(kind, (_, count))| (*kind, *count));
        counters(to, "events_of_kind", "System events since the agent started, by kind", "kind", kinds)?;
        let help = "How often Asterisk has ended by itself since the agent started";
        let encoder = to.encode_descriptor("asterisk_restarts", help, None, MetricType::Counter)?;
        ConstCounter::new(self.status.restarts).encode(encoder)?;
        applying(to, self.applying)
    }
}

fn applying(to: &mut DescriptorEncoder, Applied { count, seconds, last }: Applied) -> Result<(), Error> {
    let help = "Configurations that Asterisk has taken since the agent started";
    ConstCounter::new(count).encode(to.encode_descriptor("reloads", help, None, MetricType::Counter)?)?;
    let help = "What they took together, from reading the files to the answer of Asterisk";
    ConstCounter::new(seconds).encode(to.encode_descriptor("reload_seconds", help, None, MetricType::Counter)?)?;
    let encoder = to.encode_descriptor("last_reload_seconds", "What the last one took", None, MetricType::Gauge)?;
    ConstGauge::new(last).encode(encoder)
}

fn figures(usage: &Usage) -> [(&'static str, u64); 6] {
    [
        ("extensions_enabled", usage.extensions_enabled.into()),
        ("registrations", usage.extensions_registered.into()),
        ("calls", usage.active_calls.into()),
        ("recordings", usage.recordings.into()),
        ("conference_participants", usage.conference_participants.into()),
        ("consoles", usage.consoles.into()),
    ]
}

/// By the features' names in the API.
pub fn limits(limits: &Limits) -> [(&'static str, u64); 9] {
    [
        ("IpPhoneExtension", limits.ip_phone_extension.into()),
        ("CallRecording", limits.call_recording.into()),
        ("AudioConference", limits.audio_conference.into()),
        ("EqallSoftphone", limits.eqall_softphone.into()),
        ("EqallReceptionist", limits.eqall_receptionist.into()),
        ("CrmIntegration", limits.crm_integration.into()),
        ("CallCenter", limits.call_center.into()),
        ("SmsWhatsapp", limits.sms_whatsapp.into()),
        ("VmTranscription", limits.vm_transcription.into()),
    ]
}

fn gauges<'a>(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<(), Error> {
    let gauge = |value: u64, to: MetricEncoder| ConstGauge::new(value).encode(to);
    family(to.encode_descriptor(name, help, None, MetricType::Gauge)?, label, values, gauge)
}

fn counters<'a>(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<(), Error> {
    let counter = |value: u64, to: MetricEncoder| ConstCounter::new(value).encode(to);
    family(to.encode_descriptor(name, help, None, MetricType::Counter)?, label, values, counter)
}

/// A metric with one label.
fn family<'a>(
    mut encoder: MetricEncoder,
    label: &str,
    values: impl IntoIterator<Item = (&'a str, u64)>,
    encode: impl Fn(u64, MetricEncoder) -> Result<(), Error>,
) -> Result<(), Error> {
    for (name, value) in values {
        encode(value, encoder.encode_family(&[(label, name)])?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_by_name() {
        let applying = Applying::default();
        applying.took(Duration::from_millis(1500));
        let reading = Reading {
            usage: Some(Usage { active_calls: 2, ..Usage::default() }),
            counted: Counted {
                peak: Usage { recordings: 3, ..Usage::default() },
                refused: BTreeMap::from([("AudioConference".to_owned(), 5)]),
            },
            events: BTreeMap::from([("CallsCut", (Severity::Warning, 2)), ("ManagerLost", (Severity::Warning, 1))]),
            applying: applying.read(),
            status: Status { restarts: 4, ..Status::starting() },
        };
        let text = reading.text().unwrap();
        for line in [
            "ecqx_pbx_ready 0",
            "ecqx_pbx_usage{what=\"calls\"} 2",
            "ecqx_pbx_peak{what=\"recordings\"} 3",
            "ecqx_pbx_refusals_total{feature=\"AudioConference\"} 5",
            "ecqx_pbx_events_total{severity=\"Warning\"} 3",
            "ecqx_pbx_events_total{severity=\"Critical\"} 0",
            "ecqx_pbx_events_of_kind_total{kind=\"CallsCut\"} 2",
            "ecqx_pbx_asterisk_restarts_total 4",
            "ecqx_pbx_reloads_total 1",
            "ecqx_pbx_reload_seconds_total 1.5",
            "ecqx_pbx_last_reload_seconds 1.5",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in:\n{text}");
        }
    }
}
