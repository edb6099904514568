//! Who has failed to log in too often. Pure: the caller says what time it is.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use pbx_contract::Policy;
use tokio::time::Instant;

/// Sources that are remembered at most; beyond it the one that failed first is forgotten.
const SOURCES: usize = 4096;
/// The part of an IPv6 address that a network chooses for itself is no part of the source.
const NETWORK: u32 = 64;

/// Failures by source.
#[derive(Debug, Default)]
pub struct Throttle(HashMap<IpAddr, Failures>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: Instant,
}

impl Throttle {
    /// Whether the source may not try: it has failed `failuresBeforeBlock` times, and the last of them not `blockSeconds` ago.
    pub fn blocks(&self, source: IpAddr, policy: &Policy, now: Instant) -> bool {
        let most = policy.failures_before_block;
        let recent = |failures: &&Failures| now.duration_since(failures.since) < span(policy);
        most > 0 && self.0.get(&network(source)).filter(recent).is_some_and(|failures| failures.count >= most)
    }

    /// The source has failed.
    pub fn failed(&mut self, source: IpAddr, policy: &Policy, now: Instant) {
        let source = network(source);
        if !self.0.contains_key(&source) {
            self.make_room(policy, now);
        }
        let failures = self.0.entry(source).or_insert(Failures { count: 0, since: now });
        if now.duration_since(failures.since) >= span(policy) {
            *failures = Failures { count: 0, since: now };
        }
        failures.count = failures.count.saturating_add(1);
        if failures.count == policy.failures_before_block {
            // Blocked from now on, for the whole time.
            failures.since = now;
        }
    }

    fn make_room(&mut self, policy: &Policy, now: Instant) {
        if self.0.len() >= SOURCES {
            self.0.retain(|_, failures| now.duration_since(failures.since) < span(policy));
        }
        if self.0.len() >= SOURCES
            && let Some(oldest) = self.0.iter().min_by_key(|(_, failures)| failures.since).map(|(source, _)| *source)
        {
            self.0.remove(&oldest);
        }
    }
}

fn span(policy: &Policy) -> Duration {
    Duration::from_secs(policy.block_seconds.into())
}

fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << NETWORK)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(failures_before_block: u32) -> Policy {
        Policy { failures_before_block, block_seconds: 60, ..Policy::default() }
    }

    fn source(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_is_blocked_after_so_many_failures_and_free_again_after_the_time() {
        let (mut throttle, now, policy) = (Throttle::default(), Instant::now(), policy(3));
        let (bad, good) = (source("192.0.2.1"), source("192.0.2.2"));
        for _ in 0..2 {
            throttle.failed(bad, &policy, now);
        }
        let third = now + Duration::from_secs(59);
        assert!(!throttle.blocks(bad, &policy, third));
        throttle.failed(bad, &policy, third);
        assert!(throttle.blocks(bad, &policy, third + Duration::from_secs(59)));
        assert!(!throttle.blocks(good, &policy, third));
        assert!(!throttle.blocks(bad, &policy, third + Duration::from_mins(1)));
    }

    #[test]
    fn failures_long_ago_do_not_count_and_zero_never_blocks() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for minute in 0..10 {
            throttle.failed(source("192.0.2.1"), &policy(2), now + Duration::from_secs(60 * minute));
        }
        assert!(!throttle.blocks(source("192.0.2.1"), &policy(2), now + Duration::from_secs(541)));
        assert!(!throttle.blocks(source("192.0.2.1"), &policy(0), now + Duration::from_secs(541)));
    }

    #[test]
    fn a_network_is_one_source_however_it_writes_its_addresses() {
        let (mut throttle, now, policy) = (Throttle::default(), Instant::now(), policy(2));
        throttle.failed(source("2001:db8::1"), &policy, now);
        throttle.failed(source("2001:db8::ffff:2"), &policy, now);
        assert!(throttle.blocks(source("2001:db8::3"), &policy, now));
        assert!(!throttle.blocks(source("2001:db8:0:1::1"), &policy, now));
        throttle.failed(source("192.0.2.1"), &policy, now);
        throttle.failed(source("::ffff:192.0.2.1"), &policy, now);
        assert!(throttle.blocks(source("192.0.2.1"), &policy, now));
    }

    #[test]
    fn however_many_sources_fail_the_memory_is_bounded() {
        let (mut throttle, now, policy) = (Throttle::default(), Instant::now(), policy(2));
        for number in 0..10_000_u32 {
            throttle.failed(std::net::Ipv4Addr::from_bits(number).into(), &policy, now);
        }
        assert_eq!(throttle.0.len(), SOURCES);
    }
}
