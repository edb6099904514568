//! How an instance will stand at a date, asked over HTTP.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::rig::{Answer, Rig, add_on, order, trial};

async fn forecast(rig: &Rig, of: (u64, &str), at: &str) -> Answer {
    rig.call("GET", of, &format!("/forecast?at={at}"), &Value::Null).await
}

fn entitlement<'a>(answer: &'a Answer, feature: &str) -> &'a Value {
    let all = answer.body["entitlements"].as_array().unwrap();
    all.iter().find(|entitlement| entitlement["feature"] == feature).unwrap()
}

fn in_days(days: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_string()
}

#[tokio::test]
async fn twenty_ports_a_request_for_twelve_and_an_order_of_five_make_25_now_and_17_next_month() {
    let rig = Rig::start("foresee").await;
    let of = (9001, "foresee");
    rig.deliver(&order(1, 9001, "foresee", &[("ECQX", 1), ("CALL-RECORDING", 20)])).await;
    let request = json!({"id": "r1", "service": "CallRecording", "kind": "Decrease", "newQuantity": 12});
    let told = rig.call("POST", of, "/changes", &request).await;
    assert_eq!(told.status, 202, "{told:?}");
    rig.deliver(&add_on(2, 9001, "foresee", &[("CALL-RECORDING", 5)])).await;

    let due = told.body["change"]["effectiveAt"].as_str().unwrap();
    let before = (due.parse::<Timestamp>().unwrap() - SignedDuration::from_secs(1)).to_string();
    let now = rig.call("GET", of, "/forecast", &Value::Null).await;
    for (answer, quantity) in
        [(&now, 25), (&forecast(&rig, of, &before).await, 25), (&forecast(&rig, of, due).await, 17)]
    {
        let expected = json!({
            "feature": "CallRecording", "quantity": quantity, "base": 0, "paid": quantity, "trial": 0, "promotion": 0,
            "heldBack": 0,
        });
        assert_eq!((answer.status, entitlement(answer, "CallRecording")), (200, &expected), "{answer:?}");
    }
    assert_eq!(now.body["asOf"].as_str().unwrap()[..19], now.body["at"].as_str().unwrap()[..19], "left out, it is now");
    assert_eq!(now.body["entitlements"].as_array().unwrap().len(), 9, "a page draws the zeroes too");
    let decrease = json!([{
        "at": due, "what": "Decrease", "cause": "request r1: a decrease to 12", "feature": "CallRecording", "from": 25, "to": 17,
        "effect": "CallRecording goes from 25 to 17",
    }]);
    assert_eq!(now.body["upcoming"], decrease, "in the form of status.upcoming");
    assert_eq!(forecast(&rig, of, due).await.body["upcoming"], json!([]));
}

#[tokio::test]
async fn a_trial_is_followed_through_its_end_and_retention_to_the_release_of_the_name() {
    let rig = Rig::start("foresee-trial").await;
    let of = (9002, "foresee-trial");
    rig.deliver(&trial(order(1, 9002, "foresee-trial", &[("ECQX", 1)]))).await;
    rig.set_trial(9002, "foresee-trial", 240).await;
    let unique_id = "ECQX-H5PK-ZCHK-67HJ-G9HK";
    rig.set_status(9002, "foresee-trial", json!({"uniqueId": unique_id})).await;
    let identity = json!({
        "namespace": "reseller-9002", "name": "foresee-trial", "fqdn": "foresee-trial.epygicloud.com", "uniqueId": unique_id,
    });
    let expected = [
        (0, json!(["Trial", null, true, true])),
        (11, json!(["Ended", "TrialEnded", false, true])),
        (41, json!(["Expired", "TrialEnded", false, true])),
        (101, json!(["Expired", "TrialEnded", false, false])),
    ];
    for (days, expected) in expected {
        let at = if days == 0 { Timestamp::now().to_string() } else { in_days(days) };
        let answer = forecast(&rig, of, &at).await;
        let Answer { body, .. } = &answer;
        assert_eq!(json!([body["phase"], body["cause"], body["resolves"], body["nameIsKept"]]), expected, "{answer:?}");
        assert_eq!(body["instance"], identity);
    }
    let now = rig.call("GET", of, "/forecast", &Value::Null).await;
    let names: Vec<_> =
        now.body["upcoming"].as_array().unwrap().iter().map(|up| up["what"].as_str().unwrap()).collect();
    let reminders = ["TrialReminder"; 3];
    let end = ["TrialEnd", "DrainDeadline", "RetentionEnd", "NameRelease"];
    assert_eq!(names, [reminders.as_slice(), &end].concat());
}

