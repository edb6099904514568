//! Section 5 of the product rules: the ecQX itself is unsubscribed.

use super::*;

const LEAVES: &str = "2026-11-01T00:00:00Z";

fn leaving() -> Life {
    Life { unsubscribed_at: Some(at(LEAVES)), ..paid() }
}

#[test]
fn unsubscribing_the_ecqx_ends_the_instance_at_that_date() {
    assert_eq!(leaving().phase(&rules(), before(at(LEAVES))), Phase::Paid);
    assert_eq!(leaving().phase(&rules(), at(LEAVES)), Phase::Ended);
    assert_eq!(leaving().ended(at(LEAVES)), Some((at(LEAVES), Cause::Unsubscribed)));
    assert_eq!(next_transition(&leaving(), &rules(), at(START)).map(|next| next.at), Some(at(LEAVES)));
}

#[test]
fn retention_and_name_reservation_are_as_at_the_end_of_a_trial() {
    let wanted = [
        (at(LEAVES), Milestone::InstanceEnd),
        (at(LEAVES) + hours(4), Milestone::DrainDeadline),
        (at(LEAVES) + days(30), Milestone::RetentionEnd),
        (at(LEAVES) + days(90), Milestone::NameRelease),
    ];
    assert_eq!(milestones(&leaving()), wanted);
    assert_eq!(leaving().phase(&rules(), at(LEAVES) + days(30)), Phase::Expired);
    assert!(leaving().name_is_released(&rules(), at(LEAVES) + days(90)));
}

#[test]
fn a_trial_that_is_unsubscribed_ends_by_whichever_comes_first() {
    let before_its_end = Life { unsubscribed_at: Some(at("2026-09-20T00:00:00Z")), ..on_trial() };
    assert_eq!(before_its_end.end(), Some((at("2026-09-20T00:00:00Z"), Cause::Unsubscribed)));
    assert!(milestones(&before_its_end).iter().all(|(_, what)| *what != Milestone::TrialReminder));
    let after = Life { unsubscribed_at: Some(at(LEAVES)), ..on_trial() };
    assert_eq!(after.end(), Some((at(END), Cause::TrialEnded)));
}

#[test]
fn an_instance_that_has_ended_is_not_brought_back_by_a_payment_or_by_its_term() {
    let life = Life { payment_failed_at: Some(at("2026-10-20T00:00:00Z")), ..leaving() };
    let ended = seen(&life, &rules(), at(LEAVES));
    assert_eq!(Life { payment_failed_at: None, ..ended.clone() }.phase(&rules(), at(LEAVES)), Phase::Ended);
    assert_eq!(converted(&ended).phase(&rules(), at(LEAVES)), Phase::Ended);
}

#[test]
fn a_grace_period_that_the_end_overtakes_suspends_nothing() {
    let life = Life { payment_failed_at: Some(at("2026-10-28T00:00:00Z")), ..leaving() };
    assert!(milestones(&life).iter().all(|(_, what)| *what != Milestone::GraceEnd));
    assert_eq!(life.phase(&rules(), before(at(LEAVES))), Phase::Grace);
    assert_eq!(life.phase(&rules(), at(LEAVES)), Phase::Ended);
}
