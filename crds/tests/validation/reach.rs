//! The rules of `spec.exposure` and `spec.maintenanceWindow` of an `EcqxInstance`.

use serde_json::{Value, json};

use super::{Case, INSTANCE, accepted, change_accepted, change_refused, refused};

pub fn rules() -> Vec<Case> {
    [exposure(), windows()].into_iter().flatten().collect()
}

fn exposed(exposure: &Value) -> Value {
    json!({ "hostname": "a", "exposure": exposure })
}

fn exposure() -> Vec<Case> {
    let of = |type_: &str| exposed(&json!({ "type": type_ }));
    let class = |class: &str| exposed(&json!({ "type": "LoadBalancer", "loadBalancer": { "class": class } }));
    let annotated =
        |key: &str| exposed(&json!({ "type": "LoadBalancer", "loadBalancer": { "annotations": { key: "x" } } }));
    let idle = exposed(&json!({ "type": "PodIP", "loadBalancer": { "class": "metallb" } }));
    let to_host = json!({ "exposure": { "type": "HostNetwork" } });
    vec![
        accepted("exposure PodIP", INSTANCE, of("PodIP")),
        accepted("exposure LoadBalancer", INSTANCE, of("LoadBalancer")),
        refused("exposure is known", INSTANCE, of("NodePort"), "\"PodIP\", \"LoadBalancer\", \"HostNetwork\""),
        change_accepted("exposure may change", INSTANCE, of("PodIP"), to_host),
        refused("loadBalancer goes with its type", INSTANCE, idle, "it says something only where type is LoadBalancer"),
        accepted("annotations of the load balancer", INSTANCE, annotated("metallb.io/address-pool")),
        refused(
            "annotations are not the operator's",
            INSTANCE,
            annotated("ecqx.epygicloud.com/desired-digest"),
            "are the operator's",
        ),
        change_refused(
            "class is immutable",
            INSTANCE,
            class("a"),
            json!({ "exposure": { "loadBalancer": { "class": "b" } } }),
            "class is immutable",
        ),
    ]
}

fn windows() -> Vec<Case> {
    let window = |change: Value| {
        let mut window = json!({ "start": "02:30", "duration": "2h" });
        window.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "hostname": "a", "maintenanceWindow": window })
    };
    let whole = json!({ "days": ["Saturday", "Sunday"], "duration": "1h30m", "timeZone": "Europe/Berlin" });
    let length = "duration must be from 15m to 24h";
    vec![
        accepted("a window every day", INSTANCE, window(json!({}))),
        accepted("a window in full", INSTANCE, window(whole)),
        refused("days are weekdays", INSTANCE, window(json!({ "days": ["Caturday"] })), "supported values: \"Monday\""),
        refused("a day is named once", INSTANCE, window(json!({ "days": ["Sunday", "Sunday"] })), "Duplicate value"),
        refused(
            "start is a time of day",
            INSTANCE,
            window(json!({ "start": "24:00" })),
            "spec.maintenanceWindow.start",
        ),
        refused("a window is not too short", INSTANCE, window(json!({ "duration": "14m" })), length),
        accepted("a window of a quarter of an hour", INSTANCE, window(json!({ "duration": "15m" }))),
        accepted("a window of a day", INSTANCE, window(json!({ "duration": "24h" }))),
        refused("a window is not too long", INSTANCE, window(json!({ "duration": "24h1m" })), length),
        refused("a window has a length", INSTANCE, window(json!({ "duration": "" })), length),
        refused(
            "a length has hours or minutes",
            INSTANCE,
            window(json!({ "duration": "2d" })),
            "maintenanceWindow.duration",
        ),
    ]
}
