//! Section 4 of the product rules: when data is deleted, and when it is not.

use super::*;

#[test]
fn data_is_never_deleted_where_that_is_not_switched_on() {
    assert!(!rules().delete_data, "it is off by default");
    let long_after = at(END) + days(3000);
    assert_eq!(on_trial().announced_deletion(&rules(), long_after), None);
    let announced_once = Life { data_deletion_at: Some(at(END) + days(30)), ..on_trial() };
    assert!(!announced_once.data_is_due(&rules(), long_after), "switched off after it was announced");
    assert!(milestones(&announced_once).iter().all(|(_, what)| *what != Milestone::DataDeletion));
}

#[test]
fn data_is_deleted_at_the_end_of_the_retention_and_shown_seven_days_ahead() {
    let life = seen(&on_trial(), &deleting(), at(END));
    let due = at("2026-10-31T10:00:00Z");
    assert_eq!(life.data_deletion_at, Some(due));
    assert!(!life.data_is_due(&deleting(), before(due)));
    assert!(life.data_is_due(&deleting(), due));
    let notice = Reached { at: at("2026-10-24T10:00:00Z"), milestone: Milestone::DeletionNotice };
    assert!(life.milestones(&deleting()).contains(&notice));
}

#[test]
fn nothing_is_announced_before_the_end_and_the_deletion_is_foreseen_all_the_same() {
    assert_eq!(on_trial().announced_deletion(&deleting(), before(at(END))), None);
    let deletion = Reached { at: at(END) + days(30), milestone: Milestone::DataDeletion };
    assert!(!on_trial().milestones(&deleting()).contains(&deletion));
    assert!(on_trial().foreseen(&deleting()).contains(&deletion));
    assert!(!on_trial().foreseen(&rules()).contains(&deletion));
}

#[test]
fn data_is_never_deleted_less_than_seven_days_after_it_was_first_said() {
    // The operator was away for long, or deletion was switched on only now: the retention is over already.
    let now = at(END) + days(100);
    let life = seen(&on_trial(), &deleting(), now);
    assert_eq!(life.data_deletion_at, Some(now + days(7)));
    assert!(!life.data_is_due(&deleting(), now));
}

#[test]
fn the_date_of_a_deletion_stands_once_it_was_said() {
    let life = seen(&on_trial(), &deleting(), at(END));
    let said = life.data_deletion_at;
    let shorter = LifecycleRules { retention: days(1), deletion_notice: days(1), ..deleting() };
    let longer = LifecycleRules { retention: days(300), ..deleting() };
    for rules in [shorter, longer] {
        assert_eq!(life.announced_deletion(&rules, at(END) + days(5)), said);
    }
}

#[test]
fn a_deletion_that_was_announced_for_an_earlier_end_is_not_carried_out_at_a_later_one() {
    // Ended, announced, converted, unsubscribed, and all that without the operator seeing it.
    let announced = seen(&on_trial(), &deleting(), at(END));
    let left_at = at("2027-01-01T00:00:00Z");
    let life = Life { unsubscribed_at: Some(left_at), ..converted(&announced) };
    assert!(!life.data_is_due(&deleting(), left_at));
    assert_eq!(life.announced_deletion(&deleting(), left_at), Some(left_at + days(30)));
}

#[test]
fn the_date_from_which_others_may_take_the_name_stands_once_it_was_said() {
    let said = Life { name_release_at: on_trial().name_release(&rules()), ..on_trial() };
    assert_eq!(said.name_release_at, Some(at(END) + days(90)));
    let shorter = LifecycleRules { name_reservation: days(31), ..rules() };
    assert_eq!(said.name_release(&shorter), Some(at(END) + days(90)));
    assert!(!said.name_is_released(&shorter, at(END) + days(89)));
    let other_end = Life { unsubscribed_at: Some(at("2027-01-01T00:00:00Z")), ..converted(&said) };
    let expected = at("2027-01-01T00:00:00Z") + days(31);
    assert_eq!(other_end.name_release(&shorter), Some(expected), "an end that was undone has no reservation");
}
