//! What becomes of an instance over time: trial, paid, grace, suspension, end, retention (§6, §7 of the guide). Pure.
//!
//! An instance's life is a few dates, each recorded once; its phase at an instant is worked out from them, and never kept.
//! Every instant at which the phase can change is a milestone, so [`next_transition`] is the next of them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

pub use milestone::{Milestone, Reached};
pub(crate) use rules::duration;
pub use rules::{
    LifecycleDocument, LifecycleError, LifecycleRules, RetentionDocument, SuspensionDocument, TrialDocument,
};

use crate::order::OrderTerm;

mod milestone;
mod rules;
#[cfg(test)]
pub(crate) mod tests;

/// Who looks within this of an end has let no call in that should not have been.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// A trial that has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// When the instance was ready for the first time.
    pub started_at: Timestamp,
    /// From when it is over: recorded at the start, so that it never moves.
    pub ends_at: Timestamp,
}

/// The facts of one instance's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Trial, until it is converted.
    pub term: OrderTerm,
    /// Its trial; none before the start, or for an instance that was bought at once.
    pub trial: Option<Trial>,
    /// When the unsubscription of the ecQX takes effect, or took.
    pub unsubscribed_at: Option<Timestamp>,
    /// Since when a payment is overdue.
    pub payment_failed_at: Option<Timestamp>,
    /// Since when the provider keeps it out of service.
    pub suspended_at: Option<Timestamp>,
    /// When it was first seen to be out of service, where that was late: until then its PBX let calls in, which get their full
    /// time to finish from then on.
    pub noticed_at: Option<Timestamp>,
    /// When its data is deleted, as it was announced; none where data is kept.
    pub data_deletion_at: Option<Timestamp>,
    /// From when others may take its name, as it was told at its end: settings that change later do not move it.
    pub name_release_at: Option<Timestamp>,
    /// The milestones that have taken effect: a clock that is set back undoes none of them.
    pub reached: BTreeSet<Reached>,
}

/// Where an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// In service on trial; its clock starts when it is ready for the first time.
    Trial,
    /// In service, bought.
    Paid,
    /// In service, though a payment is overdue.
    Grace,
    /// Out of service, everything kept.
    Suspended,
    /// Out of service: the trial is over, or it was unsubscribed. Data and name are kept for a time.
    Ended,
    /// The time for which data is kept has passed as well.
    Expired,
}

/// Why an instance is out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The provider's own decision.
    Provider,
    /// A payment that failed, and the grace period after it.
    Payment,
    /// The end of the trial.
    TrialEnded,
    /// Its unsubscription.
    Unsubscribed,
}

/// An instance that is to take no more calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfService {
    /// From when no new call was let in.
    pub since: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Until when calls in progress may finish.
    pub drain_until: Timestamp,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 6] = [Self::Trial, Self::Paid, Self::Grace, Self::Suspended, Self::Ended, Self::Expired];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trial => "Trial",
            Self::Paid => "Paid",
            Self::Grace => "Grace",
            Self::Suspended => "Suspended",
            Self::Ended => "Ended",
            Self::Expired => "Expired",
        }
    }

    /// Whether calls are taken.
    pub const fn in_service(self) -> bool {
        matches!(self, Self::Trial | Self::Paid | Self::Grace)
    }
}

impl Cause {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider => "Suspended",
            Self::Payment => "PaymentFailed",
            Self::TrialEnded => "TrialEnded",
            Self::Unsubscribed => "Unsubscribed",
        }
    }
}

impl Life {
    /// An instance of that term to which nothing has happened yet.
    pub const fn new(term: OrderTerm) -> Self {
        Self {
            term,
            trial: None,
            unsubscribed_at: None,
            payment_failed_at: None,
            suspended_at: None,
            noticed_at: None,
            name_release_at: None,
            data_deletion_at: None,
            reached: BTreeSet::new(),
        }
    }

    /// When the instance ends, or ended, and why: at the end of its trial or by its unsubscription, whichever is first.
    ///
    /// An end that is on record stands: nobody undoes it with an earlier date that is yet to come once a clock was set back.
    pub fn end(&self) -> Option<(Timestamp, Cause)> {
        let trial =
            self.trial.filter(|_| self.term == OrderTerm::Trial).map(|trial| (trial.ends_at, Cause::TrialEnded));
        let unsubscribed = self.unsubscribed_at.map(|at| (at, Cause::Unsubscribed));
        let ends = || [trial, unsubscribed].into_iter().flatten();
        let on_record = ends().filter(|(at, cause)| self.is_on_record(end_by(*cause), *at)).min();
        on_record.or_else(|| ends().min())
    }

    /// The end, once it has come.
    pub fn ended(&self, now: Timestamp) -> Option<(Timestamp, Cause)> {
        self.end().filter(|(at, cause)| self.has_reached(end_by(*cause), *at, now))
    }

