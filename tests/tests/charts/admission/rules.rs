//! What a reseller's own users may write of licences and instances.

use kube::{
    Client,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::stage::{ALICE, RESELLER, Stage, api, change, create, object};

/// How many entries a long list has: one less than a list can hold.
const LONG: usize = 999;

/// A rule: what stands already, what Alice writes, and what the API server says to that; nothing when it accepts.
struct Case {
    rule: &'static str,
    kind: &'static str,
    standing: Option<Value>,
    written: Value,
    refusal: Option<&'static str>,
}

fn case(rule: &'static str, standing: Option<&Value>, written: Value, refusal: Option<&'static str>) -> Case {
    let kind = if written.get("grants").or(written.get("changes")).is_some() { "LicenseSet" } else { "EcqxInstance" };
    Case { rule, kind, standing: standing.cloned(), written, refusal }
}

fn paid() -> Value {
    json!({ "id": "p", "feature": "IpPhoneExtension", "quantity": 10, "term": "Paid", "grantedAt": "2026-09-01T00:00:00Z" })
}

fn trial() -> Value {
    json!({ "id": "t", "feature": "CallRecording", "quantity": 2, "term": "Trial" })
}

/// The entry with these fields set, or taken out where they are null.
fn with(mut entry: Value, fields: &Value) -> Value {
    for (key, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(entry.as_object_mut().unwrap().remove(key)),
            value => entry[key] = value.clone(),
        }
    }
    entry
}

fn grants() -> Vec<Case> {
    let only_trials = Some("spec.grants: you may write grants of term Trial only, and leave all others as they are");
    let timed = Some("spec.grants[].grantedAt: you may not set, move or remove it; leave it out");
    let old_trial = with(trial(), &json!({ "grantedAt": "2026-09-01T00:00:00Z" }));
    let standing = &json!({ "grants": [paid(), old_trial] });
    let then = |grants: &[Value]| json!({ "grants": grants });
    let dearer = with(paid(), &json!({ "quantity": 11 }));
    let as_trial = with(paid(), &json!({ "term": "Trial" }));
    let more_tried = with(old_trial.clone(), &json!({ "quantity": 3 }));
    let moved = with(old_trial.clone(), &json!({ "grantedAt": "2026-10-01T00:00:00Z" }));
    let another = with(trial(), &json!({ "id": "u" }));
    let untermed = with(paid(), &json!({ "term": null, "grantedAt": null }));
    let promotion = with(trial(), &json!({ "term": "Promotion" }));
    vec![
        case("a trial may be asked for", None, then(&[trial()]), None),
        case("nothing may be bought", None, then(&[with(paid(), &json!({ "grantedAt": null }))]), only_trials),
        case("what names no term is bought", None, then(&[untermed]), only_trials),
        case("nobody gives himself a promotion", None, then(&[promotion]), only_trials),
        case(
            "a trial beside what is bought",
            Some(standing),
            then(&[paid(), old_trial.clone(), another.clone()]),
            None,
        ),
        case("what is bought stays as it is", Some(standing), then(&[dearer, old_trial.clone()]), only_trials),
        case("what is bought stays", Some(standing), then(std::slice::from_ref(&old_trial)), only_trials),
        case(
            "what is bought does not become a trial",
            Some(standing),
            then(&[as_trial, old_trial.clone()]),
            only_trials,
        ),
        case(
            "no trial names an order",
            None,
            then(&[with(trial(), &json!({ "orderRef": "o" }))]),
            Some("spec.grants[].orderRef: "),
        ),
        case("a time that stands stays", Some(standing), then(&[paid(), more_tried]), None),
        case("a time does not move", Some(standing), then(&[paid(), moved]), timed),
        case(
            "a trial has no time of its own",
            None,
            then(&[with(another, &json!({ "grantedAt": "2026-09-01T00:00:00Z" }))]),
            timed,
        ),
    ]
}

