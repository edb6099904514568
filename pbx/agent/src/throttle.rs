//! Who fails to authenticate too often is blocked for a while. Pure: time comes from outside.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use pbx_contract::Policy;
use tokio::time::Instant;

pub mod failures;
pub mod wall;

/// Sources that are remembered at most, and blocked ones among them: what Asterisk compares with each packet.
const REMEMBERED: usize = 4096;
const BLOCKED: usize = 1024;

/// How often is too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Failures after which a source is blocked; 0: never.
    failures: usize,
    /// Within this time, and for this time.
    time: Duration,
}

impl From<&Policy> for Rule {
    fn from(policy: &Policy) -> Self {
        Self { failures: policy.failures_before_block as usize, time: Duration::from_secs(policy.block_seconds.into()) }
    }
}

/// What is remembered of the sources.
#[derive(Debug, Default)]
pub struct Throttle {
    failing: BTreeMap<IpAddr, VecDeque<Instant>>,
    blocked: BTreeMap<IpAddr, Instant>,
    /// Those who are not blocked whatever is said of them, and until when.
    spared: BTreeMap<IpAddr, Instant>,
}

impl Throttle {
    /// Notes a failure. Gives the number of failures when the source is to be blocked from now on.
    pub fn failed(&mut self, source: IpAddr, now: Instant, rule: Rule) -> Option<usize> {
        let source = subject(source);
        if self.spared.get(&source).is_some_and(|until| now < *until) {
            return None;
        }
        if rule.failures == 0 || self.blocked.contains_key(&source) || self.blocked.len() >= BLOCKED {
            return None;
        }
        if self.failing.len() >= REMEMBERED && !self.failing.contains_key(&source) {
            self.forget(now, rule);
        }
        let times = self.failing.entry(source).or_default();
        times.retain(|&time| now.saturating_duration_since(time) < rule.time);
        times.push_back(now);
        let count = times.len();
        if count < rule.failures {
            return None;
        }
        self.failing.remove(&source);
        self.blocked.insert(source, now + rule.time);
        Some(count)
    }

    /// Lets the source in again, and does not judge it for as long as it would have been blocked.
    pub fn spare(&mut self, source: IpAddr, now: Instant) {
        let source = subject(source);
        if let Some(until) = self.blocked.remove(&source) {
            self.spared.retain(|_, until| now < *until);
            self.spared.insert(source, until);
        }
    }

    /// Takes those whose time is over.
    pub fn released(&mut self, now: Instant) -> Vec<IpAddr> {
        let over: Vec<IpAddr> = self.blocked.iter().filter(|(_, until)| **until <= now).map(|(ip, _)| *ip).collect();
        for source in &over {
            self.blocked.remove(source);
        }
        over
    }

    /// Whether the source is kept out at that moment.
    pub fn blocks(&self, source: IpAddr, now: Instant) -> bool {
        self.blocked.get(&subject(source)).is_some_and(|end| now < *end)
    }

    /// When the next one's time is over.
    pub fn next(&self) -> Option<Instant> {
        self.blocked.values().min().copied()
    }

    /// Those that are blocked.
    pub fn blocked(&self) -> impl Iterator<Item = IpAddr> {
        self.blocked.keys().copied()
    }

    /// Makes room: what is over goes, and where nothing is, the half that has failed least recently; so that a flood of addresses
    /// costs a look at all of them seldom.
    fn forget(&mut self, now: Instant, rule: Rule) {
        let last = |times: &VecDeque<Instant>| times.back().copied();
        self.failing.retain(|_, times| last(times).is_some_and(|time| now.saturating_duration_since(time) < rule.time));
        if self.failing.len() >= REMEMBERED {
            let mut times: Vec<Instant> = self.failing.values().filter_map(last).collect();
            let middle = times.len() / 2;
            let (_, &mut median, _) = times.select_nth_unstable(middle);
            self.failing.retain(|_, times| last(times).is_some_and(|time| time > median));
        }
    }
}

