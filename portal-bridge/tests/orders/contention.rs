//! Two bridges and a hand with `kubectl` write facts for one instance at the same time: none is lost, none is there twice.

use std::collections::BTreeMap;

use ecqx_tests::fault::{Fault, Kind};
use futures::future::join_all;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::rig::{Rig, add_on, order};

const CUSTOMER: u64 = 9301;
const NAME: &str = "contended";
const OF: (u64, &str) = (CUSTOMER, NAME);

/// Of which service: what both bridges are asked for is of another than what only one of them is.
fn service(id: usize) -> &'static str {
    match id {
        0..40 => "CallRecording",
        40..60 => "AudioConference",
        _ => "CallCenter",
    }
}

/// Asks until it is answered otherwise than "not now"; gives the id and when it was made.
async fn ask(rig: &Rig, id: usize) -> (String, String) {
    let id = format!("r{id:02}");
    let request = json!({
        "id": id, "service": service(id[1..].parse().unwrap()), "kind": "Decrease", "newQuantity": 1,
    });
    loop {
        let answer = rig.call("POST", OF, "/changes", &request).await;
        match answer.status {
            503 => {}
            200 | 202 => return (id, answer.body["change"]["requestedAt"].as_str().unwrap().to_owned()),
            _ => panic!("{answer:?}"),
        }
    }
}

/// A file that grows line by line, applied after each, as `kubectl apply --server-side` does it.
async fn apply_growing_file(rig: &Rig, facts: usize) {
    let mut grants: Vec<Value> = Vec::new();
    for index in 0..facts {
        grants.push(json!({"id": format!("file/{index}"), "feature": "CrmIntegration", "quantity": 1}));
        let object = json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet", "metadata": {"name": NAME},
            "spec": {"grants": grants},
        });
        rig.sets_of(CUSTOMER).patch(NAME, &PatchParams::apply("kubectl"), &Patch::Apply(object)).await.unwrap();
    }
}

async fn order_more(rig: &Rig, orders: usize) {
    let orders = (0..orders).map(|index| add_on(940_000 + index as u64, CUSTOMER, NAME, &[("EQALL-SOFTPHONE", 1)]));
    let answers = join_all(orders.map(|order| async move { rig.deliver(&order).await })).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
}

/// 60 requests through each bridge, 20 of them the same, 40 orders, 60 lines of a file: 200 facts.
#[tokio::test]
async fn two_bridges_and_kubectl_write_200_facts_at_once_and_none_is_lost_or_doubled() {
    let (one, two) = (Rig::start("contended-a").await, Rig::start("contended-b").await);
    let lines = [("ECQX", 1), ("CALL-RECORDING", 9), ("AUDIO-CONFERENCE", 9), ("CALL-CENTER", 9)];
    one.deliver(&order(1, CUSTOMER, NAME, &lines)).await;
    let through_one = join_all((0..60).map(|id| ask(&one, id)));
    let through_two = join_all((40..100).map(|id| ask(&two, id)));
    let (first, second, (), ()) =
        tokio::join!(through_one, through_two, order_more(&two, 40), apply_growing_file(&one, 60));
    let fulfilled = async || {
        let orders = two.recorded().await;
        orders.iter().filter(|order| order.status.as_ref().is_some_and(|status| status.instance_ref.is_some())).count()
    };
    until("all 40 orders are fulfilled", async || fulfilled().await == 40).await;

    let spec = one.only(CUSTOMER).await.1.unwrap().spec;
    assert_eq!(spec.changes.len(), 100);
    let made: BTreeMap<_, _> =
        spec.changes.iter().map(|change| (change.id.clone(), json!(change.requested_at))).collect();
    assert_eq!(made.len(), 100);
    for (id, requested_at) in first.into_iter().chain(second) {
        assert_eq!(made[&id], json!(requested_at), "whoever asked for {id} was told of the one fact");
    }
    let softphones = spec.grants.iter().filter(|grant| grant.feature.name() == "EqallSoftphone").count();
    let seats = spec.grants.iter().filter(|grant| grant.feature.name() == "CrmIntegration").count();
    assert_eq!((softphones, seats, spec.grants.len()), (40, 60, 103));
}