#[tokio::test]
async fn extensions_that_will_be_disabled_are_listed_from_the_request_on() {
    let rig = Rig::start("foresee-disabled").await;
    let of = (9003, "foresee-disabled");
    rig.deliver(&order(1, 9003, "foresee-disabled", &[("ECQX", 1), ("IP-PHONE-EXT", 10)])).await;
    let request = json!({"id": "r1", "service": "IpPhoneExtension", "kind": "Decrease", "newQuantity": 7});
    let told = rig.call("POST", of, "/changes", &request).await;
    let effect = &told.body["effects"][0];
    assert_eq!(
        (&effect["disables"], &effect["from"], &effect["to"]),
        (&json!(["113", "114", "115"]), &json!(15), &json!(12))
    );
    let due = told.body["change"]["effectiveAt"].as_str().unwrap();
    assert_eq!(forecast(&rig, of, due).await.body["disabledExtensions"], json!(["113", "114", "115"]));
    assert_eq!(rig.call("GET", of, "/forecast", &Value::Null).await.body["disabledExtensions"], json!([]));
}

#[tokio::test]
async fn what_is_no_question_is_refused_with_the_field_and_the_remedy() {
    let rig = Rig::start("foresee-refused").await;
    let of = (9004, "foresee-refused");
    rig.deliver(&order(1, 9004, "foresee-refused", &[("ECQX", 1)])).await;
    let cases = [
        ((9004, "foresee-refused"), "?at=2020-01-01T00:00:00Z", 400, "TimePast", "at"),
        ((9004, "foresee-refused"), "?at=tomorrow", 400, "TimeUnreadable", "at"),
        ((9004, "foresee-refused"), "?at=2199-01-01T00:00:00+01:00", 400, "TimeUnreadable", "at"),
        ((9004, "foresee-refused"), "?at=", 400, "TimeUnreadable", "at"),
        ((9004, "foresee-refused"), "?when=2199-01-01T00:00:00Z", 400, "ParameterUnreadable", "when"),
        (
            (9004, "foresee-refused"),
            "?at=2199-01-01T00:00:00Z&at=2199-01-01T00:00:00Z",
            400,
            "ParameterUnreadable",
            "at",
        ),
        ((9004, "other"), "", 404, "InstanceUnknown", "name"),
        ((9005, "foresee-refused"), "", 404, "InstanceUnknown", "name"),
        ((9004, "%2e%2e%2fforesee-refused"), "", 404, "InstanceUnknown", "name"),
    ];
    for (of, query, status, code, field) in cases {
        let answer = rig.call("GET", of, &format!("/forecast{query}"), &Value::Null).await;
        assert_eq!((answer.status, answer.codes()), (status, vec![code]), "{query}");
        assert_eq!(answer.body["reasons"][0]["field"], field, "{query}");
    }
    assert_eq!(forecast(&rig, of, "2199-01-01T00:00:00%2B01:00").await.status, 200);
    let path = "/v1/instances/reseller-9004/foresee-refused/changes";
    assert_eq!(rig.post(path, &[], b"{}".to_vec()).await.codes(), ["TokenInvalid"]);
    assert_eq!(rig.post(&format!("{path}/r/cancel"), &[], Vec::new()).await.codes(), ["TokenInvalid"]);
}
