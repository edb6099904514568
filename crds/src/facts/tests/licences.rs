//! Grants and changes.

use super::*;

fn twenty() -> Value {
    json!([{ "id": "a", "feature": "CallRecording", "quantity": 20, "term": "Paid" }])
}

fn request_for_twelve() -> Value {
    json!([{ "id": "r", "service": "CallRecording", "kind": "Decrease", "newQuantity": 12 }])
}

fn with_five_more(mut set: LicenseSet) -> LicenseSet {
    let five = json!({ "id": "b", "feature": "CallRecording", "quantity": 5, "term": "Paid" });
    set.spec.grants.push(serde_json::from_value(five).unwrap());
    set
}

fn with_the_request(mut set: LicenseSet) -> LicenseSet {
    set.spec.changes = licenses(json!([]), request_for_twelve(), json!({})).spec.changes;
    set
}

/// 20 ports, a request for 12 a day later, an order of 5 another day later, each recorded when it was first seen.
fn story() -> LicenseSet {
    let set = recorded(&licenses(twenty(), json!([]), json!({})), "2025-10-19T09:00:00Z");
    let set = recorded(&with_the_request(set), "2025-10-20T09:00:00Z");
    recorded(&with_five_more(set), "2025-10-21T09:00:00Z")
}

fn facts(set: &LicenseSet, now: &str) -> Facts {
    facts_of(set, &defaults().calendar, at(now))
}

#[test]
fn without_a_time_the_first_sight_counts_and_is_now() {
    let facts = facts(&licenses(twenty(), request_for_twelve(), json!({})), "2025-10-20T09:00:00Z");
    assert_eq!(facts.grants[0].granted_at, Some(at("2025-10-20T09:00:00Z")));
    assert_eq!(facts.changes[0].requested_at, at("2025-10-20T09:00:00Z"));
    assert_eq!(facts.changes[0].effective_at, at("2025-11-01T00:00:00Z"));
    assert_eq!(facts.changes[0].service, Item::Feature(Feature::CallRecording));
    assert_eq!(facts.changes[0].ask, Ask::Decrease { new_quantity: 12 });
}

#[test]
fn a_first_sight_stands_as_it_was_recorded() {
    let facts = facts(&story(), "2025-10-28T00:00:00Z");
    assert_eq!(facts.grants[0].granted_at, Some(at("2025-10-19T09:00:00Z")));
    assert_eq!(facts.changes[0].requested_at, at("2025-10-20T09:00:00Z"));
}

#[test]
fn what_was_written_counts_as_it_was_written() {
    let mut set = licenses(twenty(), json!([]), json!({}));
    set.spec.grants[0].granted_at = Some(MicroTime(at("2025-12-01T00:00:00Z")));
    let set = recorded(&set, "2025-10-20T09:00:00Z");
    assert_eq!((ports(&set, "2025-11-30T23:59:59Z"), ports(&set, "2025-12-01T00:00:00Z")), (0, 20));
}

#[test]
fn twenty_then_a_request_for_twelve_then_five_more_are_25_now_and_17_next_month() {
    assert_eq!((ports(&story(), "2025-10-31T23:59:59Z"), ports(&story(), "2025-11-01T00:00:00Z")), (25, 17));
}

#[test]
fn a_first_sight_is_never_later_than_now_and_the_order_of_facts_survives_a_clock_that_is_set_back() {
    for now in ["2025-10-21T08:59:59Z", "2025-10-20T09:00:00Z", "2025-10-01T00:00:00Z", "2025-09-01T00:00:00Z"] {
        let facts = facts(&story(), now);
        assert!(facts.grants.iter().all(|grant| grant.granted_at <= Some(at(now))), "{now}");
        assert!(facts.changes.iter().all(|change| change.requested_at <= at(now)), "{now}");
        assert_eq!(ports(&story(), now), 25, "{now}: nothing that counts is undone");
        let pending = ledger::Verdict::Pending { reduction: 8, effective_at: at("2025-11-01T00:00:00Z") };
        assert_eq!(standing(&story(), now).requests["r"], pending, "{now}");
        let looked_at = recorded(&story(), now);
        assert_eq!(ports(&looked_at, "2025-11-01T00:00:00Z"), 17, "{now}: recorded under the wrong clock");
    }
}

#[test]
fn a_fact_that_was_seen_under_a_clock_that_was_fast_counts_from_now_once_it_is_right() {
    let fast = recorded(&licenses(twenty(), json!([]), json!({})), "2026-01-01T00:00:00Z");
    let set = recorded(&fast, "2025-10-19T09:00:00Z");
    let set = recorded(&with_the_request(set), "2025-10-20T09:00:00Z");
    assert_eq!((ports(&set, "2025-10-31T00:00:00Z"), ports(&set, "2025-11-01T00:00:00Z")), (20, 12));
}

#[test]
fn times_that_were_written_and_have_come_are_not_undone_by_a_clock_that_is_set_back() {
    let mut set = licenses(twenty(), request_for_twelve(), json!({}));
    set.spec.grants[0].granted_at = Some(MicroTime(at("2025-10-01T00:00:00Z")));
    set.spec.changes[0].requested_at = Some(MicroTime(at("2025-10-20T09:00:00Z")));
    let set = recorded(&set, "2025-11-02T00:00:00Z");
    for now in ["2025-10-31T00:00:00Z", "2025-10-10T00:00:00Z", "2025-08-01T00:00:00Z"] {
        assert_eq!(ports(&set, now), 12, "{now}");
    }
}

