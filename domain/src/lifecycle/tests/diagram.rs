//! The diagram in docs/entitlements.md shows the steps that the code takes, all of them and no other.

use std::collections::{BTreeSet, VecDeque};

use super::*;

const PAGE: &str = include_str!("../../../../docs/entitlements.md");

type Edge = (String, String);

/// The edges of the page's state diagram; from `[*]`, an instance begins.
fn drawn() -> BTreeSet<Edge> {
    let diagram = PAGE.split("stateDiagram-v2").nth(1).unwrap().split("```").next().unwrap();
    let edges = diagram.lines().filter_map(|line| line.split_once("-->"));
    let names = edges.map(|(from, to)| (from.trim().to_owned(), to.split(':').next().unwrap().trim().to_owned()));
    names.collect()
}

/// Nothing on the way that does not move the phase, so that few steps lead far.
fn exploring() -> LifecycleRules {
    LifecycleRules { reminders: Vec::new(), drain_deadline: SignedDuration::ZERO, ..rules() }
}

/// A life at an instant, everything until then on record.
#[derive(Debug)]
struct Point {
    life: Life,
    now: Timestamp,
}

impl Point {
    fn phase(&self) -> Phase {
        self.life.phase(&exploring(), self.now)
    }

    /// The next thing that happens by itself.
    fn wait(&self) -> Option<Self> {
        let now = next_transition(&self.life, &exploring(), self.now)?.at;
        Some(Self { life: seen(&self.life, &exploring(), now), now })
    }

    /// What people can do at this instant: to the instance, and to the facts of it, one each.
    fn act(&self) -> Vec<Self> {
        let Life { term, trial, unsubscribed_at, payment_failed_at, suspended_at, .. } = self.life.clone();
        let (life, has_ended) = (|| self.life.clone(), self.life.ended(self.now).is_some());
        let started = Trial { started_at: self.now, ends_at: self.now + days(30) };
        let starts = trial.is_none() && term == OrderTerm::Trial;
        let may_leave = unsubscribed_at.is_none() && !has_ended;
        let leaves = |after: i64| may_leave.then(|| Life { unsubscribed_at: Some(self.now + days(after)), ..life() });
        let stays = (unsubscribed_at.is_some() && !has_ended).then_some(None);
        // After the retention nobody converts a trial: orders for it are refused.
        let converts = term == OrderTerm::Trial && self.phase() != Phase::Expired;
        let fails = term == OrderTerm::Paid && payment_failed_at.is_none();
        let lives = [
            starts.then(|| Life { trial: Some(started), ..life() }),
            converts.then(|| converted(&self.life)),
            leaves(3),
            leaves(20),
            stays.map(|unsubscribed_at| Life { unsubscribed_at, ..life() }),
            fails.then(|| Life { payment_failed_at: Some(self.now), ..life() }),
            payment_failed_at.map(|_| Life { payment_failed_at: None, ..life() }),
            suspended_at.is_none().then(|| Life { suspended_at: Some(self.now), ..life() }),
            suspended_at.map(|_| Life { suspended_at: None, ..life() }),
        ];
        lives
            .into_iter()
            .flatten()
            .map(|life| Self { life: seen(&life, &exploring(), self.now), now: self.now })
            .collect()
    }
}

/// Every step between phases within so many acts and waits of the beginning, whoever does what when.
fn taken() -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    let mut met = BTreeSet::new();
    let mut ahead = VecDeque::new();
    for term in [OrderTerm::Trial, OrderTerm::Paid] {
        let point = Point { life: Life::new(term), now: at(START) };
        edges.insert(("[*]".to_owned(), point.phase().name().to_owned()));
        ahead.push_back((point, 0));
    }
    while let Some((point, depth)) = ahead.pop_front() {
        if depth > 6 || !met.insert(format!("{point:?}")) {
            continue;
        }
        for next in point.act().into_iter().chain(point.wait()) {
            if next.phase() != point.phase() {
                edges.insert((point.phase().name().to_owned(), next.phase().name().to_owned()));
            }
            ahead.push_back((next, depth + 1));
        }
    }
    edges
}

#[test]
fn the_diagram_of_the_documentation_shows_exactly_the_steps_that_lives_take() {
    let (drawn, taken) = (drawn(), taken());
    let missing: Vec<_> = taken.difference(&drawn).collect();
    let untrue: Vec<_> = drawn.difference(&taken).collect();
    assert!(missing.is_empty() && untrue.is_empty(), "not drawn: {missing:?}; drawn, yet never taken: {untrue:?}");
}
