//! Killed in the middle, the parts come to the same end.

use anyhow::{Result, ensure};
use ecqx_tests::product::{RESELLER, shop};

use crate::stage::Stage;

pub async fn operator_and_bridge_killed_in_the_middle_come_to_the_same_end(stage: Stage) -> Result<()> {
    for (round, hostname) in ["artsvanik", "shinuhayr", "khndzoresk"].into_iter().enumerate() {
        let order = shop::ecqx_order(3001 + round as u64, 2, hostname);
        let delivery = {
            let (stage, order) = (stage.clone(), order.clone());
            tokio::spawn(async move { stage.product.deliver(&order.to_string()).await })
        };
        // Each round a little later, so that the kill falls between other writes.
        tokio::time::sleep(std::time::Duration::from_millis(150 * round as u64)).await;
        tokio::try_join!(stage.kill_part("bridge"), stage.kill_part("operator"))?;
        // The shop delivers again what was not answered; what was answered is finished without it.
        let answered = delivery.await?.is_ok_and(|answer| answer.code < 300);
        if !answered {
            stage
                .eventually("the bridge takes the order", async || {
                    Ok(stage.product.deliver(&order.to_string()).await.is_ok_and(|answer| answer.code < 300))
                })
                .await?;
        }
        let at = stage.in_service(RESELLER.1, hostname).await?;
        let phones = stage.phones(RESELLER.1, hostname).await?;
        ensure!(phones.len() == 7, "{hostname} has {} extensions", phones.len());
        stage.register(&at, &phones).await?;
        stage.remove(RESELLER.1, hostname).await?;
    }
    Ok(())
}
