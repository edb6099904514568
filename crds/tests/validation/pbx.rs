//! The rules of `spec.pbx` of an `EcqxInstance`: whom it serves, and what can be dialled.

use serde_json::{Value, json};

use super::{Case, INSTANCE, accepted, change_accepted, change_refused, refused};

pub fn rules() -> Vec<Case> {
    [extensions(), mail(), groups(), rooms(), queues(), numbers(), sizes(), tls()].into_iter().flatten().collect()
}

fn pbx(pbx: &Value) -> Value {
    json!({ "hostname": "a", "pbx": pbx })
}

fn with(list: &str, items: &[Value]) -> Value {
    pbx(&json!({ list: items }))
}

fn extensions() -> Vec<Case> {
    let extension = |number: &str| with("extensions", &[json!({ "number": number })]);
    let flags = json!({ "number": "101", "voicemail": "Off", "recording": "Always", "softphone": true, "receptionist": true, "crm": true });
    let sometimes = json!({ "number": "101", "recording": "Sometimes" });
    let twice = with("extensions", &[json!({ "number": "101" }), json!({ "number": "101" })]);
    let many: Vec<Value> = (0..3001).map(|n| json!({ "number": (10_000 + n).to_string() })).collect();
    vec![
        accepted("extension numbers are digits", INSTANCE, extension("2001")),
        refused("extension numbers are digits", INSTANCE, extension("12a"), "spec.pbx.extensions[0].number"),
        refused("extension numbers are not too long", INSTANCE, extension("123456789"), "may not be more than 8"),
        refused("extension numbers are unique", INSTANCE, twice, "Duplicate value"),
        refused("at most 3000 extensions", INSTANCE, with("extensions", &many), "must have at most 3000 items"),
        accepted("extensions have flags", INSTANCE, with("extensions", &[flags])),
        refused(
            "recording is known",
            INSTANCE,
            with("extensions", &[sometimes]),
            "\"Never\", \"OnDemand\", \"Always\"",
        ),
    ]
}

fn mail() -> Vec<Case> {
    let told = |voicemail: &str| with("extensions", &[json!({ "number": "101", "voicemail": voicemail })]);
    let at = |email: &str| with("extensions", &[json!({ "number": "101", "voicemail": "Attach", "email": email })]);
    let needs = "Notify and Attach send mails; set email too";
    vec![
        accepted("voicemail needs no mail", INSTANCE, told("Mailbox")),
        refused("Notify needs a mail address", INSTANCE, told("Notify"), needs),
        refused("Attach needs a mail address", INSTANCE, told("Attach"), needs),
        accepted("email is an address", INSTANCE, at("ani.h+pbx@mail.example.am")),
        refused("email is one address", INSTANCE, at("a@example.net,b@example.net"), "spec.pbx.extensions[0].email"),
        refused("email has no line end", INSTANCE, at("a@example.net\r\nBcc: b@example.net"), "extensions[0].email"),
        refused("email has a domain", INSTANCE, at("ani"), "spec.pbx.extensions[0].email"),
    ]
}

fn groups() -> Vec<Case> {
    let group = |change: Value| {
        let mut group = json!({ "number": "600", "members": ["101", "102"] });
        group.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        with("ringGroups", &[group])
    };
    vec![
        accepted("a group rings its members", INSTANCE, group(json!({}))),
        accepted(
            "a group has a strategy",
            INSTANCE,
            group(json!({ "strategy": "InOrder", "ringSeconds": 10, "name": "Sales" })),
        ),
        refused("a group has members", INSTANCE, group(json!({ "members": [] })), "should have at least 1 items"),
        refused("a member is listed once", INSTANCE, group(json!({ "members": ["101", "101"] })), "Duplicate value"),
        refused("a group rings for some time", INSTANCE, group(json!({ "ringSeconds": 1 })), "ringSeconds"),
        refused("a group's strategy is known", INSTANCE, group(json!({ "strategy": "Any" })), "\"All\", \"InOrder\""),
    ]
}

fn rooms() -> Vec<Case> {
    let room = |number: &str| json!({ "number": number });
    vec![
        accepted("rooms", INSTANCE, with("conferenceRooms", &[room("801"), room("802")])),
        refused("rooms have numbers", INSTANCE, with("conferenceRooms", &[room("lobby")]), "conferenceRooms[0].number"),
        refused("room numbers are unique", INSTANCE, with("conferenceRooms", &[room("801"), room("801")]), "Duplicate"),
    ]
}