    /// Where the instance stands at `now`.
    pub fn phase(&self, rules: &LifecycleRules, now: Timestamp) -> Phase {
        if let Some((ended_at, _)) = self.ended(now) {
            let kept_until = later(ended_at, rules.retention);
            let expired = self.has_reached(Milestone::RetentionEnd, kept_until, now);
            return if expired { Phase::Expired } else { Phase::Ended };
        }
        match self.out_of_service(rules, now) {
            Some(_) => Phase::Suspended,
            None if self.overdue_since().is_some() => Phase::Grace,
            None if self.term == OrderTerm::Trial => Phase::Trial,
            None => Phase::Paid,
        }
    }

    /// Since when and why the instance takes no calls at `now`; none while it does.
    pub fn out_of_service(&self, rules: &LifecycleRules, now: Timestamp) -> Option<OutOfService> {
        let unpaid = || self.grace_end(rules).filter(|at| self.has_reached(Milestone::GraceEnd, *at, now));
        let ended = self.ended(now).map(|(_, cause)| cause);
        let suspended = || self.suspended_at.map(|_| Cause::Provider);
        let cause = ended.or_else(suspended).or_else(|| unpaid().map(|_| Cause::Payment))?;
        let since = self.goes_out(rules)?;
        Some(OutOfService { since, cause, drain_until: self.drained_at(since, rules) })
    }

    /// When calls that were let in before `since` must be over.
    fn drained_at(&self, since: Timestamp, rules: &LifecycleRules) -> Timestamp {
        later(self.noticed_at.map_or(since, |noticed| noticed.max(since)), rules.drain_deadline)
    }

    /// The life as it is seen at `now`: where it went out of service while nobody looked, that is noticed now.
    #[must_use]
    pub fn noticed(self, rules: &LifecycleRules, now: Timestamp) -> Self {
        let Some(out) = self.out_of_service(rules, now).filter(|_| self.noticed_at.is_none()) else { return self };
        // The provider's own suspension counts from its first sight, so it is never seen late.
        let was_seen =
            self.suspended_at == Some(out.since) || self.reached.iter().any(|reached| reached.at == out.since);
        let is_late = later(out.since, LATE) < now && !was_seen;
        Self { noticed_at: is_late.then_some(now), ..self }
    }

    /// When the first of what takes it out of service does so. Another cause after that brings no call back, so no time to
    /// finish calls begins with it. One whose last call is on record as over counts before any other.
    fn goes_out(&self, rules: &LifecycleRules) -> Option<Timestamp> {
        let all = || [self.grace_end(rules), self.suspended_at, self.end().map(|(at, _)| at)].into_iter().flatten();
        let drained = |at: &Timestamp| self.is_on_record(Milestone::DrainDeadline, self.drained_at(*at, rules));
        all().filter(drained).min().or_else(|| all().min())
    }

    /// Whether the time is over in which calls in progress may finish: the pod goes, and no clock that is set back brings it
    /// back.
    pub fn is_drained(&self, rules: &LifecycleRules, now: Timestamp) -> bool {
        self.out_of_service(rules, now)
            .is_some_and(|out| self.has_reached(Milestone::DrainDeadline, out.drain_until, now))
    }

    /// Whether others may take the name.
    pub fn name_is_released(&self, rules: &LifecycleRules, now: Timestamp) -> bool {
        self.ended(now).is_some()
            && self.name_release(rules).is_some_and(|at| self.has_reached(Milestone::NameRelease, at, now))
    }

    /// From when others may take the name of one that ends. A date of before the end belongs to an end that was undone.
    pub fn name_release(&self, rules: &LifecycleRules) -> Option<Timestamp> {
        let (end, _) = self.end()?;
        Some(self.name_release_at.filter(|at| *at >= end).unwrap_or_else(|| later(end, rules.name_reservation)))
    }

    /// A trial is not paid for, so no payment of it can fail.
    fn overdue_since(&self) -> Option<Timestamp> {
        self.payment_failed_at.filter(|_| self.term == OrderTerm::Paid)
    }

    fn grace_end(&self, rules: &LifecycleRules) -> Option<Timestamp> {
        self.overdue_since().map(|at| later(at, rules.grace))
    }

    fn has_reached(&self, milestone: Milestone, at: Timestamp, now: Timestamp) -> bool {
        at <= now || self.is_on_record(milestone, at)
    }

    fn is_on_record(&self, milestone: Milestone, at: Timestamp) -> bool {
        self.reached.contains(&Reached { at, milestone })
    }

    /// Every milestone of this life as the facts stand, in order of time.
    pub fn milestones(&self, rules: &LifecycleRules) -> Vec<Reached> {
        let parts = [self.reminders(rules), self.interruptions(rules), self.ending(rules)];
        let mut all: Vec<Reached> =
            parts.into_iter().flatten().map(|(milestone, at)| Reached { at, milestone }).collect();
        all.sort_unstable_by_key(|reached| (reached.at, reached.milestone));
        all.dedup();
        all
    }

