//! Response rate limiting: how much one network may get, so that a forged sender is not flooded through us. Pure.
//!
//! UDP only: over TCP nobody can pretend to be another. Memory is fixed, and made once for each thread.

mod prefix;

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

pub use prefix::{Prefix, PrefixError};

/// How many networks are counted at once, in sets of [`WAYS`].
const BUCKETS: usize = 1 << 16;
/// In how many places a network can be counted; of those that are taken, the one longest unused is given up.
const WAYS: usize = 4;
/// What is counted as one network: what one site is usually given.
pub(crate) const NETWORK: (u8, u8) = (24, 56);

/// The limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers of one sort that a network may get a second; 0: no limit.
    pub rate: u32,
    /// Every how many answers beyond the rate one is sent, cut, so that those who really ask come over TCP; 0: never.
    pub slip: u32,
    /// Networks without a limit.
    pub allowed: Vec<Prefix>,
}

/// What is counted apart, so that a flood of one sort does not cost a network the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// There is something to answer.
    Answer,
    /// The name does not exist, or has nothing of the type.
    Negative,
    /// A refusal or an error.
    Error,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// It is sent without content, to be asked for over TCP.
    Slip,
    /// It is not sent.
    Drop,
}

/// The count of one thread.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    buckets: Vec<Bucket>,
    hasher: RandomState,
}

/// What one network may still get.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    key: u32,
    /// When it was last counted, in milliseconds of the caller's clock.
    at: u32,
    /// Thousandths of answers.
    tokens: u32,
    beyond: u32,
}

impl Limiter {
    /// A count for one of `threads`, among which the kernel spreads the clients by address and port: so a network's
    /// queries reach them all, and each grants its share.
    pub fn new(limits: &Limits, threads: usize) -> Self {
        let threads = u32::try_from(threads).unwrap_or(1).max(1);
        let rate = if limits.rate == 0 { 0 } else { limits.rate.div_ceil(threads) };
        let buckets = if rate == 0 { Vec::new() } else { vec![Bucket::default(); BUCKETS] };
        Self { limits: Limits { rate, ..limits.clone() }, buckets, hasher: RandomState::new() }
    }

    /// Decides on an answer to a client at a time, in milliseconds.
    pub fn judge(&mut self, client: IpAddr, sort: Sort, now: u32) -> Verdict {
        if self.limits.rate == 0 || self.limits.allowed.iter().any(|prefix| prefix.contains(client)) {
            return Verdict::Send;
        }
        let hash = self.hasher.hash_one((Prefix::around(client, NETWORK), sort));
        let (rate, slip) = (self.limits.rate, self.limits.slip);
        let bucket = self.bucket(hash, now);
        let elapsed = now.wrapping_sub(bucket.at);
        bucket.at = now;
        // A second's worth may be saved up, for a short burst.
        bucket.tokens = bucket.tokens.saturating_add(elapsed.saturating_mul(rate)).min(rate.saturating_mul(1000));
        if let Some(left) = bucket.tokens.checked_sub(1000) {
            bucket.tokens = left;
            bucket.beyond = 0;
            return Verdict::Send;
        }
        bucket.beyond = bucket.beyond.wrapping_add(1);
        if slip > 0 && bucket.beyond.is_multiple_of(slip) { Verdict::Slip } else { Verdict::Drop }
    }

    /// The network's place; a new one starts with a second's worth.
    fn bucket(&mut self, hash: u64, now: u32) -> &mut Bucket {
        // Nothing has the key 0, so that an unused place is nobody's.
        let key = u32::try_from(hash >> 32).unwrap_or_default() | 1;
        let set = usize::try_from(hash % (BUCKETS / WAYS) as u64).unwrap_or_default() * WAYS;
        let full = self.limits.rate.saturating_mul(1000);
        let ways = &mut self.buckets[set..set + WAYS];
        let known = ways.iter().position(|bucket| bucket.key == key);
        let oldest =
            || (0..WAYS).max_by_key(|way| if ways[*way].key == 0 { u32::MAX } else { now.wrapping_sub(ways[*way].at) });
        let way = known.or_else(oldest).unwrap_or_default();
        if known.is_none() {
            ways[way] = Bucket { key, at: now, tokens: full, beyond: 0 };
        }
        &mut ways[way]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(rate: u32, slip: u32, allowed: &[&str]) -> Limiter {
        let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Limiter::new(&Limits { rate, slip, allowed }, 1)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn sent(limiter: &mut Limiter, client: &str, count: usize, now: u32) -> usize {
        (0..count).filter(|_| limiter.judge(address(client), Sort::Answer, now) == Verdict::Send).count()
    }

    #[test]
    fn a_network_gets_its_rate_and_again_with_time() {
        let mut limiter = limiter(10, 0, &[]);
        assert_eq!(sent(&mut limiter, "198.51.100.1", 100, 0), 10);
        assert_eq!(sent(&mut limiter, "198.51.100.2", 100, 0), 0, "a neighbour is the same network");
        assert_eq!(sent(&mut limiter, "198.51.101.1", 100, 0), 10, "another network is not");
        assert_eq!(sent(&mut limiter, "198.51.100.1", 100, 500), 5);
        assert_eq!(sent(&mut limiter, "198.51.100.1", 100, 60_000), 10, "no more than a second's worth is saved up");
    }

    #[test]
    fn a_flood_of_one_sort_leaves_the_others() {
        let mut limiter = limiter(10, 0, &[]);
        for _ in 0..100 {
            limiter.judge(address("2001:db8::1"), Sort::Negative, 0);
        }
        assert_eq!(sent(&mut limiter, "2001:db8::2", 100, 0), 10);
    }

    #[test]
    fn every_second_answer_beyond_the_rate_slips_through_cut() {
        let mut limiter = limiter(1, 2, &[]);
        let verdicts: Vec<_> = (0..5).map(|_| limiter.judge(address("198.51.100.1"), Sort::Error, 0)).collect();
        assert_eq!(verdicts, [Verdict::Send, Verdict::Drop, Verdict::Slip, Verdict::Drop, Verdict::Slip]);
    }

    #[test]
    fn an_allowed_network_and_a_rate_of_nothing_know_no_limit() {
        let mut some = limiter(1, 0, &["198.51.100.0/24", "2001:db8::/32"]);
        assert_eq!(sent(&mut some, "198.51.100.77", 50, 0) + sent(&mut some, "2001:db8:1::1", 50, 0), 100);
        assert_eq!(sent(&mut some, "198.51.101.1", 50, 0), 1);
        assert_eq!(sent(&mut limiter(0, 0, &[]), "198.51.101.1", 50, 0), 50);
    }

    #[test]
    fn a_flood_from_everywhere_is_counted_in_the_same_memory() {
        let mut limiter = limiter(10, 2, &[]);
        for n in 0..300_000_u32 {
            limiter.judge(IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes()), Sort::Answer, n / 1000);
        }
        assert_eq!(limiter.buckets.len(), BUCKETS);
        assert_eq!(sent(&mut limiter, "203.0.113.5", 5, 400), 5, "those who ask little are answered");
    }
}
