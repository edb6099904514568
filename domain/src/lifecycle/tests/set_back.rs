//! A clock that is set back undoes nothing that is on record, and brings nothing a second time.

use rstest::rstest;

use super::*;

fn unpaid() -> Life {
    Life { payment_failed_at: Some(at("2026-10-05T08:00:00Z")), ..paid() }
}

fn leaving() -> Life {
    Life { unsubscribed_at: Some(at("2026-11-01T00:00:00Z")), ..paid() }
}

fn suspended() -> Life {
    Life { suspended_at: Some(at("2026-10-05T08:00:00Z")), ..paid() }
}

#[rstest]
fn nothing_that_is_on_record_is_undone_by_a_clock_that_is_set_back(
    #[values(on_trial(), unpaid(), leaving(), suspended())] life: Life,
    #[values(1, 24, 40 * 24, 400 * 24)] by: i64,
) {
    for milestone in life.milestones(&deleting()) {
        let right = milestone.at;
        let on_record = seen(&life, &deleting(), right);
        let wrong = right - hours(by);
        assert_eq!(on_record.phase(&deleting(), wrong), on_record.phase(&deleting(), right));
        assert_eq!(on_record.out_of_service(&deleting(), wrong), on_record.out_of_service(&deleting(), right));
        assert_eq!(on_record.is_drained(&deleting(), wrong), on_record.is_drained(&deleting(), right));
        assert_eq!(on_record.reached(&deleting(), wrong), on_record.reached);
        assert_eq!(on_record.announced_deletion(&deleting(), wrong), on_record.data_deletion_at);
        let coming = next_transition(&on_record, &deleting(), wrong);
        assert!(coming.is_none_or(|next| next.at > right), "{milestone:?} would come twice: {coming:?}");
    }
}

#[test]
fn an_end_on_record_is_not_undone_by_an_earlier_one_that_is_yet_to_come_by_the_wrong_clock() {
    let ended = seen(&on_trial(), &rules(), at(END));
    let leaving = Life { unsubscribed_at: Some(at("2026-09-20T00:00:00Z")), ..ended };
    assert_eq!(leaving.phase(&rules(), at("2026-09-10T00:00:00Z")), Phase::Ended);
    assert_eq!(leaving.end(), Some((at(END), Cause::TrialEnded)));
}

#[test]
fn a_suspension_on_record_is_not_undone_by_an_earlier_end_that_is_yet_to_come_by_the_wrong_clock() {
    let suspended = seen(&unpaid(), &rules(), at("2026-10-12T08:00:00Z"));
    let leaving = Life { unsubscribed_at: Some(at("2026-10-11T00:00:00Z")), ..suspended };
    let wrong = at("2026-10-01T00:00:00Z");
    assert_eq!(leaving.phase(&rules(), wrong), Phase::Suspended);
    assert_eq!(seen(&leaving, &rules(), wrong).phase(&rules(), wrong), Phase::Suspended);
}