fn changes() -> Vec<Case> {
    let request = json!({ "id": "r", "service": "IpPhoneExtension", "kind": "Decrease", "newQuantity": 8 });
    let asked = with(request.clone(), &json!({ "requestedAt": "2026-09-10T00:00:00Z" }));
    let standing = &json!({ "grants": [paid()], "changes": [asked] });
    let then = |changes: &[Value]| json!({ "changes": changes });
    let cancelled = with(asked.clone(), &json!({ "cancelled": true }));
    let cancelled_then = with(cancelled.clone(), &json!({ "cancelledAt": "2026-09-11T00:00:00Z" }));
    let second = with(request.clone(), &json!({ "id": "s" }));
    let third = with(request.clone(), &json!({ "id": "t" }));
    let untimed = &json!({ "changes": [second] });
    let backdated = with(second.clone(), &json!({ "requestedAt": "2026-08-01T00:00:00Z" }));
    let requested_at = Some("spec.changes[].requestedAt: you may not set, move or remove it; leave it out");
    let cancelled_at = Some("spec.changes[].cancelledAt: you may not set, move or remove it; set cancelled to true");
    let removed = Some("spec.changes: a request may not be removed, and new ones come after it; to take one back");
    vec![
        case("a change may be asked for", Some(standing), then(&[asked.clone(), second.clone()]), None),
        case("nobody asks in the past", Some(standing), then(&[asked.clone(), backdated]), requested_at),
        case("a request may be cancelled", Some(standing), then(&[cancelled]), None),
        case("nobody cancels in the past", Some(standing), then(&[cancelled_then]), cancelled_at),
        case("the time of a request stays", Some(standing), then(&[request]), requested_at),
        case("an untimed request stays", Some(untimed), then(&[]), removed),
        case("requests stay in their order", Some(untimed), then(&[third, second.clone()]), removed),
    ]
}

/// Some years of a busy instance: the API server gives a policy only so much time.
fn long_lists() -> Vec<Case> {
    let grant = |n: usize| with(paid(), &json!({ "id": format!("order-{n}") }));
    let request = |n: usize| json!({ "id": format!("request-{n}"), "service": "IpPhoneExtension", "kind": "Unsubscribe", "requestedAt": "2026-09-10T00:00:00Z" });
    let (grants, changes): (Vec<_>, Vec<_>) = (0..LONG).map(|n| (grant(n), request(n))).unzip();
    let standing = &json!({ "grants": grants, "changes": changes });
    let (mut more, mut cancelled) = (grants, changes);
    more.push(trial());
    cancelled[LONG - 1]["cancelled"] = json!(true);
    cancelled.push(with(request(LONG), &json!({ "requestedAt": null })));
    vec![case("long lists are judged too", Some(standing), json!({ "grants": more, "changes": cancelled }), None)]
}

fn instances() -> Vec<Case> {
    let on_trial = &json!({ "hostname": "a", "term": "Trial" });
    let overdue =
        &json!({ "hostname": "a", "term": "Paid", "suspended": true, "paymentFailedAt": "2026-09-01T00:00:00Z" });
    let given = &json!({ "hostname": "a", "term": "Trial", "exposure": { "type": "HostNetwork" } });
    let own = json!({
        "pbx": { "extensions": [{ "number": "101" }], "ringGroups": [{ "number": "600", "members": ["101"] }] },
        "maintenanceWindow": { "start": "02:00", "duration": "2h" },
    });
    let created = Some("spec.term: you may create an instance on Trial only; to buy one, place an order");
    let converted =
        Some("spec.term: you may not change it; to convert a trial, place a paid order that names the instance");
    let suspended = Some("spec.suspended: only the provider suspends and resumes an instance");
    let payment = Some("spec.paymentFailedAt: you may not set, move or remove it");
    let company = Some("spec.company: you may not change it");
    let image = Some("spec.pbx.image: only the provider chooses the PBX image");
    let exposed = Some("spec.exposure: only the provider chooses how phones reach the PBX");
    let paused = Some("spec.paused: only the provider pauses an instance");
    vec![
        case("an instance may be tried", None, on_trial.clone(), None),
        case("no instance may be bought", None, json!({ "hostname": "a" }), created),
        case("an instance may be renamed", Some(overdue), json!({ "displayName": "Office" }), None),
        case("a trial is not converted by hand", Some(on_trial), json!({ "term": "Paid" }), converted),
        case("nobody suspends", Some(on_trial), json!({ "suspended": true }), suspended),
        case("nobody resumes", Some(overdue), json!({ "suspended": false }), suspended),
        case(
            "nobody says that a payment failed",
            Some(on_trial),
            json!({ "paymentFailedAt": "2026-09-01T00:00:00Z" }),
            payment,
        ),
        case("nobody moves a payment", Some(overdue), json!({ "paymentFailedAt": "2026-11-01T00:00:00Z" }), payment),
        case("nobody says that a payment came", Some(overdue), json!({ "paymentFailedAt": null }), payment),
        case("nobody stops the clock", Some(on_trial), json!({ "paused": true }), paused),
        case("nobody becomes another company", Some(on_trial), json!({ "company": "Other" }), company),
        case(
            "nobody takes a load balancer",
            Some(on_trial),
            json!({ "exposure": { "type": "LoadBalancer" } }),
            exposed,
        ),
        case("an exposure that was given stays", Some(given), json!({ "displayName": "Office" }), None),
        case("nobody gives an exposure back", Some(given), json!({ "exposure": null }), exposed),
        case("people, groups and windows are the reseller's", Some(on_trial), own, None),
        case("nobody brings an image", Some(on_trial), json!({ "pbx": { "image": "mine/pbx:1" } }), image),
    ]
}

