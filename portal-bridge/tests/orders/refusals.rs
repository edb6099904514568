//! Each thing that can be wrong with a delivery: a clear answer, an order on hold where there is one, and nothing else.

use ecqx_crds::{EcqxInstance, FqdnClaim, OrderPhase};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::rig::{Rig, SECRET, TOKEN, order, sign};

#[tokio::test]
async fn an_order_that_cannot_be_is_recorded_on_hold_with_its_reasons_and_nothing_else_is_made() {
    let rig = Rig::start("held").await;
    occupy(&rig).await;
    let over = [("ECQX", 1), ("CALL-RECORDING", 153)];
    let cases: Vec<(Value, &[&str])> = vec![
        (order(1, 0, "guest", &[("ECQX", 1)]), &["CustomerMissing"]),
        (order(2, 4001, "", &[("IP-PHONE-EXT", 1)]), &["FirstOrderWithoutEcqx"]),
        (order(3, 4001, "held", &[("ECQX", 1), ("ECQX", 1)]), &["TooManyEcqx"]),
        (order(4, 4001, "held", &[("ECQX", 2)]), &["TooManyEcqx"]),
        (order(5, 4001, "please call me", &[("ECQX", 1)]), &["HostnameMissing"]),
        (order(6, 4001, "hostname: a_b", &[("ECQX", 1)]), &["HostnameInvalid"]),
        (order(7, 4001, "hostname: a\nhostname: b", &[("ECQX", 1)]), &["HostnameAmbiguous"]),
        (order(8, 4001, "www", &[("ECQX", 1)]), &["HostnameReserved"]),
        (order(9, 4001, "claimed", &[("ECQX", 1)]), &["HostnameTaken"]),
        (order(10, 4001, "occupied", &[("ECQX", 1)]), &["HostnameTaken"]),
        (order(11, 4001, "held", &[("ECQX", 1), ("<b>PHONES</b>", 1)]), &["UnknownSku"]),
        (order(12, 4001, "held", &over), &["OverMaximum"]),
        (order(13, 4001, "held", &[("ECQX", 1), ("CALL-CENTER", 0)]), &["QuantityOutOfRange"]),
        (order(14, 4001, "held", &[]), &["NoLines"]),
        (order(15, 4001, "", &[("ECQX", 2), ("X", 1)]), &["UnknownSku", "TooManyEcqx", "HostnameMissing"]),
    ];
    for (order, codes) in &cases {
        let answer = rig.deliver(order).await;
        assert_eq!((answer.status, answer.state(), answer.codes()), (200, "OnHold", codes.to_vec()), "{order}");
        let name = answer.body["order"].as_str().unwrap();
        let record = rig.orders().get(name).await.unwrap().status.unwrap();
        assert_eq!(record.phase, Some(OrderPhase::OnHold));
        assert_eq!(json!(record.reasons), answer.body["reasons"]);
        assert!(!answer.body.to_string().contains("somebody"), "who holds a name is nobody else's business");
    }
    assert!(!rig.has_namespace(4001).await, "a held order makes no namespace");
    assert!(rig.instances(4001).await.is_empty() && rig.license_sets(4001).await.is_empty());
    let versions = rig.versions(4001).await;
    assert_eq!(versions.len(), cases.len());
    for (order, _) in &cases {
        assert_eq!(rig.deliver(order).await.state(), "OnHold");
    }
    assert_eq!(rig.versions(4001).await, versions, "what is held is looked at again without a write");
}

/// One name that is claimed, and one that an instance wants that the operator has not seen yet.
async fn occupy(rig: &Rig) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "somebody"}});
    rig.apply::<Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let claim = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "FqdnClaim",
        "metadata": {"name": "claimed.epygicloud.com"},
        "spec": {"holder": {"namespace": "somebody", "name": "claimed", "uid": "1"}},
    });
    rig.apply::<FqdnClaim>(Api::all(rig.admin.clone()), claim).await;
    let instance = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance",
        "metadata": {"name": "by-hand"}, "spec": {"hostname": "occupied"},
    });
    rig.apply::<EcqxInstance>(Api::namespaced(rig.admin.clone(), "somebody"), instance).await;
}

#[tokio::test]
async fn an_instance_that_holds_no_name_stands_in_nobodys_way() {
    let rig = Rig::start("squatted").await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "squatter"}});
    rig.apply::<Namespace>(Api::all(rig.admin.clone()), namespace).await;
    let instances: Api<EcqxInstance> = Api::namespaced(rig.admin.clone(), "squatter");
    let order = |number, hostname| order(number, 4501, hostname, &[("ECQX", 1)]);
    // A trial that was refused, one whose reservation is over, and one that holds its name.
    let cases = [
        (1, "wanted", "TrialEligible", "False", "Fulfilled"),
        (2, "over", "HostnameClaimed", "False", "Fulfilled"),
        (3, "holding", "HostnameClaimed", "True", "OnHold"),
    ];
    for (number, hostname, type_, status, state) in cases {
        let instance = json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance",
            "metadata": {"name": hostname}, "spec": {"hostname": hostname},
        });
        rig.apply::<EcqxInstance>(instances.clone(), instance).await;
        assert_eq!(
            rig.deliver(&order(number, hostname)).await.codes(),
            ["HostnameTaken"],
            "the operator may give it the name"
        );
        let condition = json!({
            "type": type_, "status": status, "reason": "Test", "message": "", "lastTransitionTime": "2026-11-01T00:00:00Z",
        });
        let judged = json!({"status": {"conditions": [condition]}});
        instances.patch_status(hostname, &PatchParams::default(), &Patch::Merge(judged)).await.unwrap();
        assert_eq!(rig.deliver(&order(number, hostname)).await.state(), state, "{type_} {status}");
    }
}

