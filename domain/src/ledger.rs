//! From facts to what an instance may use at an instant (§6, §7 of the guide). Pure.
//!
//! A ledger holds facts, each with an id, and never a result: the same facts in any order, repeated, or merged from several
//! writers come to the same standing. What a fact means over time is decided in [`replay`] and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use change::{Ask, Change, Refusal, Verdict};
pub use entitlement::{Entitlement, Entitlements};

use crate::{catalogue::Catalogue, feature::Feature};

mod change;
mod entitlement;
mod replay;

/// Under which term a quantity was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Term {
    /// Bought.
    Paid,
    /// On trial (§6).
    Trial,
    /// Given by a promotion, without being ordered (§5).
    Promotion,
}

/// A fact: so many of a feature were given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// From when it counts; none: since ever.
    pub granted_at: Option<Timestamp>,
    /// Unique among the grants; the same id is the same fact.
    pub id: String,
    /// What was given.
    pub feature: Feature,
    /// How many.
    pub quantity: u32,
    /// Under which term.
    pub term: Term,
    /// From when it no longer counts: the end of a trial or of a promotion; none: as long as the instance.
    pub until: Option<Timestamp>,
}

/// All facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What was given.
    pub grants: Vec<Grant>,
    /// What was asked to be less.
    pub changes: Vec<Change>,
}

/// What the facts come to at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What may be used.
    pub entitlements: Entitlements,
    /// The grants that count, by id: they have begun, and neither run out nor been bought instead.
    pub in_force: BTreeSet<String>,
    /// What became of each request that was made until then, by its id.
    pub requests: BTreeMap<String, Verdict>,
    /// When the instance ends, by an unsubscription of the ecQX that is pending.
    pub ends_at: Option<Timestamp>,
    /// Since when the instance has ended; none while it goes on.
    pub ended_at: Option<Timestamp>,
}

/// What the facts come to at `now`.
pub fn standing(facts: &Facts, catalogue: &Catalogue, now: Timestamp) -> Standing {
    replay::until(facts, catalogue, now)
}

/// The next instant after `now` at which the standing changes. Nothing changes before it, something does at it.
pub fn next_transition(facts: &Facts, catalogue: &Catalogue, now: Timestamp) -> Option<Timestamp> {
    transitions(facts, catalogue, now).next().map(|(at, _)| at)
}

/// Every instant after `now` at which the standing changes, with the standing from then on, in order.
pub fn transitions<'facts>(
    facts: &'facts Facts,
    catalogue: &'facts Catalogue,
    now: Timestamp,
) -> impl Iterator<Item = (Timestamp, Standing)> + 'facts {
    let mut before = standing(facts, catalogue, now);
    replay::instants(facts).into_iter().filter(move |at| *at > now).filter_map(move |at| {
        let then = standing(facts, catalogue, at);
        let changed = then != before;
        before.clone_from(&then);
        changed.then_some((at, then))
    })
}

#[cfg(test)]
pub(crate) mod tests;
