//! Replays the facts in their order up to an instant: the one place that says what they mean over time. Pure.
//!
//! **Decision**: at one instant, what is due takes effect first; then the facts of that instant: grants, then changes, each by
//! id. So a cancellation at the very instant of the effect is too late.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Ask, Change, Entitlement, Facts, Grant, Refusal, Standing, Term, Verdict};
use crate::{catalogue::Catalogue, feature::Feature, item::Item};

/// One thing that happens, in the order in which it happens: by instant, then by kind as listed, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Happening<'facts> {
    at: Timestamp,
    what: What<'facts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What<'facts> {
    /// A trial or a promotion runs out.
    RunsOut(&'facts str),
    /// A request takes effect, if it is still pending.
    Due(&'facts str),
    /// A grant begins.
    Granted(&'facts str),
    /// A request is made, or cancelled.
    Asked(&'facts str, Step),
}

/// Of one request: nobody cancels what was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Request,
    Cancel,
}

/// One of each id. Ordered whole before: were an id given two contents, every reader would keep the same one.
struct Distinct<'facts> {
    grants: BTreeMap<&'facts str, &'facts Grant>,
    changes: BTreeMap<&'facts str, &'facts Change>,
}

impl<'facts> Distinct<'facts> {
    fn of(facts: &'facts Facts) -> Self {
        let (mut grants, mut changes): (Vec<_>, Vec<_>) =
            (facts.grants.iter().collect(), facts.changes.iter().collect());
        grants.sort_unstable_by(|a, b| b.cmp(a));
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            grants: grants.into_iter().map(|grant| (grant.id.as_str(), grant)).collect(),
            changes: changes.into_iter().map(|change| (change.id.as_str(), change)).collect(),
        }
    }

    /// Everything that ever happens, in order.
    fn happenings(&self) -> Vec<Happening<'facts>> {
        let mut all: Vec<Happening<'facts>> = Vec::new();
        for (id, grant) in &self.grants {
            all.push(Happening { at: grant.granted_at.unwrap_or(Timestamp::MIN), what: What::Granted(id) });
            all.extend(grant.until.map(|at| Happening { at, what: What::RunsOut(id) }));
        }
        for (id, change) in &self.changes {
            all.push(Happening { at: change.requested_at, what: What::Asked(id, Step::Request) });
            all.push(Happening { at: change.effective_at, what: What::Due(id) });
            // Nobody takes back what was not yet asked: an earlier time, as a slow clock would give it, means at once.
            let cancelled = change.cancelled_at.map(|at| at.max(change.requested_at));
            all.extend(cancelled.map(|at| Happening { at, what: What::Asked(id, Step::Cancel) }));
        }
        all.sort_unstable();
        all
    }
}

/// Every instant at which anything happens, in order.
pub(super) fn instants(facts: &Facts) -> BTreeSet<Timestamp> {
    Distinct::of(facts).happenings().into_iter().map(|happening| happening.at).collect()
}

/// What the facts come to at `now`.
pub(super) fn until(facts: &Facts, catalogue: &Catalogue, now: Timestamp) -> Standing {
    let distinct = Distinct::of(facts);
    let mut state = State::default();
    for happening in distinct.happenings().iter().take_while(|happening| happening.at <= now) {
        state.take(happening, &distinct);
    }
    state.standing(catalogue)
}

/// What is known at a point of the replay.
#[derive(Default)]
struct State<'facts> {
    /// Grants that have begun and neither run out nor were ended.
    in_force: BTreeMap<&'facts str, &'facts Grant>,
    /// What has been taken off the paid quantity, by feature.
    reduced: BTreeMap<Feature, u64>,
    /// The pending request of each service.
    pending: BTreeMap<Item, (&'facts str, u64)>,
    verdicts: BTreeMap<&'facts str, Verdict>,
    ended_at: Option<Timestamp>,
}

impl<'facts> State<'facts> {
    fn take(&mut self, happening: &Happening<'facts>, facts: &Distinct<'facts>) {
        let at = happening.at;
        match happening.what {
            What::RunsOut(id) => drop(self.in_force.remove(id)),
            What::Granted(id) => self.grant(facts.grants[id], at),
            What::Due(id) => self.due(facts.changes[id], at),
            What::Asked(id, Step::Request) => self.ask(facts.changes[id], at),
            What::Asked(id, Step::Cancel) => self.cancel(facts.changes[id], at),
        }
    }

