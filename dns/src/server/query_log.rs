//! A sample of the queries, in the log: off unless it is asked for. I/O: the log.
//!
//! What strangers send stands in it escaped, and never more than so many lines a second, so that the log can neither be forged nor
//! filled, and a slow disk holds no answer up for long.

use std::{
    fmt::Write as _,
    net::IpAddr,
    time::{Duration, Instant},
};

use rand::{RngExt as _, rngs::SmallRng};

use crate::wire::{HEADER, name, read_u16};

/// The target under which queries are logged, for `RUST_LOG`.
pub const TARGET: &str = "ecqx_dns::query";
/// How many lines a second one thread or connection writes at most.
const LINES: u32 = 100;

/// Chooses which queries are logged: one in so many on average, at random, so that no pattern of queries escapes it.
#[derive(Debug)]
pub struct Sampler {
    every: u32,
    /// How many go by before the next one.
    left: u32,
    random: SmallRng,
    second: Instant,
    lines: u32,
}

impl Sampler {
    /// One in `every` on average; none for 0.
    pub fn new(every: u32) -> Self {
        let mut sampler = Self { every, left: 0, random: rand::make_rng(), second: Instant::now(), lines: 0 };
        sampler.left = sampler.gap();
        sampler
    }

    /// Logs an answered query if it is one of the sample: what is told stands in its answer.
    pub fn note(&mut self, client: IpAddr, transport: &'static str, answer: &[u8]) {
        if self.every == 0 || !self.is_due() {
            return;
        }
        let Asked { name, kind } = asked(answer).unwrap_or_default();
        let (code, octets) = (answer.get(3).map_or(0, |flags| flags & 0x0f), answer.len());
        let cut = answer.get(2).is_some_and(|flags| flags & 0x02 != 0);
        tracing::info!(target: TARGET, %client, transport, name, kind, code, cut, octets, one_in = self.every, "query");
    }

    fn is_due(&mut self) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        self.left = self.gap();
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.lines) = (Instant::now(), 0);
        }
        self.lines += 1;
        self.lines <= LINES
    }

    /// From 0 to twice as many as are left out on average.
    fn gap(&mut self) -> u32 {
        let most = self.every.saturating_sub(1).saturating_mul(2);
        self.random.random_range(0..=most)
    }
}

/// What was asked.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    name: String,
    kind: u16,
}

/// The question of a message of ours, with its name in letters, digits and escapes only.
fn asked(answer: &[u8]) -> Option<Asked> {
    if answer.get(5) != Some(&1) {
        return None;
    }
    let question = answer.get(HEADER..)?;
    let length: usize = name::labels(question).map(|label| label.len() + 1).sum();
    if *question.get(length)? != 0 {
        return None;
    }
    Some(Asked { name: text(question.get(..length)?), kind: read_u16(question, length + 1)? })
}

/// A name as it would stand in a zone file (RFC 1035, section 5.1): whatever is no plain character is `\DDD`.
fn text(labels: &[u8]) -> String {
    let mut text = String::new();
    for label in name::labels(labels) {
        for octet in label {
            match octet {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'*' | b'/' | b'+' | b'=' | b':' => {
                    text.push(char::from(*octet));
                }
                // Writing to a text cannot fail.
                _ => drop(write!(text, "\\{octet:03}")),
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &[u8]) -> Vec<u8> {
        let mut answer = vec![0, 1, 0x84, 3, 0, 1, 0, 0, 0, 0, 0, 0];
        answer.extend_from_slice(name);
        answer.extend([0, 0, 1, 0, 1]);
        answer
    }

    #[test]
    fn a_hostile_name_is_escaped_and_cannot_look_like_another() {
        let asked = asked(&answer(b"\x04a.b\n\x03\"\\\x1b")).unwrap();
        assert_eq!(asked, Asked { name: r"a\046b\010.\034\092\027.".to_owned(), kind: 1 });
        assert!(super::asked(&answer(b"\x02\xff\xfe")).unwrap().name.is_ascii());
    }

    #[test]
    fn a_message_without_a_question_or_cut_short_is_told_as_nothing() {
        assert_eq!(asked(&[0; 12]), None);
        let whole = answer(b"\x03www");
        for length in 0..whole.len() - 2 {
            assert_eq!(asked(&whole[..length]), None, "{length}");
        }
    }

    #[test]
    fn one_in_so_many_is_chosen_and_never_more_than_so_many_a_second() {
        let mut sampler = Sampler::new(1000);
        let chosen = (0..50_000).filter(|_| sampler.is_due()).count();
        assert!((30..=80).contains(&chosen), "{chosen}");
        let mut all = Sampler::new(1);
        let begin = Instant::now();
        let chosen = (0..5000).filter(|_| all.is_due()).count();
        let seconds = usize::try_from(begin.elapsed().as_secs()).unwrap() + 1;
        assert!((100..=100 * seconds).contains(&chosen), "{chosen} in {seconds} s");
    }
}
