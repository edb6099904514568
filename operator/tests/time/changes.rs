//! Increases, decreases and unsubscriptions over months, with the operator there and away.

use ecqx_crds::{InstancePhase, Verdict};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use crate::rig::{Rig, SECOND, days};

const NS: &str = "reseller-7";

fn paid(id: &str, quantity: u32) -> Value {
    json!({ "id": id, "feature": "CallRecording", "quantity": quantity })
}

fn decrease(id: &str, new_quantity: u32) -> Value {
    json!({ "id": id, "service": "CallRecording", "kind": "Decrease", "newQuantity": new_quantity })
}

fn unsubscribe(id: &str, service: &str) -> Value {
    json!({ "id": id, "service": service, "kind": "Unsubscribe" })
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_month_of_changes_takes_effect_once_though_the_operator_was_away_over_the_first() {
    let mut rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    rig.jump_to(at("2027-03-10T12:00:00Z")).await;
    rig.instance(NS, "changes", "Paid").await;
    rig.licenses(NS, "changes", json!({ "grants": [paid("first", 20)] })).await;
    rig.until_limit(NS, "changes", "CallRecording", 20).await;
    let less = json!({ "grants": [paid("first", 20)], "changes": [decrease("less", 12)] });
    rig.licenses(NS, "changes", less).await;
    rig.eventually("the request is pending", async || {
        rig.verdict(NS, "changes", "less").await == Some(Verdict::Pending)
    })
    .await;
    let record = rig.licensed(NS, "changes").await.changes.remove(0);
    assert_eq!((record.effective_at.0, record.reduction), (at("2027-04-01T00:00:00Z"), Some(8)));
    let more = json!({ "grants": [paid("first", 20), paid("second", 5)], "changes": [decrease("less", 12)] });
    rig.licenses(NS, "changes", more).await;
    rig.until_limit(NS, "changes", "CallRecording", 25).await;
    let upcoming = rig.status(NS, "changes").await.upcoming;
    assert_eq!((upcoming[0].what.as_str(), upcoming[0].from, upcoming[0].to), ("Decrease", Some(25), Some(17)));
    rig.settled().await;

    rig.operator_stops();
    rig.travel_to(at("2027-05-20T09:00:00Z"));
    rig.operator_starts();
    rig.until_limit(NS, "changes", "CallRecording", 17).await;
    rig.eventually("the request is done", async || rig.verdict(NS, "changes", "less").await == Some(Verdict::Applied))
        .await;
    rig.settled().await;
    let writes = rig.writes().len();
    rig.jump_to(at("2027-07-20T09:00:00Z")).await;
    rig.jump_to(at("2027-03-20T09:00:00Z")).await;
    assert_eq!(rig.limit(NS, "changes", "CallRecording").await, 17, "a clock that is set back undoes nothing");
    assert_eq!(rig.writes().split_off(writes), Vec::<String>::new(), "once, and never again");
    rig.stop().await;
}

#[tokio::test]
async fn unsubscribing_the_ecqx_ends_the_instance_at_its_date_and_cancelling_in_time_does_not() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    // Two working days before Wednesday 31: from Tuesday on it is too late for the end of the month.
    rig.jump_to(at("2027-03-30T00:00:00Z")).await;
    let _pods = (rig.running(NS, "ends", "Paid").await, rig.running(NS, "stays", "Paid").await);
    for name in ["ends", "stays"] {
        rig.licenses(NS, name, json!({ "changes": [unsubscribe("end", "Ecqx")] })).await;
        rig.eventually("the request is pending", async || rig.verdict(NS, name, "end").await == Some(Verdict::Pending))
            .await;
    }
    let ends_at = rig.licensed(NS, "ends").await.changes[0].effective_at.0;
    assert_eq!(ends_at, at("2027-05-01T00:00:00Z"), "a late request rolls over");
    let mut cancelled = unsubscribe("end", "Ecqx");
    cancelled["cancelled"] = json!(true);
    rig.licenses(NS, "stays", json!({ "changes": [cancelled] })).await;
    rig.eventually("it is cancelled", async || rig.verdict(NS, "stays", "end").await == Some(Verdict::Cancelled)).await;
    rig.jump_to(ends_at - SECOND * 30).await;
    assert!(rig.is_ready(NS, "ends").await);
    rig.jump_to(ends_at + SECOND).await;
    rig.until_phase(NS, "ends", InstancePhase::Ended).await;
    rig.until_events(NS, "ends", "InstanceEnd", 1).await;
    rig.until_replicas(NS, "ends", 0).await;
    rig.jump_to(ends_at + days(3)).await;
    assert_eq!(rig.status(NS, "stays").await.phase, Some(InstancePhase::Paid));
    assert_eq!(rig.events(NS, "ends", "InstanceEnd").await, 1);
    rig.stop().await;
}

/// Clocks go forward in the month before the first of these dates, and back in the month before the second.
#[rstest]
#[case("2027-03-20T12:00:00Z", "2027-03-31T22:00:00Z")]
#[case("2027-10-20T12:00:00Z", "2027-10-31T23:00:00Z")]
#[tokio::test]
async fn a_decrease_comes_at_midnight_of_the_billing_zone_over_both_edges_of_summer_time(
    #[case] asked_at: &str,
    #[case] due_at: &str,
) {
    let rig = Rig::start(json!({ "billing": { "timeZone": "Europe/Berlin" } })).await;
    rig.namespace(NS).await;
    rig.jump_to(at(asked_at)).await;
    rig.instance(NS, "edge", "Paid").await;
    rig.licenses(NS, "edge", json!({ "grants": [paid("first", 20)], "changes": [decrease("less", 12)] })).await;
    rig.eventually("the request is pending", async || rig.verdict(NS, "edge", "less").await == Some(Verdict::Pending))
        .await;
    assert_eq!(rig.licensed(NS, "edge").await.changes[0].effective_at.0, at(due_at));
    rig.jump_to(at(due_at) - SECOND * 10).await;
    assert_eq!(rig.limit(NS, "edge", "CallRecording").await, 20);
    // No jump from here on: the operator's own timer brings it about.
    rig.until_limit(NS, "edge", "CallRecording", 12).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_date_that_was_given_stands_when_settings_change() {
    let rig = Rig::start(json!({})).await;
    rig.namespace(NS).await;
    rig.jump_to(at("2027-03-10T12:00:00Z")).await;
    rig.instance(NS, "told", "Paid").await;
    rig.licenses(NS, "told", json!({ "grants": [paid("first", 20)], "changes": [decrease("less", 12)] })).await;
    rig.eventually("the request is pending", async || rig.verdict(NS, "told", "less").await == Some(Verdict::Pending))
        .await;
    let mut rig = rig;
    rig.operator_stops();
    rig.set_settings(&json!({ "billing": { "timeZone": "Pacific/Auckland" } }));
    rig.operator_starts();
    rig.come_round(NS).await;
    assert_eq!(rig.licensed(NS, "told").await.changes[0].effective_at.0, at("2027-04-01T00:00:00Z"));
    rig.stop().await;
}
