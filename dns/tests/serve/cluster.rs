//! The watch against a real API server, with no more rights than the server is given in a cluster.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use ecqx_crds::EcqxInstance;
use ecqx_dns::{Snapshot, publish::Publisher, watch, wire::WireName, zone::Place};
use ecqx_tests::{ControlPlane, kinds};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{dig::dig, server, settings, until};

const USER: &str = "dns-under-test";
const NAME: &str = "syunikwin.epygicloud.com";

/// The rights of the DNS server: it reads instances, and nothing else.
async fn grant_rights(client: &Client) {
    let role: ClusterRole = serde_json::from_value(json!({
        "metadata": {"name": USER},
        "rules": [{"apiGroups": ["ecqx.epygicloud.com"], "resources": ["ecqxinstances"], "verbs": ["list", "watch"]}],
    }))
    .unwrap();
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
    }))
    .unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &role).await.unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &binding).await.unwrap();
}

async fn create(instances: &Api<EcqxInstance>, name: &str, hostname: &str) {
    let instance = EcqxInstance::new(name, serde_json::from_value(json!({"hostname": hostname})).unwrap());
    instances.create(&PostParams::default(), &instance).await.unwrap();
}

async fn publish(instances: &Api<EcqxInstance>, name: &str, status: Value) {
    let patch = Patch::Merge(json!({"status": status}));
    instances.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}

async fn answers(server: SocketAddr, name: &str) -> Vec<String> {
    dig(server, &[name, "A", "+short"]).await.text.lines().map(str::to_owned).collect()
}

/// The course of an instance's life, and an outage in the midst of it.
#[tokio::test]
async fn a_name_comes_with_its_addresses_outlives_the_api_server_and_goes_with_its_instance() {
    let control_plane = ControlPlane::start().await.unwrap();
    let client = control_plane.client();
    kinds::install(&client).await.unwrap();
    grant_rights(&client).await;
    let snapshot = Snapshot::default();
    let dns = server(&snapshot).await;
    let at = dns.address();
    assert_eq!(dig(at, &[NAME, "A"]).await.code(), "SERVFAIL", "nothing is known before the first list");
    let events =
        watch::events(control_plane.client_as(USER, &[]).unwrap(), "epygicloud.com".to_owned(), Arc::default());
    let mut publisher = Publisher::new(settings(), Arc::clone(&snapshot));
    let watching = tokio::spawn(async move { publisher.follow(events, tokio::sync::mpsc::channel(1).1).await });
    until("the first list is complete", async || dig(at, &[NAME, "A"]).await.code() == "NXDOMAIN").await;

    let instances = Api::<EcqxInstance>::namespaced(client.clone(), "default");
    create(&instances, "one", "syunikwin").await;
    publish(&instances, "one", json!({"fqdn": NAME})).await;
    create(&instances, "two", "second").await;
    let begin = Instant::now();
    publish(&instances, "two", json!({"fqdn": "second.epygicloud.com", "addresses": ["203.0.113.2"]})).await;
    until("the second name resolves", async || snapshot_has(&snapshot, "second")).await;
    println!("written to served: {:?}, the write itself included", begin.elapsed());
    assert_eq!(answers(at, "second.epygicloud.com").await, ["203.0.113.2"]);
    assert_eq!(dig(at, &[NAME, "A"]).await.code(), "NXDOMAIN", "a claim without addresses is no name");

    publish(&instances, "one", json!({"addresses": ["203.0.113.9", "not an address"]})).await;
    until("the name resolves", async || answers(at, NAME).await == ["203.0.113.9"]).await;

    control_plane.stop_api_server().unwrap();
    assert_eq!(answers(at, NAME).await, ["203.0.113.9"], "the last zone is served on");
    control_plane.start_api_server().unwrap();
    publish(&instances, "one", json!({"addresses": ["203.0.113.10"]})).await;
    until("a change after the outage is seen", async || answers(at, NAME).await == ["203.0.113.10"]).await;

    let suspend = Patch::Merge(json!({"spec": {"suspended": true}}));
    instances.patch("one", &PatchParams::default(), &suspend).await.unwrap();
    until("a suspended name is gone", async || dig(at, &[NAME, "A"]).await.code() == "NXDOMAIN").await;
    instances.delete("two", &DeleteParams::default()).await.unwrap();
    until("a deleted name is gone", async || !snapshot_has(&snapshot, "second")).await;

    watching.abort();
    dns.stop().await.unwrap();
    control_plane.stop().await.unwrap();
}

fn snapshot_has(snapshot: &Snapshot, label: &str) -> bool {
    let name = WireName::of(&format!("{label}.epygicloud.com.").parse().unwrap());
    let zone = snapshot.load();
    zone.as_deref().is_some_and(|zone| matches!(zone.find(name.as_bytes()), Place::Here(_)))
}
