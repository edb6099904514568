//! How phones reach an instance, and what it says of that; with stand-ins for load balancer, kubelet and agent.

use ecqx_crds::{EcqxInstance, condition};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Service},
};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use pbx_contract::{Document as _, ExtensionsFile, LimitsFile};
use serde_json::json;

use crate::{NS, rig::Rig, stand_in::StandIn};

async fn limits(rig: &Rig, name: &str) -> LimitsFile {
    let files = rig.within::<ConfigMap>(NS).get(&format!("ecqx-{name}-limits")).await.unwrap().data.unwrap();
    LimitsFile::parse(&files["limits.json"]).unwrap()
}

async fn extensions(rig: &Rig, name: &str) -> ExtensionsFile {
    let files = rig.within::<ConfigMap>(NS).get(&format!("ecqx-{name}-limits")).await.unwrap().data.unwrap();
    ExtensionsFile::parse(&files["extensions.json"]).unwrap()
}

async fn addresses(rig: &Rig, name: &str) -> Vec<String> {
    rig.get(NS, name).await.status.unwrap_or_default().addresses
}

#[tokio::test]
async fn behind_a_load_balancer_its_address_reaches_the_pbx_and_the_dns_without_another_pod() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    let spec = json!({ "hostname": "wide", "exposure": { "type": "LoadBalancer" } });
    rig.instance_of(NS, "wide", spec).await;
    let stand_in = StandIn::start(&rig.client, NS, "wide").await;
    let services = rig.within::<Service>(NS);
    rig.until(NS, "wide", condition::EXPOSED, "False").await;
    let template = rig.within::<StatefulSet>(NS).get("ecqx-wide").await.unwrap().metadata.generation;
    let pod = stand_in.ready_pod().await;
    assert!(addresses(&rig, "wide").await.is_empty(), "nobody is led to an address that is not there");

    // The stand-in for the cluster's load balancer.
    let given = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.9" }] } } });
    services.patch_status("ecqxlb-wide", &PatchParams::default(), &Patch::Merge(given)).await.unwrap();
    rig.until(NS, "wide", condition::READY, "True").await;
    assert_eq!(addresses(&rig, "wide").await, ["203.0.113.9"]);
    let network = limits(&rig, "wide").await.network;
    assert_eq!((network.external_address, network.rtp_last), (Some("203.0.113.9".parse().unwrap()), 10_027));

    rig.licenses(NS, "wide", 10).await;
    rig.eventually("the range follows the limits", async || limits(&rig, "wide").await.network.rtp_last == 10_067)
        .await;
    rig.eventually("and the Service with it", async || {
        services.get("ecqxlb-wide").await.unwrap().spec.unwrap().ports.unwrap().len() == 70
    })
    .await;
    rig.licenses(NS, "wide", 1).await;
    rig.eventually("the limit falls", async || limits(&rig, "wide").await.limits.ip_phone_extension == 6).await;
    assert_eq!(limits(&rig, "wide").await.network.rtp_last, 10_067, "a call keeps its port");

    rig.patch(NS, "wide", json!({ "spec": { "exposure": { "type": "PodIP" } } })).await;
    rig.eventually("the Service goes", async || services.get_opt("ecqxlb-wide").await.unwrap().is_none()).await;
    rig.eventually("the pod's own address", async || addresses(&rig, "wide").await == [stand_in.address()]).await;
    assert_eq!(rig.within::<StatefulSet>(NS).get("ecqx-wide").await.unwrap().metadata.generation, template);
    assert_eq!(stand_in.ready_pod().await.uid(), pod.uid());
    rig.stop().await;
}

#[tokio::test]
async fn a_load_balancer_that_gives_a_name_is_told_from_one_that_gives_an_address() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance_of(NS, "named", json!({ "hostname": "named", "exposure": { "type": "LoadBalancer" } })).await;
    let _stand_in = StandIn::start(&rig.client, NS, "named").await;
    rig.until(NS, "named", condition::EXPOSED, "False").await;
    let given = json!({ "status": { "loadBalancer": { "ingress": [{ "hostname": "lb.example.net" }] } } });
    let services = rig.within::<Service>(NS);
    services.patch_status("ecqxlb-named", &PatchParams::default(), &Patch::Merge(given)).await.unwrap();
    rig.eventually("the name is told", async || {
        rig.condition(NS, "named", condition::EXPOSED).await.1.contains("gives the name lb.example.net")
    })
    .await;
    assert_eq!(rig.condition(NS, "named", condition::READY).await.0, "Unknown");
    rig.stop().await;
}

