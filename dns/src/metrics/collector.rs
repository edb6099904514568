//! Adds up what the threads counted, when somebody asks. Pure.

use std::{
    fmt::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::{BOUNDS, CODES, CONNECTIONS, Counts, KINDS, OUTCOMES, State, unix_now};
use crate::zone::Zone;

/// The counts of all threads, and the zone as it is now.
#[derive(Debug)]
pub struct Totals {
    pub parts: Vec<Arc<Counts>>,
    pub state: Arc<State>,
    pub zone: Option<Arc<Zone>>,
}

impl Collector for Totals {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let kinds = KINDS.iter().map(|(_, name)| *name).chain(["other"]).enumerate();
        let kinds = kinds.map(|(at, name)| (name, self.sum(|part| &part.by_kind[at])));
        family(&mut encoder, "queries", "Queries, by type", "type", kinds)?;
        let codes = CODES.iter().enumerate().map(|(at, name)| (*name, self.sum(|part| &part.by_code[at])));
        family(&mut encoder, "responses", "Answers that were sent, by response code", "code", codes)?;
        let verdicts = [("dropped", self.sum(|part| &part.dropped)), ("slipped", self.sum(|part| &part.slipped))];
        family(&mut encoder, "rate_limited", "Answers beyond a network's rate", "verdict", verdicts)?;
        let silent = [("not_a_query", self.sum(|part| &part.silent))];
        family(&mut encoder, "silences", "Messages without an answer", "reason", silent)?;
        let connections =
            CONNECTIONS.iter().enumerate().map(|(at, name)| (*name, self.sum(|part| &part.connections[at])));
        family(&mut encoder, "tcp_connections", "TCP connections, by how they began", "place", connections)?;
        let transfers = OUTCOMES.iter().enumerate().map(|(at, name)| (*name, self.sum(|part| &part.transfers[at])));
        family(&mut encoder, "transfers", "Transfers of the zone, by how they ended", "outcome", transfers)?;
        self.latency(&mut encoder)?;
        self.gauges(&mut encoder)
    }
}

impl Totals {
    fn sum<'a>(&'a self, of: impl Fn(&'a Counts) -> &'a AtomicU64) -> u64 {
        self.parts.iter().map(|part| of(part).load(Ordering::Relaxed)).sum()
    }

    #[allow(clippy::cast_precision_loss)] // a metric is read by people: beyond 2^52 microseconds nobody counts them
    fn latency(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let buckets: Vec<(f64, u64)> = BOUNDS
            .iter()
            .map(|bound| *bound as f64 / 1e6)
            .chain([f64::MAX])
            .enumerate()
            .map(|(at, bound)| (bound, self.sum(|part| &part.latency[at])))
            .collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let seconds = self.sum(|part| &part.microseconds) as f64 / 1e6;
        let help = "How long queries took, from when they were read to when the answers of their batch were sent";
        let mut metric = encoder.encode_descriptor("latency", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)
    }

    fn gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let age = |of: &AtomicU64| match of.load(Ordering::Relaxed) {
            0 => -1,
            at => i64::try_from(unix_now().saturating_sub(at)).unwrap_or(i64::MAX),
        };
        let zone = self.zone.as_deref();
        let names = zone.map_or(0, |zone| i64::try_from(zone.len()).unwrap_or(i64::MAX));
        let serial = zone.map_or(0, |zone| i64::from(zone.serial()));
        let stale = i64::from(self.state.stale.load(Ordering::Relaxed));
        gauge(encoder, "zone_names", "Labels right below the zone", names)?;
        gauge(encoder, "zone_serial", "The zone's serial", serial)?;
        let unwritten = zone.map_or(0, Zone::unwritten_count);
        let unkept = i64::from(self.state.unkept.load(Ordering::Relaxed));
        let unnamed = self.state.unnamed.load(Ordering::Relaxed);
        let faulty = i64::try_from(self.state.faults.count() + unwritten + unnamed).unwrap_or(i64::MAX);
        gauge(encoder, "faulty_instances", "Instances that cannot be served as their status says", faulty)?;
        gauge(
            encoder,
            "zone_unkept",
            "1 while the disk cannot be written, so that a restart would lead to an older zone",
            unkept,
        )?;
        gauge(encoder, "zone_stale", "1 while the zone comes from the disk and the API server was not reached", stale)?;
        gauge(encoder, "zone_age_seconds", "Since the zone last changed; -1 without one", age(&self.state.changed))?;
        if let Some(signing) = zone.and_then(Zone::signing) {
            let left = signing.ends().cast_signed().saturating_sub(unix_now().cast_signed());
            gauge(
                encoder,
                "zone_signatures_seconds",
                "For how long all signatures still hold; absent without any",
                left,
            )?;
        }
        let help = "Since the API server last said something; -1 when it never has";
        gauge(encoder, "api_silence_seconds", help, age(&self.state.contact))
    }
}

fn family<'n>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl IntoIterator<Item = (&'n str, u64)>,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (value, count) in values {
        let labels = [(label, value)];
        ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> Result<(), Error> {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}