    /// The milestones, and the deletion of the data with its notice where it is yet to be announced, as it will be if the
    /// end is seen when it comes. Nothing is due by that: data is deleted at the date that was announced.
    pub fn foreseen(&self, rules: &LifecycleRules) -> Vec<Reached> {
        let end = self.end().filter(|_| rules.delete_data && self.deletion(rules).is_none());
        let announced = end.map(|(end, _)| later(end, rules.retention.max(rules.deletion_notice)));
        Self { data_deletion_at: announced.or(self.data_deletion_at), ..self.clone() }.milestones(rules)
    }

    /// Of a trial that runs to its end. One that has gone out stays on record, were the instance unsubscribed meanwhile: it
    /// does not go out again when that is taken back.
    fn reminders(&self, rules: &LifecycleRules) -> Vec<(Milestone, Timestamp)> {
        let Some(trial) = self.trial.filter(|_| self.term == OrderTerm::Trial) else { return Vec::new() };
        let ends_by_itself = self.end().is_some_and(|(_, cause)| cause == Cause::TrialEnded);
        let dates = rules.reminders.iter().map(|ahead| earlier(trial.ends_at, *ahead));
        dates
            .filter(|at| *at > trial.started_at)
            .map(|at| (Milestone::TrialReminder, at))
            .filter(|(milestone, at)| ends_by_itself || self.is_on_record(*milestone, *at))
            .collect()
    }

    /// Out of service: for want of payment before the end, and when the last call is over.
    fn interruptions(&self, rules: &LifecycleRules) -> Vec<(Milestone, Timestamp)> {
        let end = self.end();
        let counts =
            |at: &Timestamp| end.is_none_or(|(end, _)| *at < end) || self.is_on_record(Milestone::GraceEnd, *at);
        let unpaid = self.grace_end(rules).filter(counts).map(|at| (Milestone::GraceEnd, at));
        let drained = self.goes_out(rules).map(|at| (Milestone::DrainDeadline, self.drained_at(at, rules)));
        [unpaid, drained].into_iter().flatten().collect()
    }

    /// The end, and what follows from it.
    fn ending(&self, rules: &LifecycleRules) -> Vec<(Milestone, Timestamp)> {
        let Some((end, cause)) = self.end() else { return Vec::new() };
        let mut all = vec![(end_by(cause), end), (Milestone::RetentionEnd, later(end, rules.retention))];
        all.extend(self.name_release(rules).map(|at| (Milestone::NameRelease, at)));
        if let Some(at) = self.deletion(rules) {
            all.push((Milestone::DeletionNotice, earlier(at, rules.deletion_notice)));
            all.push((Milestone::DataDeletion, at));
        }
        all
    }

    /// The deletion that was announced for this end; one of before it belongs to an end that was undone.
    fn deletion(&self, rules: &LifecycleRules) -> Option<Timestamp> {
        let (end, _) = self.end().filter(|_| rules.delete_data)?;
        self.data_deletion_at.filter(|at| *at >= end)
    }

    /// The milestones that have come at `now`, those of which it is recorded included; what the facts no longer lead to is
    /// forgotten.
    pub fn reached(&self, rules: &LifecycleRules, now: Timestamp) -> BTreeSet<Reached> {
        let come = |reached: &Reached| self.has_reached(reached.milestone, reached.at, now);
        self.milestones(rules).into_iter().filter(come).collect()
    }

    /// When the data of an instance that has ended is to be deleted: at the end of the retention, and never sooner after
    /// it is first said than the notice. Once said it stands, until deletion is switched off or the instance comes back.
    pub fn announced_deletion(&self, rules: &LifecycleRules, now: Timestamp) -> Option<Timestamp> {
        let (ended_at, _) = self.ended(now).filter(|_| rules.delete_data)?;
        let earliest = later(ended_at, rules.retention).max(later(now, rules.deletion_notice));
        Some(self.deletion(rules).unwrap_or(earliest))
    }

    /// Whether the data is to be deleted now.
    pub fn data_is_due(&self, rules: &LifecycleRules, now: Timestamp) -> bool {
        let due = self.deletion(rules).filter(|at| self.has_reached(Milestone::DataDeletion, *at, now));
        due.is_some() && self.ended(now).is_some()
    }
}

/// The next instant after `now` at which a milestone comes. Nothing changes before it, something does at it.
pub fn next_transition(life: &Life, rules: &LifecycleRules, now: Timestamp) -> Option<Reached> {
    life.milestones(rules).into_iter().find(|reached| !life.has_reached(reached.milestone, reached.at, now))
}

/// The milestone by which an instance ends.
fn end_by(cause: Cause) -> Milestone {
    if cause == Cause::TrialEnded { Milestone::TrialEnd } else { Milestone::InstanceEnd }
}

/// Time ends where [`Timestamp`] does.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
