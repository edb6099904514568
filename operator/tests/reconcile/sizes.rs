//! The largest PBX that can be, and one that is larger.

use ecqx_crds::condition;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use pbx_contract::{Document as _, ExtensionsFile};
use serde_json::{Value, json};

use crate::{NS, rig::Rig};

fn people(name: &str) -> Vec<Value> {
    let person = |n: u32| json!({ "number": n.to_string(), "name": name, "email": "somebody@mail.example.net" });
    (10_000..13_000).map(person).collect()
}

async fn extensions(rig: &Rig) -> ExtensionsFile {
    let files = rig.within::<ConfigMap>(NS).get("ecqx-large-limits").await.unwrap().data.unwrap();
    ExtensionsFile::parse(&files["extensions.json"]).unwrap()
}

#[tokio::test]
async fn three_thousand_extensions_fit_and_what_does_not_fit_is_refused_and_loses_nothing() {
    let rig = Rig::start().await;
    rig.namespace(NS).await;
    rig.licenses(NS, "large", 2995).await;
    let agents: Vec<String> = (10_000..10_300).map(|n| n.to_string()).collect();
    let queues = json!([{ "number": "700", "agents": agents }]);
    let spec = json!({ "hostname": "large", "pbx": { "extensions": people("Somebody"), "queues": queues } });
    rig.instance_of(NS, "large", spec).await;
    rig.until(NS, "large", condition::CONFIGURATION_ACCEPTED, "True").await;
    let secrets = async || rig.within::<Secret>(NS).get("ecqx-large-sip").await.unwrap().data.unwrap();
    let first = secrets().await;
    assert_eq!(first.len(), 2 * 3000 + 300 + 2 + 1);

    // Another room: the Secret as a whole is written again, with what was there.
    rig.patch(NS, "large", json!({ "spec": { "pbx": { "conferenceRooms": [{ "number": "801" }] } } })).await;
    rig.eventually("the room has PINs", async || secrets().await.contains_key("room-801.pin")).await;
    let second = secrets().await;
    assert!(first.iter().all(|(key, value)| second[key] == *value));
    let good = extensions(&rig).await;

    let long = "Ա".repeat(80);
    let crowd: Vec<Value> = people(&long)
        .into_iter()
        .map(|mut person| {
            person["email"] = json!(format!("{}@mail.example.net", "a".repeat(200)));
            person
        })
        .collect();
    rig.patch(NS, "large", json!({ "spec": { "pbx": { "extensions": crowd } } })).await;
    rig.until(NS, "large", condition::CONFIGURATION_ACCEPTED, "False").await;
    let (_, message) = rig.condition(NS, "large", condition::CONFIGURATION_ACCEPTED).await;
    assert!(message.contains("and a PBX can be given 1000000; shorten names"), "{message}");
    assert_eq!(extensions(&rig).await, good);
    rig.stop().await;
}