fn queues() -> Vec<Case> {
    let queue = |change: Value| {
        let mut queue = json!({ "number": "700", "agents": ["101"] });
        queue.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        with("queues", &[queue])
    };
    let all = json!({
        "name": "Support", "strategy": "FewestCalls", "supervisors": ["102"], "ringSeconds": 20, "wrapUpSeconds": 0, "maxWaitSeconds": 0,
    });
    vec![
        accepted("a queue needs agents alone", INSTANCE, queue(json!({}))),
        accepted("a queue in full", INSTANCE, queue(all)),
        refused("a queue has agents", INSTANCE, queue(json!({ "agents": [] })), "should have at least 1 items"),
        refused("an agent is listed once", INSTANCE, queue(json!({ "agents": ["101", "101"] })), "Duplicate value"),
        refused("a queue's strategy is known", INSTANCE, queue(json!({ "strategy": "Best" })), "\"LeastRecent\""),
        refused("waiting has no negative end", INSTANCE, queue(json!({ "maxWaitSeconds": -1 })), "maxWaitSeconds"),
    ]
}

/// Each pair of lists: the same number in both is refused, with the field of the second.
fn numbers() -> Vec<Case> {
    let item = |list: &str| match list {
        "ringGroups" => json!({ "number": "500", "members": ["101"] }),
        "queues" => json!({ "number": "500", "agents": ["101"] }),
        _ => json!({ "number": "500" }),
    };
    let pairs = [
        ("extensions", "ringGroups", "ringGroups: a number is an extension's already"),
        ("extensions", "conferenceRooms", "conferenceRooms: a number is an extension's already"),
        ("extensions", "queues", "queues: a number is an extension's already"),
        ("ringGroups", "conferenceRooms", "conferenceRooms: a number is a ring group's already"),
        ("ringGroups", "queues", "queues: a number is a ring group's already"),
        ("conferenceRooms", "queues", "queues: a number is a conference room's already"),
    ];
    let both = |(one, other, message): (&'static str, &'static str, &'static str)| {
        refused(
            "a number stands for one thing",
            INSTANCE,
            pbx(&json!({ one: [item(one)], other: [item(other)] })),
            message,
        )
    };
    pairs.into_iter().map(both).collect()
}

/// The largest PBX that can be: the API server works its rules out within its bounds.
fn sizes() -> Vec<Case> {
    let numbered = |first: i32, count: i32, more: Value| -> Vec<Value> {
        let item = |n: i32| {
            let mut item = more.clone();
            item["number"] = json!((first + n).to_string());
            item
        };
        (0..count).map(item).collect()
    };
    let members: Vec<String> = (0..50).map(|n| (10_000 + n).to_string()).collect();
    let agents: Vec<String> = (0..300).map(|n| (10_000 + n).to_string()).collect();
    let full = pbx(&json!({
        "extensions": numbered(10_000, 3000, json!({ "name": "Somebody", "email": "somebody@example.net", "voicemail": "Notify" })),
        "ringGroups": numbered(20_000, 100, json!({ "members": members })),
        "conferenceRooms": numbered(30_000, 100, json!({})),
        "queues": numbered(40_000, 50, json!({ "agents": agents })),
    }));
    vec![accepted("3000 extensions with everything else in full", INSTANCE, full)]
}

fn tls() -> Vec<Case> {
    let tls = |name: &str| pbx(&json!({ "tls": { "secretName": name } }));
    vec![
        accepted("tls names a Secret", INSTANCE, tls("tatev-tls")),
        refused("tls names a Secret of this namespace", INSTANCE, tls("other/secret"), "spec.pbx.tls.secretName"),
        change_accepted(
            "tls may be named later",
            INSTANCE,
            json!({ "hostname": "a" }),
            json!({ "pbx": { "tls": { "secretName": "b" } } }),
        ),
        change_refused(
            "tls has a name",
            INSTANCE,
            tls("a"),
            json!({ "pbx": { "tls": { "secretName": "" } } }),
            "secretName",
        ),
    ]
}
