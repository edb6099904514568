//! The process is killed before and after each of its writes; the end is the same.

use ecqx_crds::OrderPhase;
use ecqx_domain::{feature::Feature, order::names};
use ecqx_tests::fault::{Fault, Kind};
use kube::ResourceExt;
use serde_json::json;

use crate::rig::{Rig, order};

/// The process dies at its n-th write; where that is committed, only its answer is lost.
pub fn killed_at(write: usize, committed: bool) -> Fault {
    Fault::new(if committed { Kind::DiesAfter(write) } else { Kind::DiesBefore(write) })
}

/// The writes of an order are five: the record, the namespace, the instance, the licence set, the outcome.
#[tokio::test]
async fn killed_at_any_write_the_order_has_its_one_effect_after_a_restart() {
    for at_write in 1..=5 {
        for committed in [false, true] {
            let customer = 2000 + 10 * at_write as u64 + u64::from(committed);
            let hostname = format!("crash-{customer}");
            let order = order(customer, customer, &hostname, &[("ECQX", 1), ("IP-PHONE-EXT", 10)]);
            let mut rig = Rig::start_with(&hostname, json!({}), Some(killed_at(at_write, committed))).await;
            let answer = rig.deliver(&order).await;
            let recorded = at_write > 1;
            let expected = if recorded { (200, "Received") } else { (503, "Refused") };
            assert_eq!((answer.status, answer.state()), expected, "{answer:?}");

            rig.restart().await;
            if !recorded {
                assert_eq!(rig.deliver(&order).await.status, 200, "the shop delivers again");
            }
            let name = names::order_record("default", &customer.to_string());
            rig.until(&name, OrderPhase::Fulfilled).await;
            assert_one_effect(&rig, customer, &hostname).await;
            let versions = rig.versions(customer).await;
            assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
            assert_eq!(rig.versions(customer).await, versions);
        }
    }
}

async fn assert_one_effect(rig: &Rig, customer: u64, hostname: &str) {
    assert_eq!(rig.recorded().await.len(), 1);
    let instances = rig.instances(customer).await;
    assert_eq!(instances.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), [hostname]);
    let sets = rig.license_sets(customer).await;
    assert_eq!(sets.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), [hostname]);
    let grants: Vec<_> = sets[0].spec.grants.iter().map(|grant| (grant.feature, grant.quantity)).collect();
    assert_eq!(grants, [(Feature::IpPhoneExtension, 10)]);
}

#[tokio::test]
async fn without_the_api_server_a_delivery_is_answered_with_503_and_when_to_come_back() {
    let rig = Rig::start_with("away", json!({}), Some(killed_at(1, false))).await;
    let answer = rig.deliver(&order(1, 2900, "away", &[("ECQX", 1)])).await;
    assert_eq!((answer.status, answer.retry_after), (503, true));
    assert_eq!(answer.codes(), ["Unavailable"]);
}
