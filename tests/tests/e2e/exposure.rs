//! Phones that come through a load balancer. Its controller is played by the test, which gives the Service an address; kube-proxy
//! then brings what is sent to that address to the pod, as it does behind a real one.

use anyhow::{Result, ensure};
use ecqx_crds::condition;
use ecqx_tests::product::phones::Registrar;
use k8s_openapi::api::core::v1::Service;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    names::instance,
    stage::{PATIENCE, Stage, borrowed},
};

const NS: &str = "reseller-one";
/// An address of the documentation's own range (RFC 5737): nobody else has it.
const GIVEN: &str = "192.0.2.77";

/// What the controller of a load balancer does, once there is a Service for it.
pub async fn give_address(stage: &Stage, (namespace, name): (&str, &str), address: &str) -> Result<()> {
    stage.product.until((namespace, name), (condition::EXPOSED, "False"), PATIENCE).await?;
    let services: Api<Service> = Api::namespaced(stage.product.client.clone(), namespace);
    let given = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": address }] } } });
    services.patch_status(&format!("ecqx-{name}-lb"), &PatchParams::default(), &Patch::Merge(given)).await?;
    Ok(())
}

pub async fn phones_call_through_the_address_of_a_load_balancer(stage: Stage) -> Result<()> {
    instance(&stage, NS, "wide", "kajaran").await?;
    stage.in_service(NS, "wide").await?;
    let before = stage.product.pods(NS).get("ecqx-wide-0").await?;
    let wanted = json!({ "spec": { "exposure": { "type": "LoadBalancer" } } });
    stage.product.instances(NS).patch("wide", &PatchParams::default(), &Patch::Merge(wanted)).await?;
    give_address(&stage, (NS, "wide"), GIVEN).await?;

    stage.product.until((NS, "wide"), (condition::EXPOSED, "True"), PATIENCE).await?;
    let instance = stage.product.until((NS, "wide"), (condition::LICENSES_APPLIED, "True"), PATIENCE).await?;
    let fqdn = instance.status.and_then(|status| status.fqdn).unwrap_or_default();
    stage
        .eventually("the name leads to the load balancer", async || Ok(stage.product.dig(&fqdn, "A").await? == [GIVEN]))
        .await?;

    let at = Registrar { address: GIVEN.to_owned(), fqdn };
    let phones = stage.phones(NS, "wide").await?;
    // kube-proxy follows the Service in its own time.
    stage
        .eventually("phones register", async || {
            Ok(stage.product.phones.register(&at, &borrowed(&phones[..1])).await?.success)
        })
        .await?;
    stage.register(&at, &phones).await?;
    let heard = "/tmp/through-the-load-balancer.log";
    let call = ["-key", "target", "*43", "-d", "3000", "-trace_msg", "-message_file", heard];
    let output = stage.product.phones.sipp("call_echo.xml", &at, &borrowed(&phones[..1]), &call).await?;
    ensure!(output.success, "no call through the load balancer:\n{}{}", output.stdout, output.stderr);
    let messages = stage.product.phones.run(&["cat", heard], "").await?.stdout;
    ensure!(messages.contains(&format!("c=IN IP4 {GIVEN}")), "SDP names another address:\n{messages}");
    ensure!(messages.contains(&format!("Contact: <sip:{GIVEN}:5060>")), "Contact names another address:\n{messages}");
    let after = stage.product.pods(NS).get("ecqx-wide-0").await?;
    ensure!(before.uid() == after.uid() && Stage::restarts(&after) == 0, "the pod was restarted");
    stage.remove(NS, "wide").await
}
