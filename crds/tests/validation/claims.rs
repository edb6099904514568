//! The rules of `FqdnClaim` and `TrialClaim`.

use serde_json::{Value, json};

use super::{Case, NAME_CLAIM, TRIAL_CLAIM, accepted, change_accepted, change_refused, refused};

pub fn rules() -> Vec<Case> {
    [names(), trials(), trials_that_started()].into_iter().flatten().collect()
}

fn held(namespace: &str, uid: &str) -> Value {
    json!({ "holder": { "namespace": namespace, "name": "a", "uid": uid } })
}

fn names() -> Vec<Case> {
    let reserved = |until: &str| json!({ "freedAt": "2026-10-01T00:00:00Z", "reservedUntil": until });
    let stays = "a name stays with the namespace that claimed it";
    vec![
        change_accepted("a claim passes on in its namespace", NAME_CLAIM, held("one", "1"), held("one", "2")),
        change_refused("a claim stays with its namespace", NAME_CLAIM, held("one", "1"), held("two", "1"), stays),
        refused("a claim has a holder", NAME_CLAIM, json!({}), "spec.holder: Required value"),
        change_accepted("a name is reserved", NAME_CLAIM, held("one", "1"), reserved("2026-12-30T00:00:00Z")),
        change_refused("until a time", NAME_CLAIM, held("one", "1"), reserved("for ever"), "spec.reservedUntil"),
    ]
}

/// A claim of recording ports with these fields.
fn trial(fields: &Value) -> Value {
    let mut claim = held("one", "1");
    claim["service"] = json!("CallRecording");
    for (key, value) in fields.as_object().into_iter().flatten() {
        claim[key] = value.clone();
    }
    claim
}

fn trials() -> Vec<Case> {
    let whose = "whose trial of which service it is cannot change";
    let first = || trial(&json!({}));
    let of_company = || trial(&json!({ "company": "Tatev" }));
    vec![
        accepted("a trial of a feature", TRIAL_CLAIM, first()),
        accepted("a trial of an instance", TRIAL_CLAIM, trial(&json!({ "service": "Ecqx" }))),
        refused("its service is known", TRIAL_CLAIM, trial(&json!({ "service": "Phones" })), "supported values"),
        refused("it has a holder", TRIAL_CLAIM, json!({ "service": "Ecqx" }), "spec.holder: Required value"),
        change_refused("its service stays", TRIAL_CLAIM, first(), trial(&json!({ "service": "Ecqx" })), whose),
        change_refused("no company comes", TRIAL_CLAIM, first(), of_company(), whose),
        change_refused("its company stays", TRIAL_CLAIM, of_company(), trial(&json!({ "company": "Ani" })), whose),
        change_refused("no company goes", TRIAL_CLAIM, of_company(), trial(&json!({ "company": null })), whose),
        change_accepted("one that never started may pass on", TRIAL_CLAIM, first(), held("one", "2")),
    ]
}

fn trials_that_started() -> Vec<Case> {
    let (start, end) = ("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z");
    let started = || trial(&json!({ "startedAt": start, "endsAt": end }));
    let moved = |fields: Value| change_refused("its start never moves", TRIAL_CLAIM, started(), fields, NEVER_MOVES);
    let together = "startedAt and endsAt are recorded together";
    let passed_on = held("one", "2");
    let stays = "a trial that has started stays with the instance that used it";
    vec![
        change_accepted("it starts once", TRIAL_CLAIM, trial(&json!({})), started()),
        moved(json!({ "startedAt": "2026-09-02T00:00:00Z" })),
        moved(json!({ "endsAt": "2026-12-01T00:00:00Z" })),
        moved(json!({ "startedAt": null, "endsAt": null })),
        refused("a start has an end", TRIAL_CLAIM, trial(&json!({ "startedAt": start })), together),
        refused("an end has a start", TRIAL_CLAIM, trial(&json!({ "endsAt": end })), together),
        change_refused("one that started stays", TRIAL_CLAIM, started(), passed_on, stays),
        refused(
            "its times are times",
            TRIAL_CLAIM,
            trial(&json!({ "startedAt": "now", "endsAt": end })),
            "spec.startedAt",
        ),
    ]
}

const NEVER_MOVES: &str = "the start of a trial is recorded once and never moves";
