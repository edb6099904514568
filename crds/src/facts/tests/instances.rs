//! The life of an instance, and all that is known of it.

use ecqx_domain::{
    foresight,
    lifecycle::{LifecycleRules, Milestone, Phase},
};

use super::*;

const NOW: &str = "2026-10-05T08:00:00Z";

fn instance(mut spec: Value, status: Value) -> EcqxInstance {
    spec["hostname"] = json!("tatev");
    let spec: EcqxInstanceSpec = serde_json::from_value(spec).unwrap();
    let status: EcqxInstanceStatus = serde_json::from_value(status).unwrap();
    EcqxInstance { metadata: ObjectMeta::default(), spec, status: Some(status) }
}

fn life(instance: &EcqxInstance, now: &str) -> Life {
    let none = licenses(json!([]), json!([]), json!({}));
    life_of(instance, &standing(&none, now), at(now))
}

/// Licences of an instance that is unsubscribed from 1 November 2026 on.
fn leaving() -> LicenseSet {
    let requested = "2026-10-01T00:00:00Z";
    let request = json!([{ "id": "r", "service": "Ecqx", "kind": "Unsubscribe", "requestedAt": requested }]);
    licenses(json!([]), request, json!({}))
}

/// The status of a trial that has ended, and of which the data is to be deleted.
fn ended() -> Value {
    let end = "2026-10-01T00:00:00Z";
    json!({
        "trial": { "startedAt": "2026-09-01T00:00:00Z", "endsAt": end },
        "endedAt": end,
        "dataDeletionAt": "2026-10-31T00:00:00Z",
        "reached": [{ "at": end, "what": "TrialEnd" }, { "at": end, "what": "Unheard of" }],
    })
}

fn out_of_service(since: &str, cause: &str) -> Value {
    json!({ "since": since, "cause": cause, "drainUntil": "2026-10-01T04:00:00Z" })
}

#[test]
fn the_dates_on_record_are_those_of_the_life() {
    let life = life(&instance(json!({ "term": "Trial" }), ended()), NOW);
    assert_eq!(life.trial.map(|trial| trial.ends_at), Some(at("2026-10-01T00:00:00Z")));
    assert_eq!(life.data_deletion_at, Some(at("2026-10-31T00:00:00Z")));
    let reached = Reached { at: at("2026-10-01T00:00:00Z"), milestone: Milestone::TrialEnd };
    assert_eq!(life.reached, [reached].into(), "what nobody knows is left out");
    let set_back = at("2026-09-15T00:00:00Z");
    assert_eq!(life.phase(&defaults().lifecycle, set_back), Phase::Ended);
}

#[test]
fn an_announced_deletion_belongs_to_its_end_and_to_no_other() {
    // Converted after the announcement, then unsubscribed, the operator away all the time.
    let deleting = json!({ "lifecycle": { "retention": { "deleteData": true } } });
    let rules: LifecycleRules = settings(&deleting).lifecycle;
    let now = "2026-11-20T00:00:00Z";
    let mut status = ended();
    status["dataDeletionAt"] = json!("2026-11-10T00:00:00Z");
    let life = life_of(&instance(json!({ "term": "Paid" }), status), &standing(&leaving(), now), at(now));
    assert_eq!(life.end().map(|(at, _)| at), Some(at("2026-11-01T00:00:00Z")));
    assert!(!life.data_is_due(&rules, at(now)));
    assert_eq!(life.announced_deletion(&rules, at(now)), Some(at("2026-12-01T00:00:00Z")));
}

#[test]
fn the_end_comes_from_the_licences_before_it_and_after_it() {
    for now in [NOW, "2026-11-20T00:00:00Z"] {
        let life = life_of(&instance(json!({}), json!({})), &standing(&leaving(), now), at(now));
        assert_eq!(life.unsubscribed_at, Some(at("2026-11-01T00:00:00Z")));
    }
}

#[test]
fn a_suspension_is_recorded_at_its_first_sight_and_is_never_later_than_now() {
    let out = |since| json!({ "outOfService": out_of_service(since, "Suspended") });
    let suspended = |status| life(&instance(json!({ "suspended": true }), status), NOW).suspended_at;
    assert_eq!(suspended(json!({})), Some(at(NOW)));
    assert_eq!(suspended(out("2026-10-01T00:00:00Z")), Some(at("2026-10-01T00:00:00Z")));
    assert_eq!(suspended(out("2026-12-01T00:00:00Z")), Some(at(NOW)));
    assert_eq!(life(&instance(json!({}), out("2026-10-01T00:00:00Z")), NOW).suspended_at, None);
}

