//! Requests for less, over HTTP: accepted with their date, refused with nothing written, cancelled until they take effect.

use ecqx_domain::{calendar::ChangeKind, settings::Settings};
use k8s_openapi::{api::core::v1::Namespace, jiff::Timestamp};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    crash::killed_at,
    rig::{Answer, Rig, add_on, order},
};

async fn ask(rig: &Rig, of: (u64, &str), request: &Value) -> Answer {
    rig.call("POST", of, "/changes", request).await
}

async fn cancel(rig: &Rig, of: (u64, &str), id: &str) -> Answer {
    rig.call("POST", of, &format!("/changes/{id}/cancel"), &Value::Null).await
}

async fn listed(rig: &Rig, of: (u64, &str)) -> Vec<(String, String)> {
    let answer = rig.call("GET", of, "/changes", &Value::Null).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = answer.body["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(&change["id"]), text(&change["verdict"]))).collect()
}

fn decrease(id: &str, new_quantity: i64) -> Value {
    json!({"id": id, "service": "CallRecording", "kind": "Decrease", "newQuantity": new_quantity})
}

fn unsubscribe(id: &str, service: &str) -> Value {
    json!({"id": id, "service": service, "kind": "Unsubscribe"})
}

/// A reseller with one instance of 20 ports that are paid.
async fn twenty_ports(rig: &Rig, customer: u64, name: &str) {
    let order = order(customer, customer, name, &[("ECQX", 1), ("CALL-RECORDING", 20)]);
    assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
}

#[rstest]
#[case::decrease(decrease("r1", 12), ChangeKind::Decrease, 8)]
#[case::unsubscription(unsubscribe("r1", "CallRecording"), ChangeKind::Unsubscribe, 20)]
#[tokio::test]
async fn a_request_is_answered_with_its_date_and_what_it_does(
    #[case] request: Value,
    #[case] kind: ChangeKind,
    #[case] reduction: u64,
) {
    let (customer, name) = (9100 + reduction, format!("less-{reduction}"));
    let of = (customer, name.as_str());
    let rig = Rig::start(&name).await;
    twenty_ports(&rig, customer, &name).await;
    let asked_from = Timestamp::now().as_second();
    let told = ask(&rig, of, &request).await;
    assert_eq!(told.status, 202, "{told:?}");
    let change = &told.body["change"];
    let requested_at: Timestamp = change["requestedAt"].as_str().unwrap().parse().unwrap();
    assert!((asked_from..=Timestamp::now().as_second()).contains(&requested_at.as_second()));
    let due = Settings::parse("{}").unwrap().calendar.effective(requested_at, kind).to_string();
    assert_eq!((&change["effectiveAt"], &change["verdict"]), (&json!(due), &json!("Pending")));
    assert_eq!(change["reduction"], reduction);
    let effect = &told.body["effects"][0];
    assert_eq!((&effect["at"], &effect["from"], &effect["to"]), (&json!(due), &json!(20), &json!(20 - reduction)));
    let written = rig.only(customer).await.1.unwrap().spec.changes;
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].requested_at.as_ref().map(|at| at.0), Some(requested_at));

    let version = rig.only(customer).await.1.unwrap().resource_version();
    let again = ask(&rig, of, &request).await;
    assert_eq!((again.status, &again.body["change"]), (200, change), "the same id is the same fact");
    assert_eq!(again.body["effects"], told.body["effects"]);
    let other = ask(&rig, of, &decrease("r1", 11)).await;
    assert_eq!((other.status, other.codes()), (409, vec!["ChangeConflict"]));
    assert_eq!(rig.only(customer).await.1.unwrap().resource_version(), version, "neither wrote anything");
}

#[tokio::test]
async fn what_the_ledger_refuses_is_answered_with_the_reason_and_not_written() {
    let rig = Rig::start("less-refused").await;
    let of = (9201, "less-refused");
    twenty_ports(&rig, 9201, "less-refused").await;
    let version = rig.only(9201).await.1.unwrap().resource_version();
    let audio = json!({"id": "r", "service": "AudioConference", "kind": "Decrease", "newQuantity": 1});
    let ecqx = json!({"id": "r", "service": "Ecqx", "kind": "Decrease", "newQuantity": 1});
    let cases = [
        (
            decrease("r", 21),
            "IncreaseIsAnOrder",
            "newQuantity",
            "21 are asked for, and 20 are paid; order the increase instead",
        ),
        (decrease("r", 0), "DecreaseToZero", "newQuantity", "unsubscribe instead"),
        (audio, "NothingPaid", "service", "the base configuration, trials and promotions cannot be reduced"),
        (unsubscribe("r", "SmsWhatsapp"), "NothingPaid", "service", "nothing of it is paid"),
        (ecqx, "NoQuantity", "kind", "unsubscribe it instead"),
    ];
    for (request, code, field, words) in cases {
        let answer = ask(&rig, of, &request).await;
        assert_eq!((answer.status, answer.codes()), (422, vec![code]), "{request}");
        let reason = &answer.body["reasons"][0];
        assert_eq!(reason["field"], field);
        assert!(reason["message"].as_str().unwrap().contains(words), "{answer:?}");
    }
    let wrong = ask(&rig, of, &json!({"id": "r", "service": "Phones", "kind": "Unsubscribe"})).await;
    assert_eq!((wrong.status, &wrong.body["reasons"][0]["field"]), (400, &json!("service")));
    assert_eq!(ask(&rig, (9201, "other"), &decrease("r", 1)).await.codes(), ["InstanceUnknown"]);
    assert_eq!(rig.only(9201).await.1.unwrap().resource_version(), version);
}

