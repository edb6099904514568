//! Phones that come through a load balancer, or to a node's own address. The load balancer's controller is played by the test, which gives the Service an address; kube-proxy
//! then brings what is sent to that address to the pod, as it does behind a real one.

use anyhow::{Context, Result, ensure};
use ecqx_crds::condition;
use ecqx_tests::{
    pbx::heard,
    product::phones::{Registrar, run_in},
};
use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;

use crate::{
    names::instance,
    stage::{PATIENCE, Stage, borrowed},
};

const NS: &str = "reseller-one";
/// A tenant whose pods may use their nodes' networks.
const PRIVILEGED: &str = "reseller-near";
/// An address of the documentation's own range (RFC 5737): nobody else has it.
const GIVEN: &str = "192.0.2.77";

/// What the controller of a load balancer does, once there is a Service for it.
pub async fn give_address(stage: &Stage, (namespace, name): (&str, &str), address: &str) -> Result<()> {
    stage.product.until((namespace, name), (condition::EXPOSED, "False"), PATIENCE).await?;
    let services: Api<Service> = Api::namespaced(stage.product.client.clone(), namespace);
    let given = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": address }] } } });
    services.patch_status(&format!("ecqxlb-{name}"), &PatchParams::default(), &Patch::Merge(given)).await?;
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
    calls_by(&stage, &at, &phones[..1]).await?;
    is_heard_by(&stage, &at, (NS, "wide"), &phones[0]).await?;
    let after = stage.product.pods(NS).get("ecqx-wide-0").await?;
    ensure!(before.uid() == after.uid() && Stage::restarts(&after) == 0, "the pod was restarted");
    stage.remove(NS, "wide").await
}

pub async fn phones_call_a_pbx_on_the_network_of_its_node(stage: Stage) -> Result<()> {
    if !stage.is_ours() {
        println!("the cluster is not ours: its nodes' ports are not taken");
        return Ok(());
    }
    // Pods on their node's network are admitted in a namespace of this kind only.
    let labels = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "privileged" } } });
    instance(&stage, PRIVILEGED, "near", "meghradzor").await?;
    let namespaces: Api<Namespace> = Api::all(stage.product.client.clone());
    namespaces.patch(PRIVILEGED, &PatchParams::default(), &Patch::Merge(labels)).await?;
    stage.in_service(PRIVILEGED, "near").await?;
    let wanted = json!({ "spec": { "exposure": { "type": "HostNetwork" } } });
    stage.product.instances(PRIVILEGED).patch("near", &PatchParams::default(), &Patch::Merge(wanted)).await?;
    let nodes: Api<Node> = Api::all(stage.product.client.clone());
    let node = nodes.list(&ListParams::default()).await?.items.into_iter().next().context("no node")?;
    let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
    let own = addresses.into_iter().find(|address| address.type_ == "InternalIP").context("no address")?.address;

    let fqdn = format!("meghradzor.{}", ecqx_tests::product::ZONE);
    stage
        .eventually("the name leads to the node", async || Ok(stage.product.dig(&fqdn, "A").await? == [own.clone()]))
        .await?;
    let at = stage.in_service(PRIVILEGED, "near").await?;
    let phones = stage.phones(PRIVILEGED, "near").await?;
    stage.register(&at, &phones).await?;
    stage.refused(&at, "106", "guessed").await?;
    calls_by(&stage, &at, &phones[..1]).await?;
    is_heard_by(&stage, &at, (PRIVILEGED, "near"), &phones[0]).await?;
    stage.remove(PRIVILEGED, "near").await
}

/// A call through this address, to the end; SDP and Contact name it too.
async fn calls_by(stage: &Stage, at: &Registrar, phone: &[(String, String)]) -> Result<()> {
    let heard = format!("/tmp/heard-{}.log", at.fqdn);
    let call = ["-key", "target", "*43", "-d", "3000", "-trace_msg", "-message_file", &heard];
    let output = stage.product.phones.sipp("call_echo.xml", at, &borrowed(phone), &call).await?;
    ensure!(output.success, "no call through {}:\n{}{}", at.address, output.stdout, output.stderr);
    let messages = stage.product.phones.run(&["cat", &heard], "").await?.stdout;
    ensure!(messages.contains(&format!("c=IN IP4 {}", at.address)), "SDP names another address:\n{messages}");
    let contact = format!("Contact: <sip:{}:5060>", at.address);
    ensure!(messages.contains(&contact), "Contact names another address:\n{messages}");
    Ok(())
}

/// A call in which audio goes both ways through this address: the PBX counts what it receives and what it sends.
async fn is_heard_by(
    stage: &Stage,
    at: &Registrar,
    (namespace, name): (&str, &str),
    phone: &(String, String),
) -> Result<()> {
    // A second of any sound will do: G.711, 8000 octets.
    let sound = "head -c 8000 /dev/zero | tr '\\0' U > /tmp/tone.alaw";
    stage.product.phones.run(&["sh", "-c", sound], "").await?;
    let call = {
        let (stage, at, phone) = (stage.clone(), at.clone(), phone.clone());
        tokio::spawn(async move {
            let phone = [(phone.0.as_str(), phone.1.as_str())];
            stage.product.phones.sipp("talk.xml", &at, &phone, &["-key", "target", "*43", "-d", "10000"]).await
        })
    };
    let pods = stage.product.pods(namespace);
    let asterisk = ["/usr/sbin/asterisk", "-C", "/etc/asterisk/asterisk.conf", "-rx", "pjsip show channelstats"];
    let mut last = Vec::new();
    let both_ways = stage.eventually("audio goes both ways", async || {
        let stats = run_in(&pods, &format!("ecqx-{name}-0"), &asterisk, "").await?.stdout;
        last = heard(&stats);
        Ok(last.iter().any(|(received, sent)| *received > 100 && *sent > 100))
    });
    both_ways.await.with_context(|| format!("packets received and sent: {last:?}"))?;
    println!("through {}: packets received and sent by the PBX so far: {last:?}", at.address);
    let output = call.await??;
    ensure!(output.success, "the call did not last:\n{}{}", output.stdout, output.stderr);
    Ok(())
}