#[test]
fn a_pod_that_has_gone_does_not_come_back_when_the_clock_goes_back() {
    let status = json!({
        "outOfService": out_of_service("2026-10-01T00:00:00Z", "Suspended"),
        "reached": [{ "at": "2026-10-01T04:00:00Z", "what": "DrainDeadline" }],
    });
    let set_back = "2026-09-20T00:00:00Z";
    let life = life(&instance(json!({ "suspended": true }), status), set_back);
    assert!(life.is_drained(&defaults().lifecycle, at(set_back)));
}

#[test]
fn an_instance_that_was_out_of_service_before_it_was_suspended_has_no_second_time_to_finish_calls() {
    let status = json!({ "outOfService": out_of_service("2026-10-01T00:00:00Z", "PaymentFailed") });
    let life = life(&instance(json!({ "suspended": true }), status), NOW);
    assert!(life.is_drained(&defaults().lifecycle, at(NOW)));
}

#[test]
fn extensions_are_those_listed_by_number_or_as_many_as_are_licensed_and_were_disabled() {
    let settings = defaults();
    let numbers = |spec, status| situation_of(&instance(spec, status), None, &settings, at(NOW)).extensions;
    let listed = json!({ "pbx": { "extensions": [{ "number": "1000" }, { "number": "20" }, { "number": "101" }] } });
    assert_eq!(numbers(listed, json!({})), ["20", "101", "1000"]);
    assert_eq!(numbers(json!({}), json!({})), ["101", "102", "103", "104", "105"]);
    let disabled = json!({ "disabledExtensions": ["104", "105", "106", "107"] });
    assert_eq!(numbers(json!({}), disabled).len(), 7, "none is counted twice when some come back");
}

#[test]
fn numbers_that_stand_for_something_else_are_passed_over_as_the_pbx_does_it() {
    let set = licenses(
        json!([{ "id": "a", "feature": "IpPhoneExtension", "quantity": 5, "term": "Paid" },
               { "id": "b", "feature": "AudioConference", "quantity": 4, "term": "Paid" }]),
        json!([{ "id": "r", "service": "IpPhoneExtension", "kind": "Decrease", "newQuantity": 3 }]),
        json!({}),
    );
    let settings = defaults();
    let group = json!({ "pbx": { "ringGroups": [{ "number": "103", "members": ["101"] }] } });
    let situation = situation_of(&instance(group.clone(), json!({})), Some(&set), &settings, at(NOW));
    assert_eq!(situation.extensions[..4], ["101", "102", "104", "105"]);
    assert_eq!(foresight::upcoming(&situation, at(NOW))[0].disables, ["110", "111"]);
    let disabled = json!({ "disabledExtensions": ["109", "112"] });
    let situation = situation_of(&instance(group, disabled), Some(&set), &settings, at(NOW));
    assert_eq!(situation.extensions.len(), 11, "101 to 112 but for the group");
    let many = licenses(
        json!([{ "id": "a", "feature": "IpPhoneExtension", "quantity": 900, "term": "Paid" },
                               { "id": "b", "feature": "AudioConference", "quantity": 4, "term": "Paid" }]),
        json!([]),
        json!({}),
    );
    let situation = situation_of(&instance(json!({}), json!({})), Some(&many), &settings, at(NOW));
    assert!(!situation.extensions.contains(&"800".to_owned()), "that is the room");
}

#[test]
fn a_situation_holds_what_both_objects_say() {
    let set = licenses(
        json!([{ "id": "a", "feature": "IpPhoneExtension", "quantity": 10, "term": "Paid" }]),
        json!([{ "id": "r", "service": "IpPhoneExtension", "kind": "Decrease", "newQuantity": 8 }]),
        json!({}),
    );
    let settings = defaults();
    let situation = situation_of(&instance(json!({}), json!({})), Some(&set), &settings, at(NOW));
    let upcoming = foresight::upcoming(&situation, at(NOW));
    assert_eq!((upcoming.len(), upcoming[0].at), (1, at("2026-11-01T00:00:00Z")));
    assert_eq!(upcoming[0].disables, ["114", "115"]);
}
