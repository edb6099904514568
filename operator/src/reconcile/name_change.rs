//! What is known of changes to come of an instance's records in the DNS. Pure.

use ecqx_domain::{
    foresight::Event,
    name_change::{NameChange, Outlook, Ttl},
    pbx::Exposure,
};
use jiff::Timestamp;

use crate::{
    rollout::{Decision, Reason},
    validate::ValidatedInstance,
};

/// Whether the records are about to change, and when to look again: by the dates of the instance's life, by what people have
/// planned, and by what is to become of its pod.
pub(super) fn outlook(instance: &ValidatedInstance, decision: &Decision, ttl: Ttl, now: Timestamp) -> Outlook {
    let mut changes: Vec<NameChange> = ends(instance).collect();
    changes.extend(instance.planned_move_at.map(NameChange::planned));
    changes.extend(replacement(instance, decision));
    Outlook::of(&changes, ttl, now)
}

/// Where the name leaves the DNS by itself.
fn ends(instance: &ValidatedInstance) -> impl Iterator<Item = NameChange> {
    let upcoming = instance.life.upcoming.iter();
    let ends = upcoming.filter(|upcoming| match upcoming.event {
        Event::Milestone(milestone) => milestone.takes_out_of_service(),
        _ => false,
    });
    ends.map(|upcoming| NameChange::at(upcoming.at))
}

/// A pod that is replaced comes back with another address, but for one behind a load balancer. When it is the turn of one that
/// waits for others, nobody knows.
fn replacement(instance: &ValidatedInstance, decision: &Decision) -> Option<NameChange> {
    match decision {
        _ if instance.reach.exposure == Exposure::LoadBalancer => None,
        Decision::Wait(Reason::Calls { until, .. }) => Some(NameChange::until(*until)),
        Decision::Wait(Reason::Window { opens }) => Some(NameChange::at(*opens)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::{
        rollout::Calls,
        validate::tests::{instance, noon, validated},
    };

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn near(instance: &ValidatedInstance, decision: &Decision) -> Option<Timestamp> {
        outlook(instance, decision, Ttl::default(), noon()).near
    }

    #[test]
    fn the_end_of_a_grace_period_is_a_change_and_a_reminder_is_none() {
        let mut owes = instance("a");
        let grace = SignedDuration::from_hours(7 * 24);
        owes.spec.payment_failed_at = Some(Time(noon() + MINUTE - grace));
        assert_eq!(near(&validated(&owes, None), &Decision::Keep), Some(noon() + MINUTE));
        owes.spec.payment_failed_at = Some(Time(noon() + MINUTE * 5 - grace));
        let later = validated(&owes, None);
        assert_eq!(near(&later, &Decision::Keep), None);
        let look = outlook(&later, &Decision::Keep, Ttl::default(), noon()).next_look;
        assert_eq!(look, Some(noon() + MINUTE * 3), "a TTL and a minute ahead");
    }

    #[test]
    fn a_planned_move_is_a_change() {
        let mut moves = instance("a");
        moves.spec.planned_move_at = Some(Time(noon() + MINUTE));
        assert_eq!(near(&validated(&moves, None), &Decision::Keep), Some(noon() + MINUTE));
        assert_eq!(near(&validated(&instance("a"), None), &Decision::Keep), None);
    }

    #[test]
    fn a_pod_that_is_to_be_replaced_gets_another_address_but_for_one_behind_a_load_balancer() {
        let opens = Decision::Wait(Reason::Window { opens: noon() + MINUTE });
        let calls = Calls::InProgress(1);
        let waits = Decision::Wait(Reason::Calls { calls, until: noon() + MINUTE * 90 });
        let mut built = validated(&instance("a"), None);
        assert_eq!(near(&built, &opens), Some(noon() + MINUTE));
        assert_eq!(near(&built, &waits), Some(noon() + MINUTE * 90), "the call may end at any time");
        assert_eq!(near(&built, &Decision::Wait(Reason::Others)), None);
        built.reach.exposure = Exposure::LoadBalancer;
        assert_eq!((near(&built, &opens), near(&built, &waits)), (None, None));
    }
}
