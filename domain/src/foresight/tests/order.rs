//! What is listed, in which order, and what is not.

use super::*;

const NOW: &str = "2026-09-12T00:00:00Z";

#[test]
fn everything_from_the_first_reminder_to_the_release_of_the_name_is_listed_in_order() {
    let wanted = [
        ("TrialReminder", at("2026-09-24T00:00:00Z")),
        ("TrialReminder", at("2026-09-28T00:00:00Z")),
        ("TrialReminder", at("2026-09-30T00:00:00Z")),
        ("TrialEnd", at("2026-10-01T00:00:00Z")),
        ("DrainDeadline", at("2026-10-01T04:00:00Z")),
        ("RetentionEnd", at("2026-10-31T00:00:00Z")),
        ("NameRelease", at("2026-12-30T00:00:00Z")),
    ];
    assert_eq!(events(&upcoming(&on_trial(), at(NOW))), wanted);
    assert_eq!(events(&upcoming(&on_trial(), at("2026-09-24T00:00:00Z"))), wanted[1..], "what has come is not listed");
    assert_eq!(upcoming(&on_trial(), at("2026-12-30T00:00:00Z")), []);
}

#[test]
fn where_data_is_deleted_the_deletion_and_its_notice_are_listed_from_the_beginning() {
    let rules = LifecycleRules { delete_data: true, ..RULES.clone() };
    let listed = upcoming(&Situation { rules: &rules, ..on_trial() }, at(NOW));
    let deletion: Vec<_> = events(&listed).into_iter().filter(|(name, _)| name.starts_with('D')).collect();
    let wanted = [
        ("DrainDeadline", at("2026-10-01T04:00:00Z")),
        ("DeletionNotice", at("2026-10-24T00:00:00Z")),
        ("DataDeletion", at("2026-10-31T00:00:00Z")),
    ];
    assert_eq!(deletion, wanted);
}

#[test]
fn licences_have_no_entries_at_the_end_of_the_instance_or_after_it() {
    let mut situation = fifteen();
    let later = Change { effective_at: at("2026-11-01T00:00:00Z"), ..fewer_extensions() };
    situation.facts.changes = vec![request("leave", Item::Ecqx, Ask::Unsubscribe), later];
    let wanted = [
        ("InstanceEnd", at("2026-10-01T00:00:00Z")),
        ("DrainDeadline", at("2026-10-01T04:00:00Z")),
        ("RetentionEnd", at("2026-10-31T00:00:00Z")),
        ("NameRelease", at("2026-12-30T00:00:00Z")),
    ];
    assert_eq!(events(&upcoming(&situation, at(NOW))), wanted);
}

#[test]
fn an_unsubscription_with_a_date_that_is_yet_to_come_is_foreseen_as_well() {
    let mut situation = fifteen();
    situation.facts.changes = vec![request("leave", Item::Ecqx, Ask::Unsubscribe)];
    let before_the_request = at("2026-09-05T00:00:00Z");
    assert_eq!(upcoming(&situation, before_the_request)[0].event, Event::Milestone(Milestone::InstanceEnd));
    let after = forecast(&situation, at("2026-10-01T00:00:00Z"));
    assert_eq!((after.phase, after.cause), (Phase::Ended, Some(Cause::Unsubscribed)));
    assert_eq!(next_transition(&situation, before_the_request), Some(at("2026-09-10T00:00:00Z")), "the request itself");
}

#[test]
fn a_grace_period_is_followed_by_the_suspension_and_nothing_else() {
    let failed = Life { payment_failed_at: Some(at("2026-09-10T00:00:00Z")), ..Life::new(OrderTerm::Paid) };
    let wanted = [("GraceEnd", at("2026-09-17T00:00:00Z")), ("DrainDeadline", at("2026-09-17T04:00:00Z"))];
    assert_eq!(events(&upcoming(&Situation { life: failed, ..fifteen() }, at(NOW))), wanted);
}

#[test]
fn what_is_on_record_is_not_foreseen_again_when_a_clock_was_set_back() {
    let mut situation = on_trial();
    situation.life.reached = situation.life.reached(&RULES, at("2026-10-02T00:00:00Z"));
    let names: Vec<_> = events(&upcoming(&situation, at(NOW))).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["RetentionEnd", "NameRelease"]);
}