/// How many send their orders a byte at a time, more than are worked on at once.
const SLOW: usize = 80;

#[tokio::test]
async fn those_who_send_slowly_keep_nobody_waiting() {
    let rig = Rig::start("slow").await;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = tokio::net::TcpStream::connect(rig.address()).await.unwrap();
        let head = b"POST /webhooks/woocommerce HTTP/1.1\r\nHost: bridge\r\nContent-Length: 100\r\n\r\n{";
        tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
        slow.push(stream);
    }
    let answer = rig.deliver(&order(1, 4601, "slow", &[("ECQX", 1)])).await;
    assert_eq!((answer.status, answer.state()), (200, "Fulfilled"));
    // They were there all the time, and are told in the end.
    for mut stream in slow {
        let mut told = String::new();
        let read = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut told);
        tokio::time::timeout(std::time::Duration::from_secs(30), read).await.unwrap().unwrap();
        assert!(told.starts_with("HTTP/1.1 400") && told.contains("BodyCutOff"), "{told}");
    }
}

#[tokio::test]
async fn on_its_own_way_in_a_held_order_is_answered_with_422() {
    let rig = Rig::start("held-own").await;
    let order =
        json!({"number": "1", "customer": "4101", "payment": "Confirmed", "lines": [{"sku": "X", "quantity": 1}]});
    let answer = rig.place(&order).await;
    assert_eq!((answer.status, answer.state(), answer.codes()), (422, "OnHold", vec!["UnknownSku"]));
    assert_eq!(answer.body["reasons"][0]["field"], "lines[0].sku");
}

#[tokio::test]
async fn a_held_order_takes_effect_when_the_cause_is_gone_and_it_is_looked_at_again() {
    let mut rig = Rig::start("cleared").await;
    let order = order(1, 4201, "cleared", &[("PBX", 1)]);
    assert_eq!(rig.deliver(&order).await.codes(), ["UnknownSku"]);
    rig.restart_with(json!({"skus": {"PBX": "Ecqx"}})).await;
    let name = rig.recorded().await.remove(0).metadata.name.unwrap();
    let settled = rig.until(&name, OrderPhase::Fulfilled).await.status.unwrap();
    assert!(settled.reasons.is_empty());
    assert_eq!(rig.instances(4201).await.len(), 1);
}

/// What is wrong, the signature, the body; the status and the code of the answer.
type Delivery<'body> = (&'static str, Option<String>, &'body [u8], u16, &'static str);

#[tokio::test]
async fn what_is_no_order_is_refused_and_nothing_is_recorded() {
    let rig = Rig::start_with("unreadable", json!({"maxBodyBytes": 4096}), None).await;
    let good = order(1, 4301, "unreadable", &[("ECQX", 1)]).to_string().into_bytes();
    let long = vec![b' '; 5000];
    let cases: [Delivery; 8] = [
        ("no signature", None, &good, 401, "SignatureMissing"),
        ("another secret", Some(sign("guess", &good)), &good, 401, "SignatureInvalid"),
        ("another body", Some(sign(SECRET, b"{}")), &good, 401, "SignatureInvalid"),
        ("no base64", Some("%%%".to_owned()), &good, 401, "SignatureInvalid"),
        ("too large", Some(sign(SECRET, &long)), &long, 413, "BodyTooLarge"),
        ("no JSON", Some(sign(SECRET, b"hello")), b"hello", 400, "BodyUnreadable"),
        ("another shape", Some(sign(SECRET, b"{\"id\":\"x\"}")), b"{\"id\":\"x\"}", 400, "BodyUnreadable"),
        ("no UTF-8", Some(sign(SECRET, b"\xff")), b"\xff", 400, "BodyUnreadable"),
    ];
    for (what, signature, body, status, code) in cases {
        let headers: Vec<(&str, &str)> = signature.iter().map(|s| ("x-wc-webhook-signature", s.as_str())).collect();
        let answer = rig.post("/webhooks/woocommerce", &headers, body.to_vec()).await;
        assert_eq!((answer.status, answer.codes()), (status, vec![code]), "{what}");
        assert!(!answer.body.to_string().contains(SECRET), "{what}");
    }
    for header in ["", "Bearer", "Bearer ", "Bearer guess", "Basic b3RoZXI6", TOKEN] {
        let answer = rig.post("/v1/orders", &[("authorization", header)], good.clone()).await;
        assert_eq!((answer.status, answer.codes()), (401, vec!["TokenInvalid"]), "{header:?}");
    }
    let token = format!("Bearer {TOKEN}");
    assert_eq!(rig.post("/v1/orders", &[("authorization", &token)], vec![b'[']).await.status, 400);
    assert_eq!(rig.post("/v1/orders", &[("authorization", &token)], long).await.status, 413);
    assert!(rig.recorded().await.is_empty());
    assert!(!rig.has_namespace(4301).await);
}

#[tokio::test]
async fn the_shops_first_ping_and_a_cart_that_is_no_order_yet_are_welcome_and_leave_nothing() {
    let rig = Rig::start("ping").await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let ping = rig.post("/webhooks/woocommerce", &form, b"webhook_id=17".to_vec()).await;
    assert_eq!((ping.status, ping.state()), (200, "Ignored"));
    assert_eq!(rig.post("/webhooks/woocommerce", &form, b"webhook_id=17&id=1".to_vec()).await.status, 401);
    let mut cart = order(1, 4401, "ping", &[("ECQX", 1)]);
    cart["status"] = json!("checkout-draft");
    assert_eq!(rig.deliver(&cart).await.state(), "Ignored");
    assert!(rig.recorded().await.is_empty());
}