    fn grant(&mut self, grant: &'facts Grant, at: Timestamp) {
        if grant.until.is_some_and(|until| until <= at) {
            return;
        }
        if grant.term == Term::Paid {
            // What was tried is bought now: the two do not add up.
            self.in_force.retain(|_, other| other.term != Term::Trial || other.feature != grant.feature);
        }
        self.in_force.insert(&grant.id, grant);
    }

    /// What is paid of a feature, less what was taken off.
    fn paid(&self, feature: Feature) -> u64 {
        self.given(feature, Term::Paid).saturating_sub(self.reduced.get(&feature).copied().unwrap_or(0))
    }

    fn given(&self, feature: Feature, term: Term) -> u64 {
        let matching = self.in_force.values().filter(|grant| grant.feature == feature && grant.term == term);
        matching.map(|grant| u64::from(grant.quantity)).sum()
    }

    fn ask(&mut self, change: &'facts Change, at: Timestamp) {
        let reduction = match self.judge(change) {
            Ok(reduction) => reduction,
            Err(refusal) => return drop(self.verdicts.insert(&change.id, Verdict::Refused(refusal))),
        };
        let later = (change.id.as_str(), reduction);
        if let Some((earlier, _)) = self.pending.insert(change.service, later) {
            self.verdicts.insert(earlier, Verdict::Replaced { by: change.id.clone() });
        }
        self.verdicts.insert(&change.id, Verdict::Pending { reduction, effective_at: change.effective_at });
        // A date that lies before the request, as a mistaken record would have it, is due at once. So is what has taken effect
        // once: the clock that says otherwise was set back.
        if change.effective_at <= at || change.taken {
            self.due(change, at.max(change.effective_at));
        }
    }

    /// By how much the request reduces what is paid now.
    fn judge(&self, change: &Change) -> Result<u64, Refusal> {
        let feature = match (change.service, change.ask) {
            _ if self.ended_at.is_some() => return Err(Refusal::Ended),
            (Item::Ecqx, Ask::Unsubscribe) => return Ok(0),
            (Item::Ecqx, Ask::Decrease { .. }) => return Err(Refusal::NoQuantity),
            (Item::Feature(feature), _) => feature,
        };
        match (self.paid(feature), change.ask) {
            (_, Ask::Decrease { new_quantity: 0 }) => Err(Refusal::ToZero),
            (0, _) => Err(Refusal::NothingPaid),
            (present, Ask::Unsubscribe) => Ok(present),
            (present, Ask::Decrease { new_quantity: wanted }) => {
                present.checked_sub(u64::from(wanted)).ok_or(Refusal::Increase { wanted, present })
            }
        }
    }

    fn due(&mut self, change: &'facts Change, at: Timestamp) {
        let Some((_, reduction)) = self.pending.get(&change.service).copied().filter(|(id, _)| *id == change.id) else {
            return;
        };
        self.pending.remove(&change.service);
        self.verdicts.insert(&change.id, Verdict::Applied { reduction, at });
        match change.service {
            Item::Feature(feature) => *self.reduced.entry(feature).or_default() += reduction,
            Item::Ecqx => self.end(at),
        }
    }

    /// The instance ends, with every service on it.
    fn end(&mut self, at: Timestamp) {
        self.ended_at = Some(at);
        for (id, _) in std::mem::take(&mut self.pending).into_values() {
            self.verdicts.insert(id, Verdict::Void);
        }
    }

    fn cancel(&mut self, change: &'facts Change, at: Timestamp) {
        if self.pending.get(&change.service).is_some_and(|(id, _)| *id == change.id) {
            self.pending.remove(&change.service);
            self.verdicts.insert(&change.id, Verdict::Cancelled { at });
        }
    }

    fn standing(self, catalogue: &Catalogue) -> Standing {
        let entitlement = |feature| {
            let given = |term| self.given(feature, term);
            let parts = [self.paid(feature), given(Term::Trial), given(Term::Promotion)];
            let (base, parts) = if self.ended_at.is_some() { (0, [0; 3]) } else { (catalogue.base(feature), parts) };
            Entitlement::of(feature, base, parts, catalogue.maximum(feature))
        };
        let entitlements = Feature::ALL.into_iter().map(entitlement).collect();
        let in_force = self.in_force.keys().map(|id| (*id).to_owned()).collect();
        let requests = self.verdicts.iter().map(|(id, verdict)| ((*id).to_owned(), verdict.clone())).collect();
        let ends_at = self.pending.get(&Item::Ecqx).and_then(|(id, _)| match self.verdicts.get(id) {
            Some(Verdict::Pending { effective_at, .. }) => Some(*effective_at),
            _ => None,
        });
        Standing { entitlements, in_force, requests, ends_at, ended_at: self.ended_at }
    }
}