#[test]
fn an_effective_date_on_record_does_not_move_when_settings_change() {
    let late = "2025-10-29T12:00:00Z";
    let unsubscribe = json!([{ "id": "r", "service": "CallRecording", "kind": "Unsubscribe", "requestedAt": late }]);
    let fresh = licenses(twenty(), unsubscribe, json!({}));
    let set = recorded(&fresh, "2025-10-29T13:00:00Z");
    let stricter = settings(&json!({ "billing": { "cutOffWorkingDays": 10, "timeZone": "Asia/Yerevan" } }));
    let date = |set: &LicenseSet| facts_of(set, &stricter.calendar, at("2025-10-30T00:00:00Z")).changes[0].effective_at;
    assert_eq!(date(&set), at("2025-11-01T00:00:00Z"));
    assert_eq!(date(&fresh), at("2025-11-30T20:00:00Z"), "not on record yet: the settings of now");
}

/// A grant of two ports that began on 1 October 2025.
fn lent(term: &str) -> Value {
    json!({ "id": "t", "feature": "CallRecording", "quantity": 2, "term": term, "grantedAt": "2025-10-01T00:00:00Z" })
}

fn on_record(state: &str) -> Value {
    let until = "2025-10-31T00:00:00Z";
    json!({ "grants": [{ "id": "t", "countsFrom": "2025-10-01T00:00:00Z", "until": until, "state": state }] })
}

#[test]
fn the_end_of_a_trial_on_record_does_not_move() {
    let set = licenses(json!([lent("Trial")]), json!([]), on_record("InForce"));
    assert_eq!((ports(&set, "2025-10-30T23:59:59Z"), ports(&set, "2025-10-31T00:00:00Z")), (2, 0));
}

#[test]
fn a_trial_that_was_refused_or_is_not_yet_on_record_never_counts() {
    let trial = json!([lent("Trial")]);
    let now = "2025-10-02T00:00:00Z";
    assert_eq!(ports(&licenses(trial.clone(), json!([]), json!({})), now), 0);
    assert_eq!(ports(&licenses(trial.clone(), json!([]), on_record("Refused")), now), 0);
    assert_eq!(ports(&licenses(trial, json!([]), on_record("InForce")), now), 2);
    let both = with_five_more(licenses(json!([lent("Trial")]), json!([]), on_record("Refused")));
    assert_eq!(ports(&both, now), 5, "and takes nothing from what is bought");
}

#[test]
fn a_trial_or_promotion_that_has_ended_does_not_come_back_when_a_clock_is_set_back() {
    for term in ["Trial", "Promotion"] {
        let set = licenses(json!([lent(term)]), json!([]), on_record("Ended"));
        for now in ["2025-10-30T00:00:00Z", "2025-10-02T00:00:00Z", "2025-09-01T00:00:00Z"] {
            assert_eq!(ports(&set, now), 0, "{term} at {now}");
        }
    }
}

#[test]
fn a_promotion_counts_for_its_days_of_24_hours_and_without_days_as_long_as_the_instance() {
    let mut set = licenses(json!([lent("Promotion")]), json!([]), json!({}));
    assert_eq!(ports(&set, "2999-01-01T00:00:00Z"), 2);
    set.spec.grants[0].days = Some(10);
    assert_eq!((ports(&set, "2025-10-10T23:59:59Z"), ports(&set, "2025-10-11T00:00:00Z")), (2, 0));
    let mut set = recorded(&set, "2025-10-02T00:00:00Z");
    set.spec.grants[0].days = Some(99);
    assert_eq!(ports(&set, "2025-10-11T00:00:00Z"), 0, "its end is on record");
}

#[test]
fn what_has_taken_effect_stays_so_when_the_clock_goes_back() {
    let applied = recorded(&story(), "2025-11-01T00:00:00Z");
    for now in ["2025-10-31T23:59:59Z", "2025-10-21T12:00:00Z", "2025-10-20T00:00:00Z", "2025-01-01T00:00:00Z"] {
        assert_eq!(ports(&applied, now), 17, "{now}");
        let verdict = standing(&applied, now).requests["r"].clone();
        assert!(matches!(verdict, ledger::Verdict::Applied { reduction: 8, .. }), "{now}: {verdict:?}");
    }
}

#[test]
fn cancelling_after_it_has_taken_effect_has_no_effect_whatever_date_is_written() {
    let mut set = recorded(&story(), "2025-11-01T00:00:00Z");
    set.spec.changes[0].cancelled = true;
    assert_eq!(ports(&set, "2025-11-02T00:00:00Z"), 17);
    set.spec.changes[0].cancelled_at = Some(MicroTime(at("2025-10-25T00:00:00Z")));
    assert_eq!(ports(&set, "2025-11-02T00:00:00Z"), 17);
}

#[test]
fn cancelling_in_time_counts_from_its_first_sight_and_stays() {
    let mut set = story();
    set.spec.changes[0].cancelled = true;
    let set = recorded(&set, "2025-10-25T00:00:00Z");
    assert_eq!(set.status.as_ref().unwrap().changes[0].cancelled_at, Some(MicroTime(at("2025-10-25T00:00:00Z"))));
    assert_eq!(ports(&set, "2025-11-02T00:00:00Z"), 25);
    let set_back = standing(&set, "2025-10-22T00:00:00Z").requests["r"].clone();
    assert!(matches!(set_back, ledger::Verdict::Cancelled { .. }), "{set_back:?}");
}

#[test]
fn first_seen_too_late_a_cancellation_takes_nothing_back() {
    let mut set = story();
    set.spec.changes[0].cancelled = true;
    assert_eq!(ports(&set, "2025-11-01T00:00:00Z"), 17, "at the very instant of the effect");
}