#[tokio::test]
async fn a_resellers_users_write_trials_and_requests_and_neither_terms_nor_times() {
    let stage = Stage::set().await;
    let (admin, alice) = (stage.admin(), stage.client(ALICE));
    let mut faults = Vec::new();
    for (index, case) in [grants(), changes(), long_lists(), instances()].into_iter().flatten().enumerate() {
        let name = format!("case-{index}");
        let said = match &case.standing {
            None => create(&alice, case.kind, RESELLER, &name, &case.written).await,
            Some(standing) => {
                create(&admin, case.kind, RESELLER, &name, standing).await.unwrap();
                change(&alice, case.kind, &name, &case.written).await
            }
        };
        match (said, case.refusal) {
            (Ok(()), None) => {}
            (Err(said), Some(message)) if said.contains(message) => {}
            (said, wanted) => faults.push(format!("{}: wanted {wanted:?}, the API server said {said:?}", case.rule)),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    entries_of_several_managers_keep_their_order(&admin, &alice).await;
    nobody_says_which_order_an_object_came_of(&admin, &alice).await;
    stage.down().await;
}

/// By these marks the bridge goes on with an order that was cut off.
async fn nobody_says_which_order_an_object_came_of(admin: &Client, alice: &Client) {
    let marks = [
        ("EcqxInstance", "ecqx.epygicloud.com/order"),
        ("EcqxInstance", "ecqx.epygicloud.com/converted-by"),
        ("LicenseSet", "ecqx.epygicloud.com/order"),
    ];
    let spec = |kind| if kind == "EcqxInstance" { json!({ "hostname": "marked", "term": "Trial" }) } else { json!({}) };
    for (at, (kind, mark)) in marks.into_iter().enumerate() {
        let name = format!("marked-{at}");
        create(admin, kind, RESELLER, &name, &spec(kind)).await.unwrap();
        let annotate = async |client: &Client, key: &str, value: Value| {
            let patch = Patch::Merge(json!({ "metadata": { "annotations": { key: value } } }));
            let said = api(client, kind, RESELLER).patch(&name, &PatchParams::default(), &patch).await;
            said.map(drop).map_err(|e| e.to_string())
        };
        let refused = |said: Result<(), String>| {
            let expected = "metadata.annotations: you may not set, change or remove";
            assert!(said.as_ref().is_err_and(|said| said.contains(expected)), "{kind} {mark}: {said:?}");
        };
        refused(annotate(alice, mark, json!("o")).await);
        annotate(alice, "example.com/note", json!("mine")).await.unwrap();
        annotate(admin, mark, json!("o")).await.unwrap();
        refused(annotate(alice, mark, json!("p")).await);
        refused(annotate(alice, mark, Value::Null).await);
        annotate(alice, "example.com/note", json!("again")).await.unwrap();
    }
}

/// The rules compare lists in their order: so this is what they rely on.
async fn entries_of_several_managers_keep_their_order(admin: &Client, alice: &Client) {
    let request = |id: &str| json!({ "id": id, "service": "IpPhoneExtension", "kind": "Decrease", "newQuantity": 8 });
    let sold = json!({ "grants": [paid()], "changes": [request("m")] });
    let (tried, again) = (with(trial(), &json!({ "id": "a" })), with(trial(), &json!({ "id": "z" })));
    apply(admin, "bridge", &sold).await.unwrap();
    apply(alice, "alice", &json!({ "grants": [tried], "changes": [request("z")] })).await.unwrap();
    apply(admin, "bridge", &json!({ "grants": [paid()], "changes": [request("m"), request("n")] })).await.unwrap();
    let more = json!({ "grants": [again, tried], "changes": [request("z"), request("b")] });
    apply(alice, "alice", &more).await.unwrap();
}

async fn apply(client: &Client, manager: &str, spec: &Value) -> Result<(), kube::Error> {
    let (params, object) = (PatchParams::apply(manager), object("LicenseSet", "shared", spec));
    api(client, "LicenseSet", RESELLER).patch("shared", &params, &Patch::Apply(&object)).await.map(drop)
}