#[tokio::test]
async fn sip_over_tls_is_published_when_the_pbx_says_that_it_answers() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.instance_of(NS, "safe", json!({ "hostname": "safe", "pbx": { "tls": { "secretName": "safe-tls" } } })).await;
    let stand_in = StandIn::start(&rig.client, NS, "safe").await;
    rig.until(NS, "safe", condition::READY, "True").await;
    let (status, message) = rig.condition(NS, "safe", condition::TLS_READY).await;
    assert!(status == "False" && message.contains("Secret safe-tls is missing"), "{status}: {message}");
    assert!(!rig.get(NS, "safe").await.status.unwrap().sips);
    stand_in.answers_sips();
    rig.until(NS, "safe", condition::TLS_READY, "True").await;
    assert!(rig.get(NS, "safe").await.status.unwrap().sips);
    rig.stop().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_leaves_the_last_one_that_could_and_says_so() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    let groups =
        |member: &str| json!({ "spec": { "pbx": { "ringGroups": [{ "number": "600", "members": [member] }] } } });
    rig.instance(NS, "keeps", "keeps").await;
    let _stand_in = StandIn::start(&rig.client, NS, "keeps").await;
    rig.patch(NS, "keeps", groups("101")).await;
    rig.until(NS, "keeps", condition::READY, "True").await;
    rig.eventually("the group is there", async || !extensions(&rig, "keeps").await.ring_groups.is_empty()).await;
    let good = extensions(&rig, "keeps").await;

    rig.patch(NS, "keeps", groups("199")).await;
    rig.until(NS, "keeps", condition::CONFIGURATION_ACCEPTED, "False").await;
    let (_, message) = rig.condition(NS, "keeps", condition::STALLED).await;
    assert!(message.contains("spec.pbx.ringGroups[number=600].members: there is no extension 199"), "{message}");
    assert_eq!(extensions(&rig, "keeps").await, good);
    assert_eq!(rig.condition(NS, "keeps", condition::READY).await.0, "True", "it goes on taking calls");
    // Another operator finds the same: nothing is remembered.
    let rig = rig.restart().await;
    rig.settled().await;
    assert_eq!(extensions(&rig, "keeps").await, good);

    rig.patch(NS, "keeps", groups("102")).await;
    rig.until(NS, "keeps", condition::CONFIGURATION_ACCEPTED, "True").await;
    rig.until(NS, "keeps", condition::STALLED, "False").await;
    assert_eq!(extensions(&rig, "keeps").await.ring_groups[0].members, ["102"]);
    rig.stop().await;
}

#[tokio::test]
async fn a_configuration_that_never_could_be_makes_nothing() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    let queues = json!([{ "number": "700", "agents": ["199"] }]);
    rig.instance_of(NS, "never", json!({ "hostname": "never", "pbx": { "queues": queues } })).await;
    rig.until(NS, "never", condition::CONFIGURATION_ACCEPTED, "False").await;
    let (_, message) = rig.condition(NS, "never", condition::READY).await;
    assert!(message.contains("spec.pbx.queues[number=700].agents: there is no extension 199"), "{message}");
    assert!(rig.within::<StatefulSet>(NS).get_opt("ecqx-never").await.unwrap().is_none());

    let extensions = json!([{ "number": "101" }, { "number": "102", "mediaEncryption": "Required" }]);
    let spec = json!({ "hostname": "clear", "pbx": { "extensions": extensions } });
    let instance = EcqxInstance::new("clear", serde_json::from_value(spec).unwrap());
    let refused = rig.within(NS).create(&PostParams::default(), &instance).await.unwrap_err().to_string();
    assert!(refused.contains("Required, which needs SIP over TLS"), "{refused}");
    rig.stop().await;
}