#[tokio::test]
async fn an_instance_that_has_ended_takes_no_request() {
    let rig = Rig::start("less-ended").await;
    let of = (9202, "less-ended");
    rig.deliver(&crate::rig::trial(order(1, 9202, "less-ended", &[("ECQX", 1)]))).await;
    rig.set_trial(9202, "less-ended", -1).await;
    let answer = ask(&rig, of, &unsubscribe("r", "Ecqx")).await;
    assert_eq!((answer.status, answer.codes()), (422, vec!["InstanceEnded"]));
}

#[tokio::test]
async fn a_request_can_be_cancelled_until_it_takes_effect() {
    let rig = Rig::start("less-cancel").await;
    let of = (9203, "less-cancel");
    twenty_ports(&rig, 9203, "less-cancel").await;
    ask(&rig, of, &decrease("r1", 12)).await;
    let cancelled = cancel(&rig, of, "r1").await;
    assert_eq!((cancelled.status, &cancelled.body["change"]["verdict"]), (200, &json!("Cancelled")), "{cancelled:?}");
    let version = rig.only(9203).await.1.unwrap().resource_version();
    let again = cancel(&rig, of, "r1").await;
    assert_eq!(again.body["change"], cancelled.body["change"]);
    assert_eq!(rig.only(9203).await.1.unwrap().resource_version(), version, "it was cancelled already");
    assert_eq!(ask(&rig, of, &decrease("r1", 12)).await.body["change"]["verdict"], "Cancelled", "and stays so");
    assert_eq!(cancel(&rig, of, "r2").await.codes(), ["ChangeUnknown"]);

    ask(&rig, of, &decrease("r3", 12)).await;
    let record = json!({
        "id": "r3", "requestedAt": "2026-01-01T00:00:00Z", "effectiveAt": "2026-02-01T00:00:00Z", "verdict": "Applied",
    });
    let status = Patch::Merge(json!({"status": {"changes": [record]}}));
    rig.sets_of(9203).patch_status("less-cancel", &PatchParams::default(), &status).await.unwrap();
    let late = cancel(&rig, of, "r3").await;
    assert_eq!((late.status, late.codes()), (409, vec!["ChangeNotPending"]));
    assert!(late.body["reasons"][0]["message"].as_str().unwrap().contains("it took effect at"), "{late:?}");
}

#[tokio::test]
async fn a_later_request_takes_the_place_of_one_that_is_pending() {
    let rig = Rig::start("less-replaced").await;
    let of = (9204, "less-replaced");
    twenty_ports(&rig, 9204, "less-replaced").await;
    // Also where the ids would put them in another order, and in one second.
    ask(&rig, of, &decrease("z", 12)).await;
    let told = ask(&rig, of, &decrease("r2", 15)).await;
    assert_eq!((&told.body["replaces"], &told.body["change"]["reduction"]), (&json!("z"), &json!(5)), "{told:?}");
    let expected = [("z", "Replaced"), ("r2", "Pending")].map(|(id, verdict)| (id.to_owned(), verdict.to_owned()));
    assert_eq!(listed(&rig, of).await, expected);
    let late = cancel(&rig, of, "z").await;
    assert_eq!((late.status, late.codes()), (409, vec!["ChangeNotPending"]));
    assert!(late.body["reasons"][0]["message"].as_str().unwrap().ends_with("request r2 took its place"));
}

