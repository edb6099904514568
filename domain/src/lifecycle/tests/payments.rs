//! Sections 3 and 5 of the product rules: a renewal that fails, and suspension.

use super::*;

const FAILED: &str = "2026-10-05T08:00:00Z";
const GRACE_ENDS: &str = "2026-10-12T08:00:00Z";

fn unpaid() -> Life {
    Life { payment_failed_at: Some(at(FAILED)), ..paid() }
}

#[test]
fn a_failed_renewal_starts_a_grace_period_of_seven_days_in_service() {
    assert_eq!(unpaid().phase(&rules(), at(FAILED)), Phase::Grace);
    assert_eq!(unpaid().phase(&rules(), before(at(GRACE_ENDS))), Phase::Grace);
    assert!(Phase::Grace.in_service());
}

#[test]
fn after_the_grace_period_the_instance_is_suspended_with_data_and_name_kept() {
    assert_eq!(unpaid().phase(&deleting(), at(GRACE_ENDS)), Phase::Suspended);
    let out = unpaid().out_of_service(&deleting(), at(GRACE_ENDS)).unwrap();
    assert_eq!((out.since, out.cause, out.drain_until), (at(GRACE_ENDS), Cause::Payment, at(GRACE_ENDS) + hours(4)));
    let years_later = at(GRACE_ENDS) + days(3000);
    assert_eq!(unpaid().announced_deletion(&deleting(), years_later), None);
    assert!(!unpaid().name_is_released(&deleting(), years_later));
}

#[test]
fn payment_resumes_a_suspended_instance() {
    let suspended = seen(&unpaid(), &rules(), at(GRACE_ENDS));
    let resumed = Life { payment_failed_at: None, ..suspended };
    assert_eq!(resumed.phase(&rules(), at(GRACE_ENDS)), Phase::Paid);
    assert!(resumed.reached(&rules(), at(GRACE_ENDS)).is_empty());
}

#[test]
fn a_payment_that_fails_again_has_a_grace_period_of_its_own() {
    let suspended = seen(&unpaid(), &rules(), at(GRACE_ENDS));
    let again = Life { payment_failed_at: Some(at("2026-11-05T08:00:00Z")), ..suspended };
    assert_eq!(again.phase(&rules(), at("2026-11-12T07:59:59Z")), Phase::Grace);
    assert_eq!(again.phase(&rules(), at("2026-11-12T08:00:00Z")), Phase::Suspended);
}

#[test]
fn a_trial_is_not_paid_for_so_its_payment_cannot_fail() {
    let life = Life { payment_failed_at: Some(at(FAILED)), trial: None, ..on_trial() };
    assert_eq!(life.phase(&rules(), at(GRACE_ENDS)), Phase::Trial);
}

#[test]
fn an_instance_that_the_provider_suspends_takes_no_new_calls_at_once_until_it_is_resumed() {
    let life = Life { suspended_at: Some(at(FAILED)), ..paid() };
    assert_eq!(life.phase(&rules(), at(FAILED)), Phase::Suspended);
    let out = life.out_of_service(&rules(), at(FAILED)).unwrap();
    assert_eq!((out.since, out.cause, out.drain_until), (at(FAILED), Cause::Provider, at(FAILED) + hours(4)));
    assert_eq!(Life { suspended_at: None, ..life }.phase(&rules(), at(FAILED)), Phase::Paid);
}

#[test]
fn no_second_time_to_finish_calls_begins_with_a_second_cause() {
    let suspended = Life { suspended_at: Some(at(FAILED)), ..unpaid() };
    let drained = at(FAILED) + hours(4);
    let end = at("2026-11-01T00:00:00Z");
    let leaving = Life { unsubscribed_at: Some(end), ..suspended };
    for now in [drained, at(GRACE_ENDS), end, end + hours(1)] {
        assert!(leaving.is_drained(&rules(), now), "{now}");
        let leaving = seen(&leaving, &rules(), now);
        assert!(leaving.is_drained(&rules(), now), "{now}, on record");
    }
    assert_eq!(leaving.out_of_service(&rules(), end).map(|out| out.cause), Some(Cause::Unsubscribed));
    let deadlines = milestones(&leaving).into_iter().filter(|(_, what)| *what == Milestone::DrainDeadline);
    assert_eq!(deadlines.collect::<Vec<_>>(), [(drained, Milestone::DrainDeadline)]);
}

#[test]
fn a_trial_that_is_suspended_runs_on_to_its_end() {
    let life = Life { suspended_at: Some(at("2026-09-10T00:00:00Z")), ..on_trial() };
    assert_eq!(life.phase(&rules(), before(at(END))), Phase::Suspended);
    assert_eq!(life.phase(&rules(), at(END)), Phase::Ended);
}
