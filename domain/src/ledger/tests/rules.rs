//! Sections 1, 4 and 5 of the product rules, as far as they are the ledger's.

use super::*;

const OCT_1: &str = "2025-10-01T00:00:00Z";
const OCT_20: &str = "2025-10-20T09:00:00Z";
const OCT_21: &str = "2025-10-21T09:00:00Z";
const OCT_22: &str = "2025-10-22T09:00:00Z";
const OCT_31: &str = "2025-10-31T23:59:59Z";
const NOV_1: &str = "2025-11-01T00:00:00Z";
const DEC_1: &str = "2025-12-01T00:00:00Z";

fn facts(grants: &[Grant], changes: &[Change]) -> Facts {
    Facts { grants: grants.to_vec(), changes: changes.to_vec() }
}

fn twenty() -> Grant {
    paid("a", 20, OCT_1)
}

fn extensions(quantity: u32, granted_at: &str) -> Grant {
    Grant { feature: Feature::IpPhoneExtension, ..paid("extensions", quantity, granted_at) }
}

#[test]
fn five_extensions_and_an_order_of_ten_make_fifteen_at_once() {
    let facts = facts(&[extensions(10, OCT_20)], &[]);
    let count = |now| standing(&facts, &catalogue(), at(now)).entitlements.quantity(Feature::IpPhoneExtension);
    assert_eq!((count(OCT_1), count(OCT_20)), (5, 15));
}

#[test]
fn without_a_grant_the_base_configuration_holds() {
    let standing = standing(&Facts::default(), &catalogue(), at(OCT_1));
    assert_eq!(standing.entitlements.limits().audio_conference, 4);
    assert_eq!(standing.entitlements.limits().call_recording, 0);
}

#[test]
fn a_grant_without_a_date_counts_since_ever() {
    let grant = Grant { granted_at: None, ..twenty() };
    assert_eq!(ports(&facts(&[grant], &[]), OCT_1), 20);
}

#[test]
fn a_sum_over_the_maximum_stays_at_the_maximum_and_says_what_is_held_back() {
    let facts = facts(&[paid("a", 152, OCT_1), paid("b", u32::MAX, OCT_1)], &[]);
    let standing = standing(&facts, &catalogue(), at(OCT_20));
    let held: Vec<_> = standing.entitlements.over_maximum().collect();
    assert_eq!((held.len(), held[0].quantity, held[0].maximum), (1, 152, 152));
    assert_eq!(held[0].held_back(), u64::from(u32::MAX));
}

#[test]
fn the_maximum_itself_is_not_over_the_maximum() {
    let standing = standing(&facts(&[extensions(2995, OCT_1)], &[]), &catalogue(), at(OCT_20));
    assert_eq!(standing.entitlements.quantity(Feature::IpPhoneExtension), 3000);
    assert_eq!(standing.entitlements.over_maximum().count(), 0);
}

#[test]
fn twenty_ports_and_a_request_for_twelve_make_twelve_on_the_first_of_the_next_month() {
    let facts = facts(&[twenty()], &[decrease_to(12, "r", OCT_20, NOV_1)]);
    assert_eq!((ports(&facts, OCT_20), ports(&facts, OCT_31), ports(&facts, NOV_1)), (20, 20, 12));
    assert_eq!(verdict(&facts, "r", OCT_31), Verdict::Pending { reduction: 8, effective_at: at(NOV_1) });
    assert_eq!(verdict(&facts, "r", NOV_1), Verdict::Applied { reduction: 8, at: at(NOV_1) });
}

#[test]
fn twenty_ports_a_request_for_twelve_then_an_order_of_five_make_25_now_and_17_next_month() {
    let facts = facts(&[twenty(), paid("b", 5, OCT_21)], &[decrease_to(12, "r", OCT_20, NOV_1)]);
    assert_eq!((ports(&facts, OCT_21), ports(&facts, NOV_1)), (25, 17));
}

#[test]
fn unsubscribing_removes_what_was_paid_at_the_request_and_a_later_order_stays() {
    let request = change("r", Ask::Unsubscribe, OCT_20, NOV_1);
    assert_eq!(ports(&facts(&[twenty()], std::slice::from_ref(&request)), NOV_1), 0);
    assert_eq!(ports(&facts(&[twenty(), paid("b", 5, OCT_21)], &[request]), NOV_1), 5);
}

