//! Whether the payment for the next period came: the grace period runs from the first failure, and a payment ends it.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::rig::{Answer, Rig, order, trial};

async fn put(rig: &Rig, of: (u64, &str), state: &str) -> Answer {
    rig.call("PUT", of, "/payment", &json!({"state": state})).await
}

#[tokio::test]
async fn a_failed_payment_is_recorded_with_the_time_of_the_first_failure_and_a_payment_takes_it_out() {
    let rig = Rig::start("renewal").await;
    let of = (9401, "renewal");
    rig.deliver(&order(1, 9401, "renewal", &[("ECQX", 1)])).await;
    let first = put(&rig, of, "failed").await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("failed")), "{first:?}");
    let failed_at = rig.only(9401).await.0.spec.payment_failed_at.unwrap();
    assert_eq!(first.body["paymentFailedAt"], json!(failed_at));
    let grace_end = Time(failed_at.0 + SignedDuration::from_hours(7 * 24));
    assert_eq!(first.body["suspendedFrom"], json!(grace_end));

    let earlier = Time(Timestamp::now() - SignedDuration::from_hours(48));
    let patch = Patch::Merge(json!({"spec": {"paymentFailedAt": earlier}}));
    rig.instances_of(9401).patch("renewal", &PatchParams::default(), &patch).await.unwrap();
    let version = rig.only(9401).await.0.resource_version();
    assert_eq!(put(&rig, of, "failed").await.body["paymentFailedAt"], json!(earlier), "the first failure stands");
    assert_eq!(rig.only(9401).await.0.resource_version(), version);

    let paid = put(&rig, of, "paid").await;
    assert_eq!((paid.status, &paid.body["paymentFailedAt"]), (200, &json!(null)), "whoever had set it");
    assert_eq!(rig.only(9401).await.0.spec.payment_failed_at, None);
    let version = rig.only(9401).await.0.resource_version();
    assert_eq!(put(&rig, of, "paid").await.status, 200);
    assert_eq!(rig.only(9401).await.0.resource_version(), version);
}

#[tokio::test]
async fn a_payment_of_nothing_is_refused() {
    let rig = Rig::start("renewal-refused").await;
    let of = (9402, "renewal-refused");
    rig.deliver(&trial(order(1, 9402, "renewal-refused", &[("ECQX", 1)]))).await;
    let on_trial = put(&rig, of, "failed").await;
    assert_eq!((on_trial.status, on_trial.codes()), (422, vec!["InstanceOnTrial"]));
    assert_eq!(rig.only(9402).await.0.spec.payment_failed_at, None);
    assert_eq!(put(&rig, (9402, "other"), "failed").await.codes(), ["InstanceUnknown"]);
    let unknown = put(&rig, of, "late").await;
    assert_eq!((unknown.status, &unknown.body["reasons"][0]["field"]), (400, &json!("state")));
}
