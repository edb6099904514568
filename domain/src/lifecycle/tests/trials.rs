//! Section 4 of the product rules: trials, their end, and conversion.

use rstest::rstest;

use super::*;

#[test]
fn a_trial_that_has_not_started_has_no_end() {
    let life = Life::new(OrderTerm::Trial);
    assert_eq!(life.phase(&rules(), Timestamp::MAX), Phase::Trial);
    assert_eq!((life.end(), next_transition(&life, &rules(), at(START))), (None, None));
}

#[test]
fn a_trial_lasts_thirty_times_twenty_four_hours() {
    assert_eq!(rules().trial, hours(30 * 24));
    assert_eq!(on_trial().end(), Some((at(END), Cause::TrialEnded)));
    assert_eq!(on_trial().phase(&rules(), before(at(END))), Phase::Trial);
    assert_eq!(on_trial().phase(&rules(), at(END)), Phase::Ended);
}

#[rstest]
#[case::seven_days("2026-09-24T10:00:00Z")]
#[case::three_days("2026-09-28T10:00:00Z")]
#[case::one_day("2026-09-30T10:00:00Z")]
fn reminders_go_out_seven_three_and_one_days_before_the_end_and_at_the_end(#[case] reminder: &str) {
    assert!(milestones(&on_trial()).contains(&(at(reminder), Milestone::TrialReminder)));
    let reminders = milestones(&on_trial()).iter().filter(|(_, what)| *what == Milestone::TrialReminder).count();
    assert_eq!(reminders, 3);
    assert!(milestones(&on_trial()).contains(&(at(END), Milestone::TrialEnd)));
}

#[test]
fn no_reminder_goes_out_at_the_start_of_a_trial_or_before_it() {
    let short = Trial { started_at: at(START), ends_at: at(START) + days(3) };
    let life = Life { trial: Some(short), ..on_trial() };
    let reminders: Vec<_> =
        milestones(&life).into_iter().filter(|(_, what)| *what == Milestone::TrialReminder).collect();
    assert_eq!(reminders, [(at(START) + days(2), Milestone::TrialReminder)]);
}

#[test]
fn at_the_end_no_new_calls_are_taken_and_those_in_progress_may_finish_for_four_hours() {
    assert_eq!(on_trial().out_of_service(&rules(), before(at(END))), None);
    let wanted = OutOfService { since: at(END), cause: Cause::TrialEnded, drain_until: at("2026-10-01T14:00:00Z") };
    assert_eq!(on_trial().out_of_service(&rules(), at(END)), Some(wanted));
    assert!(!on_trial().is_drained(&rules(), before(wanted.drain_until)));
    assert!(on_trial().is_drained(&rules(), wanted.drain_until));
    assert!(!Phase::Ended.in_service());
}

#[test]
fn the_data_is_kept_for_thirty_days_after_the_end() {
    let retention_ends = at("2026-10-31T10:00:00Z");
    assert_eq!(on_trial().phase(&rules(), before(retention_ends)), Phase::Ended);
    assert_eq!(on_trial().phase(&rules(), retention_ends), Phase::Expired);
}

#[test]
fn a_freed_name_is_reserved_for_ninety_days() {
    let released = at("2026-12-30T10:00:00Z");
    assert!(!on_trial().name_is_released(&rules(), before(released)));
    assert!(on_trial().name_is_released(&rules(), released));
    assert!(!paid().name_is_released(&rules(), Timestamp::MAX));
}

#[test]
fn conversion_in_the_trial_leaves_nothing_of_its_end() {
    let life = converted(&on_trial());
    assert_eq!(life.phase(&rules(), at(END) + days(400)), Phase::Paid);
    assert_eq!(milestones(&life), []);
}

#[rstest]
#[case::at_the_end(0)]
#[case::on_the_last_day_of_the_retention(29)]
fn conversion_during_the_retention_brings_the_instance_back(#[case] after: i64) {
    let now = at(END) + days(after);
    let ended = seen(&on_trial(), &deleting(), now);
    assert_eq!(ended.phase(&deleting(), now), Phase::Ended);
    let back = converted(&ended);
    assert_eq!(back.phase(&deleting(), now), Phase::Paid);
    assert_eq!(back.out_of_service(&deleting(), now), None);
    assert_eq!(back.announced_deletion(&deleting(), now), None, "its data is no longer to be deleted");
    assert!(!back.data_is_due(&deleting(), Timestamp::MAX));
    assert!(back.reached(&deleting(), now).is_empty());
}

#[test]
fn the_start_is_recorded_and_its_end_does_not_move_with_the_settings() {
    let longer = LifecycleRules { trial: days(60), ..rules() };
    assert_eq!(on_trial().phase(&longer, at(END)), Phase::Ended);
}

#[test]
fn a_reminder_that_went_out_does_not_go_out_again_when_an_unsubscription_is_taken_back() {
    let now = at("2026-09-25T00:00:00Z");
    let reminded = seen(&on_trial(), &rules(), now);
    let leaving = Life { unsubscribed_at: Some(at("2026-09-30T00:00:00Z")), ..reminded.clone() };
    assert_eq!(leaving.reached(&rules(), now), reminded.reached);
    assert_eq!(next_transition(&leaving, &rules(), now).map(|next| next.milestone), Some(Milestone::InstanceEnd));
}

#[test]
fn an_end_that_is_noticed_late_gives_calls_their_full_time_from_then_on_and_one_that_is_noticed_at_once_moves_nothing()
{
    let back = at(END) + hours(30);
    let late = on_trial().noticed(&rules(), back);
    assert_eq!(late.noticed_at, Some(back));
    let out = late.out_of_service(&rules(), back).unwrap();
    assert_eq!((out.since, out.drain_until), (at(END), back + hours(4)));
    assert!(!late.is_drained(&rules(), before(out.drain_until)) && late.is_drained(&rules(), out.drain_until));
    // Noticed once: neither a later look nor one after it was recorded moves it.
    assert_eq!(late.clone().noticed(&rules(), back + hours(1)), late);
    let in_time = on_trial().noticed(&rules(), at(END));
    assert_eq!(in_time, on_trial());
    let recorded = seen(&in_time, &rules(), at(END));
    assert_eq!(recorded.clone().noticed(&rules(), back), recorded);
    let suspended = Life { suspended_at: Some(at(START)), ..paid() };
    assert_eq!(suspended.clone().noticed(&rules(), at(START) + hours(3)), suspended, "seen when it began");
}
