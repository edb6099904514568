//! Names that are handed over to external-dns, whose kind is installed as it documents it. external-dns itself is played by the test,
//! but for the last one, which `make external-dns` runs.

use ecqx_crds::condition;
use ecqx_operator::naming::endpoint::DnsEndpoint;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{NS, provider::Provider, rig::Rig, stand_in::StandIn};

/// The kind as external-dns documents it (docs/sources/crd.md there). A group of this name needs an approval, or the word that it
/// has none.
fn definition() -> CustomResourceDefinition {
    let text = json!({ "type": "string" });
    let pair = json!({ "type": "object", "properties": { "name": text, "value": text } });
    let endpoint = json!({ "type": "object", "properties": {
        "dnsName": text, "recordType": text, "setIdentifier": text,
        "recordTTL": { "type": "integer", "format": "int64" },
        "targets": { "type": "array", "items": text },
        "labels": { "type": "object", "additionalProperties": text },
        "providerSpecific": { "type": "array", "items": pair },
    } });
    let schema = json!({ "type": "object", "properties": {
        "spec": { "type": "object", "properties": { "endpoints": { "type": "array", "items": endpoint } } },
        "status": { "type": "object", "properties": { "observedGeneration": { "type": "integer", "format": "int64" } } },
    } });
    serde_json::from_value(json!({
        "metadata": {
            "name": "dnsendpoints.externaldns.k8s.io",
            "annotations": { "api-approved.kubernetes.io": "unapproved, a test's own" },
        },
        "spec": {
            "group": "externaldns.k8s.io", "scope": "Namespaced",
            "names": { "kind": "DNSEndpoint", "listKind": "DNSEndpointList", "plural": "dnsendpoints", "singular": "dnsendpoint" },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": schema }, "subresources": { "status": {} },
            }],
        },
    }))
    .unwrap()
}

async fn status_of(rig: &Rig) -> String {
    rig.condition(NS, "handed", condition::DNS_PUBLISHED).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_in_service_is_handed_over_and_withdrawn_when_it_goes_out_of_service() {
    let rig = Rig::start_with(&json!({ "zone": crate::rig::HANDED_OVER })).await;
    rig.namespace(NS).await;
    rig.instance(NS, "handed", "handed").await;
    let stand_in = StandIn::start(&rig.client, NS, "handed").await;
    rig.until(NS, "handed", condition::READY, "True").await;
    assert_eq!(status_of(&rig).await, "False", "without the kind the PBX runs, and says that nobody has its name");

    rig.all::<CustomResourceDefinition>().create(&PostParams::default(), &definition()).await.unwrap();
    let endpoints: Api<DnsEndpoint> = rig.within(NS);
    let there = async || endpoints.get_opt("ecqx-handed").await.ok().flatten();
    rig.eventually("the object is there", async || there().await.is_some()).await;
    let endpoint = there().await.unwrap();
    let address = endpoint.spec.endpoints.iter().find(|set| set.record_type == "A").unwrap();
    assert_eq!((&*address.dns_name, &address.targets), ("handed.external.example", &vec![stand_in.address()]));
    assert_eq!(endpoint.spec.endpoints.iter().filter(|set| set.record_type == "SRV").count(), 2);
    let owner = rig.get(NS, "handed").await.uid();
    assert_eq!(endpoint.owner_references().iter().map(|owner| Some(owner.uid.clone())).collect::<Vec<_>>(), [owner]);

    let taken_up = json!({ "status": { "observedGeneration": endpoint.metadata.generation } });
    endpoints.patch_status("ecqx-handed", &PatchParams::default(), &Patch::Merge(taken_up)).await.unwrap();
    rig.eventually("it is told", async || status_of(&rig).await == "True").await;
    rig.settled().await;
    let before = rig.written();
    rig.patch(NS, "handed", json!({ "metadata": { "annotations": { "look": "again" } } })).await;
    rig.settled().await;
    assert_eq!(rig.written(), before, "nothing is written at rest");

    rig.patch(NS, "handed", json!({ "spec": { "suspended": true } })).await;
    rig.eventually("it is withdrawn", async || there().await.is_none()).await;
    rig.patch(NS, "handed", json!({ "spec": { "suspended": false } })).await;
    rig.eventually("it is handed over again", async || there().await.is_some()).await;
    rig.delete_instance(NS, "handed").await;
    rig.eventually("it goes with its instance", async || there().await.is_none()).await;
    rig.stop().await;
}

/// What the provider's name server is to say of an instance, beside its address.
const WAYS: [(&str, &str, &[&str]); 3] = [
    (
        "itself.external.example",
        "NAPTR",
        &[
            "10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.itself.external.example.",
            "20 10 \"s\" \"SIP+D2T\" \"\" _sip._tcp.itself.external.example.",
        ],
    ),
    ("_sip._udp.itself.external.example", "SRV", &["10 10 5060 itself.external.example."]),
    ("_sip._tcp.itself.external.example", "SRV", &["10 10 5060 itself.external.example."]),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "external-dns is built and PowerDNS installed by `make external-dns`"]
async fn external_dns_itself_brings_the_names_to_a_provider_and_takes_them_away() {
    let rig = Rig::start_with(&json!({ "zone": crate::rig::HANDED_OVER })).await;
    let provider = Provider::start(&rig).await;
    rig.namespace(NS).await;
    rig.instance(NS, "itself", "itself").await;
    let stand_in = StandIn::start(&rig.client, NS, "itself").await;
    rig.until(NS, "itself", condition::DNS_PUBLISHED, "True").await;
    let name = "itself.external.example";
    rig.eventually("the address is there", async || provider.dig(name, "A") == [stand_in.address()]).await;
    for (name, record, data) in WAYS {
        rig.eventually(&format!("{name} {record} is there"), async || provider.dig(name, record) == data).await;
    }
    rig.patch(NS, "itself", json!({ "spec": { "suspended": true } })).await;
    for (name, record) in WAYS.map(|(name, record, _)| (name, record)).into_iter().chain([(name, "A")]) {
        rig.eventually(&format!("{name} {record} is gone"), async || provider.dig(name, record).is_empty()).await;
    }
    drop(provider);
    rig.stop().await;
}