#[test]
fn a_request_that_rolled_over_takes_effect_a_month_later() {
    let facts = facts(&[twenty()], &[change("r", Ask::Unsubscribe, OCT_31, DEC_1)]);
    assert_eq!((ports(&facts, NOV_1), ports(&facts, DEC_1)), (20, 0));
}

#[test]
fn a_later_request_replaces_the_pending_one_and_is_measured_against_the_quantity_then() {
    let facts = facts(
        &[twenty(), paid("b", 5, OCT_21)],
        &[decrease_to(12, "first", OCT_20, NOV_1), decrease_to(18, "second", OCT_22, NOV_1)],
    );
    assert_eq!(ports(&facts, NOV_1), 18);
    assert_eq!(verdict(&facts, "first", OCT_22), Verdict::Replaced { by: "second".into() });
    assert_eq!(verdict(&facts, "second", OCT_22), Verdict::Pending { reduction: 7, effective_at: at(NOV_1) });
}

#[test]
fn an_unsubscription_replaces_a_pending_decrease() {
    let requests = [decrease_to(12, "first", OCT_20, NOV_1), change("second", Ask::Unsubscribe, OCT_21, NOV_1)];
    assert_eq!(ports(&facts(&[twenty()], &requests), NOV_1), 0);
}

#[test]
fn a_request_for_the_present_quantity_takes_a_pending_one_back() {
    let requests = [decrease_to(12, "first", OCT_20, NOV_1), decrease_to(20, "second", OCT_21, NOV_1)];
    assert_eq!(ports(&facts(&[twenty()], &requests), NOV_1), 20);
}

#[test]
fn a_pending_request_can_be_cancelled_until_it_takes_effect() {
    let cancelled = |cancelled_at| {
        let request = Change { cancelled_at: Some(at(cancelled_at)), ..decrease_to(12, "r", OCT_20, NOV_1) };
        facts(&[twenty()], &[request])
    };
    assert_eq!(ports(&cancelled(OCT_31), NOV_1), 20);
    assert_eq!(verdict(&cancelled(OCT_31), "r", NOV_1), Verdict::Cancelled { at: at(OCT_31) });
    assert_eq!(ports(&cancelled(NOV_1), NOV_1), 12, "at the very instant of the effect it is too late");
}

#[test]
fn a_request_that_was_replaced_does_not_come_back_when_the_later_one_is_cancelled() {
    let later = Change { cancelled_at: Some(at(OCT_31)), ..decrease_to(18, "second", OCT_21, NOV_1) };
    let facts = facts(&[twenty()], &[decrease_to(12, "first", OCT_20, NOV_1), later]);
    assert_eq!(ports(&facts, NOV_1), 20);
}

#[test]
fn a_request_for_more_than_the_present_quantity_is_refused_and_leaves_the_pending_one() {
    let requests = [decrease_to(12, "first", OCT_20, NOV_1), decrease_to(21, "second", OCT_21, NOV_1)];
    let facts = facts(&[twenty()], &requests);
    assert_eq!(verdict(&facts, "second", OCT_21), Verdict::Refused(Refusal::Increase { wanted: 21, present: 20 }));
    assert_eq!(ports(&facts, NOV_1), 12);
}

#[test]
fn a_decrease_to_zero_is_refused_with_a_pointer_to_unsubscribing() {
    let facts = facts(&[twenty()], &[decrease_to(0, "r", OCT_20, NOV_1)]);
    let Verdict::Refused(refusal) = verdict(&facts, "r", OCT_20) else { panic!("accepted") };
    assert!(refusal.to_string().contains("unsubscribe instead"));
    assert_eq!(ports(&facts, NOV_1), 20);
}

