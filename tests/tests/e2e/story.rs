//! The demo's story, as a test.

use anyhow::{Result, ensure};
use ecqx_tests::product::{RESELLER, shop};

use crate::stage::Stage;

pub async fn an_order_as_the_shop_sends_it_ends_in_registered_phones(stage: Stage) -> Result<()> {
    let posted = tokio::time::Instant::now();
    stage.order(&shop::ecqx_order(1001, 10, "syunikwin")).await?;
    let at = stage.in_service(RESELLER.1, "syunikwin").await?;
    ensure!(at.fqdn == "syunikwin.epygicloud.com", "{}", at.fqdn);

    let phones = stage.phones(RESELLER.1, "syunikwin").await?;
    let numbers: Vec<String> = phones.iter().map(|(number, _)| number.clone()).collect();
    let expected: Vec<String> = (101..=115).map(|number| number.to_string()).collect();
    ensure!(numbers == expected, "{numbers:?}");
    stage.register(&at, &phones[..1]).await?;
    println!("order posted to first phone registered: {:.2} s", posted.elapsed().as_secs_f64());
    stage.register(&at, &phones).await?;
    stage.refused(&at, "116", &phones[0].1).await?;
    stage.refused(&at, "9999", "guessed").await?;

    let name = &at.fqdn;
    let naptr = stage.product.dig(name, "NAPTR").await?;
    ensure!(naptr.iter().any(|record| record.contains("SIP+D2U") && record.contains("_sip._udp")), "{naptr:?}");
    let srv = stage.product.dig(&format!("_sip._udp.{name}"), "SRV").await?;
    ensure!(srv.iter().any(|record| record.ends_with(&format!("5060 {name}."))), "{srv:?}");
    stage.remove(RESELLER.1, "syunikwin").await
}
