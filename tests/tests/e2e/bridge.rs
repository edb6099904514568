//! Orders: one effect however often they come, and a clear answer to each that cannot be.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ecqx_tests::product::{RESELLER, shop};
use futures::future::try_join_all;
use kube::{ResourceExt, api::ListParams};
use serde_json::{Value, json};

use crate::stage::Stage;

pub async fn the_same_order_twenty_times_ten_of_them_at_once_has_one_effect(stage: Stage) -> Result<()> {
    let body = shop::ecqx_order(2001, 3, "hostname: goris");
    try_join_all((0..10).map(|_| stage.order(&body))).await?;
    let at = stage.in_service(RESELLER.1, "goris").await?;
    stage.eventually("the order is fulfilled", async || Ok(order_phase(&stage, "2001").await? == "Fulfilled")).await?;
    let before = versions(&stage).await?;
    for _ in 0..10 {
        stage.order(&body).await?;
    }
    let instances = stage.product.instances(RESELLER.1).list(&ListParams::default()).await?.items;
    ensure!(instances.iter().filter(|i| i.spec.hostname == "goris").count() == 1, "more than one instance");
    let licenses = stage.product.license_sets(RESELLER.1).get("goris").await?;
    ensure!(licenses.spec.grants.len() == 1 && licenses.spec.grants[0].quantity == 3, "{:?}", licenses.spec);
    let phones = stage.phones(RESELLER.1, "goris").await?;
    stage.register(&at, &phones).await?;
    stage.refused(&at, "109", "guessed").await?;
    let after = versions(&stage).await?;
    ensure!(before == after, "objects moved:\n{before:#?}\n{after:#?}");
    stage.remove(RESELLER.1, "goris").await
}

/// The phase of the order of that number.
async fn order_phase(stage: &Stage, number: &str) -> Result<String> {
    let orders = stage.product.orders().list(&ListParams::default()).await?.items;
    let order = orders.into_iter().find(|order| order.spec.number == number).context("no PortalOrder")?;
    Ok(serde_json::to_value(order.status)?["phase"].as_str().unwrap_or_default().to_owned())
}

/// The resource version of every object that an order makes.
async fn versions(stage: &Stage) -> Result<BTreeMap<String, String>> {
    let all = ListParams::default();
    let mut versions = BTreeMap::new();
    let version = |kind: &str, object: &dyn Fn() -> (String, Option<String>)| {
        let (name, version) = object();
        (format!("{kind}/{name}"), version.unwrap_or_default())
    };
    for order in stage.product.orders().list(&all).await? {
        versions.extend([version("order", &|| (order.name_any(), order.resource_version()))]);
    }
    for instance in stage.product.instances(RESELLER.1).list(&all).await? {
        versions.extend([version("instance", &|| (instance.name_any(), instance.resource_version()))]);
    }
    for set in stage.product.license_sets(RESELLER.1).list(&all).await? {
        versions.extend([version("licenses", &|| (set.name_any(), set.resource_version()))]);
    }
    Ok(versions)
}

pub async fn orders_that_cannot_be_are_answered_and_held_and_make_nothing(stage: Stage) -> Result<()> {
    stage.order(&shop::ecqx_order(2100, 0, "kapan")).await?;
    stage
        .eventually("kapan is there", async || {
            Ok(stage.product.instances(RESELLER.1).get_opt("kapan").await?.is_some())
        })
        .await?;
    let lines = |lines: Value| {
        let mut order = shop::ecqx_order(0, 0, "sisian");
        order["line_items"] = lines;
        order
    };
    let ecqx = || shop::line(1, "ECQX", 1);
    let held = [
        ("no ecQX and no device", lines(json!([shop::line(1, "IP-PHONE-EXT", 2)])), "device"),
        ("two ecQX", lines(json!([ecqx(), shop::line(2, "ECQX", 1)])), "ecQX"),
        ("no host name", shop::ecqx_order(0, 0, "please call me"), "host name"),
        ("a bad host name", shop::ecqx_order(0, 0, "hostname: my pbx"), "not valid"),
        ("a reserved host name", shop::ecqx_order(0, 0, "www"), "reserved"),
        ("a taken host name", shop::ecqx_order(0, 0, "kapan"), "kapan"),
        ("an unknown SKU", lines(json!([ecqx(), shop::line(2, "TEA-POT", 1)])), "TEA-POT"),
        ("over a maximum", shop::ecqx_order(0, 2996, "sisian"), "3000"),
    ];
    let before = count(&stage).await?;
    for (index, (what, mut order, reason)) in held.into_iter().enumerate() {
        let number = 2101 + index;
        order["id"] = json!(number);
        let answer = stage.order(&order).await?;
        ensure!(answer.body.contains("OnHold") && answer.body.contains(reason), "{what}: {}", answer.body);
        let phase = order_phase(&stage, &number.to_string()).await?;
        ensure!(phase == "OnHold", "{what}: the PortalOrder is {phase}");
    }
    unreadable(&stage).await?;
    let after = count(&stage).await?;
    ensure!(before == after, "instances, licence sets and orders grew from {before:?} to {after:?}");
    stage.remove(RESELLER.1, "kapan").await
}

/// Instances and licence sets.
async fn count(stage: &Stage) -> Result<(usize, usize)> {
    let all = ListParams::default();
    let instances = stage.product.instances(RESELLER.1).list(&all).await?.items.len();
    Ok((instances, stage.product.license_sets(RESELLER.1).list(&all).await?.items.len()))
}

/// What is not even recorded.
async fn unreadable(stage: &Stage) -> Result<()> {
    let url = stage.product.url("/webhooks/woocommerce");
    let orders = stage.product.orders().list(&ListParams::default()).await?.items.len();
    let body = shop::ecqx_order(2900, 0, "sisian").to_string();
    let forged = shop::signature("another secret", &body);
    let post = async |headers: &[(&str, &str)], body: &str| stage.product.phones.post(&url, headers, body).await;
    let answer = post(&[("X-WC-Webhook-Signature", &forged)], &body).await?;
    ensure!(answer.code == 401, "forged: {} {}", answer.code, answer.body);
    ensure!(post(&[], &body).await?.code == 401, "an unsigned body was taken");
    let signed = |body: &str| shop::signature(&stage.product.webhook_secret, body);
    let answer = post(&[("X-WC-Webhook-Signature", &signed("not JSON"))], "not JSON").await?;
    ensure!(answer.code == 400, "not JSON: {} {}", answer.code, answer.body);
    let large = format!("{{\"customer_note\":\"{}\"}}", "x".repeat(2 << 20));
    let answer = post(&[("X-WC-Webhook-Signature", &signed(&large))], &large).await?;
    ensure!(answer.code == 413, "too large: {} {}", answer.code, answer.body);
    let left = stage.product.orders().list(&ListParams::default()).await?.items.len();
    ensure!(left == orders, "an unreadable body left a PortalOrder");
    Ok(())
}
