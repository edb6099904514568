//! What is counted, and how it is told (`OpenMetrics`). Pure but for the counting.
//!
//! Each thread counts in a place of its own, so that counting costs no thread the cache of another; they are added up when
//! somebody asks.

mod collector;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use prometheus_client::{encoding::text::encode, registry::Registry};

use crate::{
    Snapshot,
    faults::Faults,
    limit::Verdict,
    wire::{self, kind},
};
use collector::Totals;

/// The types that are counted by name; all others are one.
pub(crate) const KINDS: [(u16, &str); 11] = [
    (kind::A, "A"),
    (kind::AAAA, "AAAA"),
    (kind::NAPTR, "NAPTR"),
    (kind::SRV, "SRV"),
    (kind::SOA, "SOA"),
    (kind::NS, "NS"),
    (kind::MX, "MX"),
    (16, "TXT"),
    (kind::CNAME, "CNAME"),
    (kind::DS, "DS"),
    (kind::ANY, "ANY"),
];
/// The codes that are counted by name, by their number in the header; all others are one.
pub(crate) const CODES: [&str; 7] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "other"];
/// The bounds of the histogram of latency, in microseconds.
pub(crate) const BOUNDS: [u64; 10] = [10, 25, 50, 100, 250, 500, 1000, 5000, 25_000, 100_000];

/// How a TCP connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// There was a place.
    Taken,
    /// All places were taken, and another's was given up for it.
    InPlaceOfAnother,
    /// The client holds too many.
    Refused,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole zone was sent.
    Axfr,
    /// What was asked for with IXFR was sent.
    Ixfr,
    /// The secondary went, or took too long.
    BrokenOff,
}

/// By number, as they are counted.
pub(crate) const CONNECTIONS: [&str; 3] = ["taken", "in_place_of_another", "refused"];
/// By number, as they are counted.
pub(crate) const OUTCOMES: [&str; 3] = ["axfr", "ixfr", "broken_off"];

/// The counts of one thread.
#[derive(Debug, Default)]
pub struct Counts {
    pub(crate) by_kind: [AtomicU64; KINDS.len() + 1],
    pub(crate) by_code: [AtomicU64; CODES.len()],
    pub(crate) slipped: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) silent: AtomicU64,
    pub(crate) connections: [AtomicU64; CONNECTIONS.len()],
    pub(crate) transfers: [AtomicU64; OUTCOMES.len()],
    pub(crate) latency: [AtomicU64; BOUNDS.len() + 1],
    pub(crate) microseconds: AtomicU64,
}

impl Counts {
    /// Counts a query by its type.
    pub fn asked(&self, kind: Option<u16>) {
        let at = KINDS.iter().position(|(number, _)| Some(*number) == kind).unwrap_or(KINDS.len());
        add(&self.by_kind[at], 1);
    }

    /// Counts an answer that is sent, which is in octets.
    pub fn answered(&self, answer: &[u8]) {
        add(&self.by_code[usize::from(wire::code(answer)).min(CODES.len() - 1)], 1);
    }

    /// Counts a message that gets no answer.
    pub fn silent(&self) {
        add(&self.silent, 1);
    }

    /// Counts what the rate limit decided.
    pub fn judged(&self, verdict: Verdict) {
        match verdict {
            Verdict::Send => (),
            Verdict::Slip => add(&self.slipped, 1),
            Verdict::Drop => add(&self.dropped, 1),
        }
    }

    /// Counts a TCP connection.
    pub fn connected(&self, connection: Connection) {
        add(&self.connections[connection as usize], 1);
    }

    /// Counts a transfer.
    pub fn transferred(&self, outcome: Outcome) {
        add(&self.transfers[outcome as usize], 1);
    }

    /// Counts how long the queries of a batch took, from when they were taken to when all answers were sent.
    pub fn took(&self, queries: u64, microseconds: u64) {
        let at = BOUNDS.iter().position(|bound| microseconds <= *bound).unwrap_or(BOUNDS.len());
        add(&self.latency[at], queries);
        add(&self.microseconds, queries * microseconds);
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// All that can be told of the server.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    parts: Arc<Mutex<Vec<Arc<Counts>>>>,
    /// How the zone stands to the Kubernetes API.
    pub state: Arc<State>,
}

/// How the zone stands to the Kubernetes API, in Unix seconds.
#[derive(Debug, Default)]
pub struct State {
    /// Whether the served zone comes from the disk and has not been compared with the API yet.
    pub stale: AtomicBool,
    /// Whether what is served could not be written to the disk.
    pub unkept: AtomicBool,
    /// How many instances have no name because the static part or another instance has it.
    pub unnamed: AtomicUsize,
    /// When the API server last said something.
    pub contact: AtomicU64,
    /// When the served zone last changed.
    pub changed: AtomicU64,
    /// What cannot be served as its status says.
    pub faults: Faults,
}

impl State {
    /// The API server has said something.
    pub fn heard(&self) {
        self.contact.store(unix_now(), Ordering::Relaxed);
    }

    /// Another zone is served.
    pub fn swapped(&self, stale: bool) {
        self.stale.store(stale, Ordering::Relaxed);
        self.changed.store(unix_now(), Ordering::Relaxed);
    }
}

/// The seconds since 1970, for ages that people look at.
pub fn unix_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

impl Metrics {
    /// A place for one thread to count in.
    pub fn part(&self) -> Arc<Counts> {
        let part = Arc::new(Counts::default());
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&part));
        part
    }

    /// All of it as text.
    ///
    /// # Errors
    /// When it cannot be written, which a text always can.
    pub fn text(&self, snapshot: &Snapshot) -> Result<String, std::fmt::Error> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut registry = Registry::with_prefix("ecqx_dns");
        registry.register_collector(Box::new(Totals {
            parts,
            state: Arc::clone(&self.state),
            zone: snapshot.load_full(),
        }));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_is_added_up_and_told_by_type_and_code() {
        let metrics = Metrics::default();
        let (one, other) = (metrics.part(), metrics.part());
        one.asked(Some(kind::A));
        one.answered(&[0, 0, 0x84, 0]);
        for kind in [kind::A, 65_280] {
            other.asked(Some(kind));
            other.answered(&[0, 0, 0x84, 3]);
        }
        let bad_version = [0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0];
        one.answered(&bad_version);
        one.took(3, 40);
        one.judged(Verdict::Drop);
        let text = metrics.text(&Snapshot::default()).unwrap();
        for line in [
            "ecqx_dns_queries_total{type=\"A\"} 2",
            "ecqx_dns_queries_total{type=\"other\"} 1",
            "ecqx_dns_responses_total{code=\"NOERROR\"} 1",
            "ecqx_dns_responses_total{code=\"NXDOMAIN\"} 2",
            "ecqx_dns_responses_total{code=\"other\"} 1",
            "ecqx_dns_rate_limited_total{verdict=\"dropped\"} 1",
            "ecqx_dns_latency_seconds_count 3",
            "ecqx_dns_zone_stale 0",
            "ecqx_dns_zone_unkept 0",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