/// Whoever has one IPv6 address has a whole /64 of them.
fn subject(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The list of those who are blocked, in [`wall::FILE`]; the phones' file names it. Requests from them are answered with 403, unread.
pub const LIST: &str = "blocked";

/// Renders the list. It is never without a rule: where there is no list, Asterisk lets nobody in.
pub fn render(blocked: impl Iterator<Item = IpAddr>) -> String {
    let deny = |source: IpAddr| format!("deny = {source}/{}\n", if source.is_ipv4() { 32 } else { 64 });
    let denied: String = blocked.map(deny).collect();
    format!("[{LIST}]\npermit = 0.0.0.0/0\n{denied}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { failures: 3, time: Duration::from_mins(1) };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_third_failure_within_the_time_blocks_and_only_that_source() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        assert_eq!(throttle.failed(ip("192.0.2.1"), now, RULE), None);
        assert_eq!(throttle.failed(ip("192.0.2.1"), now, RULE), None);
        assert_eq!(throttle.failed(ip("192.0.2.2"), now, RULE), None);
        assert_eq!(throttle.failed(ip("192.0.2.1"), now, RULE), Some(3));
        assert_eq!(throttle.failed(ip("192.0.2.1"), now, RULE), None, "it is blocked once");
        assert_eq!(throttle.blocked().collect::<Vec<_>>(), [ip("192.0.2.1")]);
    }

    #[test]
    fn who_is_spared_is_judged_again_after_the_time() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        let fail =
            |throttle: &mut Throttle, now| (0..3).filter_map(|_| throttle.failed(ip("192.0.2.1"), now, RULE)).last();
        assert_eq!(fail(&mut throttle, now), Some(3));
        throttle.spare(ip("192.0.2.1"), now);
        assert_eq!((throttle.blocked().count(), fail(&mut throttle, now)), (0, None));
        assert_eq!(fail(&mut throttle, now + RULE.time), Some(3));
    }

    #[test]
    fn failures_that_are_long_ago_do_not_count() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        throttle.failed(ip("192.0.2.1"), now, RULE);
        throttle.failed(ip("192.0.2.1"), now, RULE);
        assert_eq!(throttle.failed(ip("192.0.2.1"), now + RULE.time, RULE), None);
    }

    #[test]
    fn a_block_ends_after_its_time_and_counting_begins_anew() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..3 {
            throttle.failed(ip("192.0.2.1"), now, RULE);
        }
        let end = throttle.next().unwrap();
        assert!(throttle.released(end - Duration::from_millis(1)).is_empty());
        assert_eq!(throttle.released(end), [ip("192.0.2.1")]);
        assert_eq!(throttle.next(), None);
        assert_eq!(throttle.failed(ip("192.0.2.1"), end, RULE), None);
    }

    #[test]
    fn zero_failures_is_never() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        assert!((0..100).all(|_| throttle.failed(ip("192.0.2.1"), now, Rule { failures: 0, ..RULE }).is_none()));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_source() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        throttle.failed(ip("2001:db8::1"), now, RULE);
        throttle.failed(ip("2001:db8::2"), now, RULE);
        assert_eq!(throttle.failed(ip("2001:db8::3"), now, RULE), Some(3));
        assert_eq!(render(throttle.blocked()), "[blocked]\npermit = 0.0.0.0/0\ndeny = 2001:db8::/64\n");
    }

    #[test]
    fn memory_is_bounded_whoever_fails() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..20_000_u32 {
            throttle.failed(IpAddr::from(n.to_be_bytes()), now + Duration::from_micros(n.into()), RULE);
        }
        assert!(throttle.failing.len() <= REMEMBERED);
        let last = IpAddr::from(19_999_u32.to_be_bytes());
        assert!(throttle.failing.contains_key(&last), "the newest ones are kept");
    }

    #[test]
    fn a_list_of_nobody_is_a_list_still() {
        assert_eq!(render(std::iter::empty()), "[blocked]\npermit = 0.0.0.0/0\n");
    }
}
