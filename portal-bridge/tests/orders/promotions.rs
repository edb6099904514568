//! What an order brings without its being ordered.

use ecqx_domain::ledger::Term;
use serde_json::{Value, json};

use crate::rig::{Rig, add_on, order, trial};

fn settings() -> Value {
    json!({"promotions": [{
        "id": "autumn", "from": "2026-09-01T00:00:00Z", "until": "2026-12-01T00:00:00Z",
        "grants": {"CallRecording": 152, "SmsWhatsapp": 1}, "days": 90,
    }]})
}

fn placed(mut order: Value, at: &str) -> Value {
    order["date_created_gmt"] = json!(at);
    order
}

async fn promised(rig: &Rig, customer: u64) -> Vec<(String, i32, Option<i32>)> {
    let grants = rig.only(customer).await.1.unwrap().spec.grants;
    let promotions = grants.into_iter().filter(|grant| grant.term == Term::Promotion);
    promotions.map(|grant| (grant.id, grant.quantity, grant.days)).collect()
}

#[tokio::test]
async fn a_new_instance_gets_a_promotion_once_when_its_order_was_placed_inside_the_window() {
    let rig = Rig::start_with_settings("promotion", settings()).await;
    let inside = placed(order(1, 8101, "promotion", &[("ECQX", 1), ("CALL-RECORDING", 150)]), "2026-11-30T23:59:59");
    for _ in 0..2 {
        // With what is ordered it is more than an instance can hold: that is held back there, and holds no order.
        assert_eq!(rig.deliver(&inside).await.state(), "Fulfilled");
    }
    let expected = [("promotion/autumn/CallRecording", 152), ("promotion/autumn/SmsWhatsapp", 1)];
    let expected = expected.map(|(id, quantity)| (id.to_owned(), quantity, Some(90)));
    assert_eq!(promised(&rig, 8101).await, expected);
    let more = placed(add_on(2, 8101, "promotion", &[("CALL-RECORDING", 2)]), "2026-11-30T23:59:59");
    assert_eq!(rig.deliver(&more).await.state(), "Fulfilled", "a promotion takes no room");
    assert_eq!(promised(&rig, 8101).await, expected, "an add-on brings no promotion");

    let late = placed(order(3, 8102, "promotion-late", &[("ECQX", 1)]), "2026-12-01T00:00:00");
    assert_eq!(rig.deliver(&late).await.state(), "Fulfilled");
    assert!(promised(&rig, 8102).await.is_empty());
    let tried = placed(trial(order(4, 8103, "promotion-trial", &[("ECQX", 1)])), "2026-09-01T00:00:00");
    assert_eq!(rig.deliver(&tried).await.state(), "Fulfilled");
    assert_eq!(promised(&rig, 8103).await, expected);
}

#[tokio::test]
async fn an_order_was_placed_when_it_was_recorded_where_the_shop_does_not_say_and_as_it_says_on_the_products_own_way() {
    let rig = Rig::start_with_settings("placed", settings()).await;
    let mut own = json!({
        "number": "1", "customer": "8104", "payment": "Confirmed", "note": "placed",
        "placedAt": "2026-12-01T00:59:59+01:00", "lines": [{"sku": "ECQX", "quantity": 1}],
    });
    assert_eq!(rig.place(&own).await.state(), "Fulfilled");
    assert_eq!(promised(&rig, 8104).await.len(), 2);
    let placed_at = rig.recorded().await.remove(0).spec.placed_at.unwrap().0;
    assert_eq!(placed_at.to_string(), "2026-11-30T23:59:59Z");
    own["placedAt"] = json!("2027-12-01T00:00:00Z");
    assert_eq!(rig.place(&own).await.status, 200, "the time is no content, and stands as it was first received");
    assert_eq!(rig.recorded().await.remove(0).spec.placed_at.unwrap().0, placed_at);

    let always = json!({"promotions": [{
        "id": "always", "from": "2020-01-01T00:00:00Z", "until": "2199-01-01T00:00:00Z", "grants": {"SmsWhatsapp": 1},
    }]});
    let rig = Rig::start_with_settings("placed-now", always).await;
    assert_eq!(rig.deliver(&order(2, 8105, "placed-now", &[("ECQX", 1)])).await.state(), "Fulfilled");
    assert_eq!(promised(&rig, 8105).await, [("promotion/always/SmsWhatsapp".to_owned(), 1, None)]);
}