#[test]
fn neither_base_nor_trials_nor_promotions_can_be_reduced_nor_do_they_count() {
    let promotion = Grant { term: Term::Promotion, until: None, ..paid("p", 7, OCT_1) };
    let given = [trial("t", 3, OCT_1, DEC_1), promotion];
    let alone = facts(&given, &[decrease_to(2, "r", OCT_20, NOV_1)]);
    assert_eq!(verdict(&alone, "r", OCT_20), Verdict::Refused(Refusal::NothingPaid));
    let grants =
        [given[0].clone(), given[1].clone(), Grant { feature: Feature::AudioConference, ..paid("c", 10, OCT_1) }];
    let request = Change { service: Item::Feature(Feature::AudioConference), ..decrease_to(6, "r", OCT_20, NOV_1) };
    let facts = facts(&grants, &[request]);
    let conference = standing(&facts, &catalogue(), at(NOV_1)).entitlements.quantity(Feature::AudioConference);
    assert_eq!(conference, 4 + 6, "6 of the paid 10 are left, beside the base of 4");
}

#[test]
fn a_pending_decrease_makes_no_room_below_a_maximum_until_it_takes_effect() {
    let facts = facts(&[paid("a", 152, OCT_1), paid("b", 10, OCT_21)], &[decrease_to(140, "r", OCT_20, NOV_1)]);
    let held =
        |now| standing(&facts, &catalogue(), at(now)).entitlements.get(Feature::CallRecording).unwrap().held_back();
    assert_eq!((held(OCT_31), held(NOV_1)), (10, 0));
    assert_eq!(ports(&facts, NOV_1), 150);
}

#[test]
fn a_trial_grant_runs_to_its_end() {
    let facts = facts(&[trial("t", 3, OCT_1, "2025-10-31T00:00:00Z")], &[]);
    assert_eq!((ports(&facts, "2025-10-30T23:59:59Z"), ports(&facts, "2025-10-31T00:00:00Z")), (3, 0));
}

#[test]
fn a_paid_grant_ends_the_trial_grant_of_the_same_feature_that_began_before_it() {
    let facts = facts(&[trial("t", 3, OCT_1, DEC_1), paid("p", 2, OCT_20)], &[]);
    assert_eq!((ports(&facts, OCT_1), ports(&facts, OCT_20), ports(&facts, NOV_1)), (3, 2, 2));
}

#[test]
fn a_trial_grant_of_a_feature_that_was_not_bought_runs_to_its_own_end() {
    let other = Grant { feature: Feature::CallCenter, ..paid("p", 2, OCT_20) };
    assert_eq!(ports(&facts(&[trial("t", 3, OCT_1, DEC_1), other], &[]), NOV_1), 3);
}

#[test]
fn unsubscribing_the_ecqx_ends_the_instance_with_every_service_on_it() {
    let end = Change { service: Item::Ecqx, ..change("end", Ask::Unsubscribe, OCT_20, NOV_1) };
    let later = decrease_to(12, "r", OCT_21, DEC_1);
    let facts = facts(&[twenty()], &[end, later]);
    let then = standing(&facts, &catalogue(), at(NOV_1));
    assert_eq!(then.ended_at, Some(at(NOV_1)));
    assert!(then.entitlements.iter().all(|entitlement| entitlement.quantity == 0));
    assert_eq!(then.requests["r"], Verdict::Void);
    assert_eq!(standing(&facts, &catalogue(), at(OCT_31)).ended_at, None);
}

#[test]
fn the_ecqx_itself_cannot_be_decreased() {
    let request = Change { service: Item::Ecqx, ..decrease_to(1, "r", OCT_20, NOV_1) };
    assert_eq!(verdict(&facts(&[], &[request]), "r", OCT_20), Verdict::Refused(Refusal::NoQuantity));
}

#[test]
fn the_next_transition_is_the_next_instant_at_which_anything_changes() {
    let facts = facts(&[twenty(), paid("b", 5, OCT_21)], &[decrease_to(12, "r", OCT_20, NOV_1)]);
    let next = |now| next_transition(&facts, &catalogue(), at(now));
    assert_eq!(next(OCT_1), Some(at(OCT_20)), "the request is made");
    assert_eq!(next(OCT_20), Some(at(OCT_21)), "the order counts");
    assert_eq!(next(OCT_21), Some(at(NOV_1)), "the decrease takes effect");
    assert_eq!(next(NOV_1), None);
}
