//! The JSON schemas beside the types are those of the types. `ECQX_GENERATE=1` writes them.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::path::PathBuf;

use pbx_contract::event::{EventsPage, catalogue_in_markdown};
use pbx_contract::{AgentStatus, ConsoleMessage, ConsoleRequest, ExtensionsFile, LimitsFile, RecordingsPage};
use schemars::{Schema, schema_for};

fn check(name: &str, schema: &Schema) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
    let wanted = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("ECQX_GENERATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == wanted, "{name} is not current; ECQX_GENERATE=1 cargo test -p pbx-contract writes it");
}

#[test]
fn the_schemas_are_those_of_the_types() {
    check("limits.json", &schema_for!(LimitsFile));
    check("extensions.json", &schema_for!(ExtensionsFile));
    check("status.json", &schema_for!(AgentStatus));
    check("console-request.json", &schema_for!(ConsoleRequest));
    check("console-message.json", &schema_for!(ConsoleMessage));
    check("recordings.json", &schema_for!(RecordingsPage));
    check("events.json", &schema_for!(EventsPage));
}

#[test]
fn the_page_of_events_is_that_of_the_catalogue() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let wanted = catalogue_in_markdown();
    if std::env::var_os("ECQX_GENERATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == wanted, "docs/events.md is not current; ECQX_GENERATE=1 cargo test -p pbx-contract writes it");
}