#[tokio::test]
async fn of_two_bridges_that_are_asked_for_different_things_under_one_id_one_makes_the_request() {
    let (one, two) = (Rig::start("contended-c").await, Rig::start("contended-d").await);
    let of = (9302, "contended-id");
    one.deliver(&order(2, 9302, "contended-id", &[("ECQX", 1), ("CALL-RECORDING", 9)])).await;
    for round in 0..20 {
        let request = |left: u64| json!({"id": format!("r{round:02}"), "service": "CallRecording", "kind": "Decrease", "newQuantity": left});
        let requests = [request(1), request(2)];
        let calls = [(&one, &requests[0]), (&two, &requests[1])];
        let calls = calls.map(|(rig, request)| rig.call("POST", of, "/changes", request));
        let answers = join_all(calls).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409], "{answers:?}");
        let made = answers.iter().position(|answer| answer.status == 202).unwrap();
        let written = one.only(9302).await.1.unwrap().spec.changes.pop().unwrap();
        assert_eq!(json!(written.new_quantity), requests[made]["newQuantity"]);
    }
}

/// One bridge makes the order's instance, and no more yet, between two reads of the other.
#[tokio::test]
async fn what_another_bridge_has_made_for_the_same_order_is_not_taken_for_somebody_elses() {
    let look = Fault::new(Kind::Holds("fieldSelector=spec.hostname"));
    let looking = Rig::start_with("torn", json!({}), Some(look.clone())).await;
    let grant = Fault::new(Kind::Holds("/licensesets/"));
    let order = order(4, 9303, "torn", &[("ECQX", 1), ("CALL-RECORDING", 4)]);
    let (answer, making) = tokio::join!(looking.deliver(&order), async {
        until("one has seen the reseller's instances", async || look.struck()).await;
        let making = Rig::start_with("torn", json!({}), Some(grant.clone())).await;
        until("the other has made one more", async || grant.struck()).await;
        look.let_go();
        making
    });
    assert_eq!((answer.status, answer.state()), (200, "Fulfilled"), "{answer:?}");
    grant.let_go();
    until("the other goes on", async || making.deliver(&order).await.state() == "Fulfilled").await;
    let grants = looking.only(9303).await.1.unwrap().spec.grants;
    assert_eq!(grants.iter().map(|g| (g.feature.name(), g.quantity)).collect::<Vec<_>>(), [("CallRecording", 4)]);
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Both see the order, and both are told of it by the shop: as when a bridge is replaced, and the old one is still at it.
#[tokio::test]
async fn two_bridges_settle_one_order_and_it_has_one_effect() {
    let (one, two) = (Rig::start("contended-e").await, Rig::start("contended-e").await);
    for round in 0..20 {
        let customer = 9500 + round;
        let name = format!("settled-{round:02}");
        let order =
            order(960_000 + round, customer, &name, &[("ECQX", 1), ("IP-PHONE-EXT", 10), ("CALL-RECORDING", 4)]);
        let deliveries = (0..6).map(|at| if at % 2 == 0 { &one } else { &two }).map(|rig| rig.deliver(&order));
        let answers = join_all(deliveries).await;
        let settled = |answer: &crate::rig::Answer| answer.status == 200 && answer.state() == "Fulfilled";
        assert!(answers.iter().all(settled), "round {round}: {answers:?}");
        let (instance, set) = one.only(customer).await;
        let grants: Vec<_> = set.unwrap().spec.grants.iter().map(|g| (g.feature.name(), g.quantity)).collect();
        assert_eq!((instance.spec.hostname, grants), (name, vec![("IpPhoneExtension", 10), ("CallRecording", 4)]));
    }
    assert_eq!(one.recorded().await.len(), 20);
}
