//! Where an instance stands in its life at one instant, and what is to come. Pure.

use std::collections::BTreeSet;

use ecqx_domain::{
    foresight::{self, Situation, Upcoming},
    lifecycle::{self, Life, OutOfService, Phase, Reached},
};
use jiff::Timestamp;

/// An instance's life, as it is at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct LifeNow {
    /// Its dates.
    pub facts: Life,
    /// Where it stands.
    pub phase: Phase,
    /// Since when and why it takes no calls, if it takes none.
    pub out_of_service: Option<OutOfService>,
    /// Whether the time is over in which calls in progress may finish.
    pub is_drained: bool,
    /// Since when it has ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// When its data is deleted, if it is to be.
    pub data_deletion_at: Option<Timestamp>,
    /// From when others may take its name, once it has ended.
    pub name_release_at: Option<Timestamp>,
    /// Whether its data is to be deleted now.
    pub data_is_due: bool,
    /// Whether others may take its name.
    pub name_is_released: bool,
    /// What has happened by itself.
    pub reached: BTreeSet<Reached>,
    /// What happens next to the instance itself.
    pub next: Option<Reached>,
    /// Everything that is to come.
    pub upcoming: Vec<Upcoming>,
}

impl LifeNow {
    /// As the dates and licences have it at `now`.
    pub(super) fn of(situation: &Situation, now: Timestamp) -> Self {
        let rules = situation.rules;
        // In whole seconds, as it is recorded: what is worked out anew has to be what is read back.
        let second = crate::context::whole_seconds(now);
        let mut life = situation.life.clone().noticed(rules, second);
        life.data_deletion_at = life.announced_deletion(rules, second);
        let situation = Situation { life: life.clone(), ..situation.clone() };
        Self {
            phase: life.phase(rules, now),
            out_of_service: life.out_of_service(rules, now),
            is_drained: life.is_drained(rules, now),
            ended_at: life.ended(now).map(|(at, _)| at),
            data_deletion_at: life.data_deletion_at,
            name_release_at: life.name_release(rules).filter(|_| life.ended(now).is_some()),
            data_is_due: life.data_is_due(rules, now),
            name_is_released: life.name_is_released(rules, now),
            reached: life.reached(rules, now),
            next: lifecycle::next_transition(&life, rules, now),
            upcoming: foresight::upcoming(&situation, now),
            facts: life,
        }
    }

    /// When something changes next by itself: in the instance's life, or in its licences.
    pub fn next_transition(&self) -> Option<Timestamp> {
        self.upcoming.first().map(|upcoming| upcoming.at)
    }
}