#[tokio::test]
async fn the_unsubscription_of_the_ecqx_holds_orders_until_it_is_cancelled() {
    let rig = Rig::start("less-all").await;
    let of = (9205, "less-all");
    twenty_ports(&rig, 9205, "less-all").await;
    let told = ask(&rig, of, &unsubscribe("bye", "Ecqx")).await;
    let effects = told.body["effects"].as_array().unwrap();
    let names: Vec<_> = effects.iter().map(|effect| effect["what"].as_str().unwrap()).collect();
    assert_eq!(names, ["InstanceEnd", "DrainDeadline", "RetentionEnd", "NameRelease"]);
    assert_eq!(effects[0]["at"], told.body["change"]["effectiveAt"]);
    let more = add_on(2, 9205, "less-all", &[("CALL-RECORDING", 5)]);
    assert_eq!(rig.deliver(&more).await.codes(), ["InstanceEndPending"]);
    cancel(&rig, of, "bye").await;
    assert_eq!(rig.deliver(&more).await.state(), "Fulfilled");
}

#[tokio::test]
async fn a_request_made_with_kubectl_is_listed_and_cancelled_as_any_other() {
    let rig = Rig::start("less-kubectl").await;
    let of = (9206, "less-kubectl");
    twenty_ports(&rig, 9206, "less-kubectl").await;
    let requested_at = Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap();
    let object = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet", "metadata": {"name": "less-kubectl"},
        "spec": {"changes": [{
            "id": "tickets/17", "requestedAt": requested_at, "service": "CallRecording", "kind": "Decrease", "newQuantity": 12, "cancelled": false,
        }]},
    });
    let apply = async || {
        let params = PatchParams::apply("kubectl");
        rig.sets_of(9206).patch("less-kubectl", &params, &Patch::Apply(object.clone())).await
    };
    apply().await.unwrap();
    assert_eq!(listed(&rig, of).await, [("tickets/17".to_owned(), "Pending".to_owned())]);
    let cancelled = cancel(&rig, of, "tickets%2F17").await;
    assert_eq!((cancelled.status, &cancelled.body["change"]["verdict"]), (200, &json!("Cancelled")), "{cancelled:?}");
    assert!(apply().await.unwrap_err().to_string().contains("cancelled"), "the file has to follow");
    let changes = rig.only(9206).await.1.unwrap().spec.changes;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].requested_at.as_ref().map(|at| at.0), Some(requested_at), "to the fraction of a second");
}

#[tokio::test]
async fn a_request_about_licences_without_a_date_waits_until_the_operator_has_recorded_them() {
    let rig = Rig::start("less-unseen").await;
    let of = (9207, "less-unseen");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "reseller-9207"}});
    rig.apply::<Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let object = |kind: &str, spec: Value| json!({"apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": kind, "metadata": {"name": "less-unseen"}, "spec": spec});
    rig.apply(rig.instances_of(9207), object("EcqxInstance", json!({"hostname": "less-unseen"}))).await;
    let grant = json!({"id": "ports", "feature": "CallRecording", "quantity": 20});
    rig.apply(rig.sets_of(9207), object("LicenseSet", json!({"grants": [grant]}))).await;
    let early = ask(&rig, of, &decrease("r1", 12)).await;
    assert_eq!((early.status, early.retry_after, early.codes()), (503, true, vec!["NotRecorded"]));
    let record = json!({"id": "ports", "countsFrom": "2026-01-01T00:00:00Z", "state": "InForce"});
    let status = Patch::Merge(json!({"status": {"grants": [record]}}));
    rig.sets_of(9207).patch_status("less-unseen", &PatchParams::default(), &status).await.unwrap();
    assert_eq!(ask(&rig, of, &decrease("r1", 12)).await.status, 202);
}

#[tokio::test]
async fn an_instance_without_licences_of_its_own_can_be_unsubscribed() {
    let rig = Rig::start("less-bare").await;
    let of = (9208, "less-bare");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "reseller-9208"}});
    rig.apply::<Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let instance = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance", "metadata": {"name": "less-bare"},
        "spec": {"hostname": "less-bare"},
    });
    rig.apply(rig.instances_of(9208), instance).await;
    assert_eq!(ask(&rig, of, &unsubscribe("bye", "Ecqx")).await.status, 202);
    assert_eq!(listed(&rig, of).await, [("bye".to_owned(), "Pending".to_owned())]);
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_the_same_fact_when_it_is_made_again() {
    let mut rig = Rig::start("less-lost").await;
    let of = (9209, "less-lost");
    twenty_ports(&rig, 9209, "less-lost").await;
    for (id, committed) in [("r1", false), ("r2", true)] {
        rig.restart_into(Some(killed_at(1, committed))).await;
        let lost = ask(&rig, of, &decrease(id, 12)).await;
        assert_eq!((lost.status, lost.retry_after, lost.codes()), (503, true, vec!["Unavailable"]));
        rig.restart().await;
        let found = ask(&rig, of, &decrease(id, 12)).await;
        assert_eq!(found.status, if committed { 200 } else { 202 });
    }
    assert_eq!(rig.only(9209).await.1.unwrap().spec.changes.len(), 2);
}
