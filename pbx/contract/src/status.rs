//! What the agent answers. No I/O.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the agent answers at `GET /v1/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// True when Asterisk is fully booted and the newest limits are applied.
    pub ready: bool,
    /// The generation of the limits that Asterisk runs with; none before the first.
    pub applied_generation: Option<String>,
    /// Why the newest limits are not applied, when they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether SIP over TLS is answered, with the mounted certificate.
    #[serde(default)]
    pub sips: bool,
    /// What is in use.
    pub usage: Usage,
    /// True when Asterisk could not be asked: then `usage` says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub usage_unknown: bool,
    /// The most that was in use at one time since the pod started.
    #[serde(default)]
    pub peak: Usage,
    /// What was refused since the pod started, because a limit was reached: by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u64>,
}

impl AgentStatus {
    /// What is in use, where it is known.
    pub fn known_usage(&self) -> Option<&Usage> {
        (!self.usage_unknown).then_some(&self.usage)
    }
}

/// What is in use right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Extensions that may register and call.
    pub extensions_enabled: u32,
    /// Extensions that have a registered phone.
    pub extensions_registered: u32,
    /// Calls in progress.
    pub active_calls: u32,
    /// Calls that are being recorded.
    pub recordings: u32,
    /// Participants of all conference rooms.
    pub conference_participants: u32,
    /// Agents and supervisors connected to the console.
    pub consoles: u32,
}

impl Usage {
    /// Each figure becomes the greater one of both.
    pub fn raise(&mut self, other: &Self) {
        let pairs = [
            (&mut self.extensions_enabled, other.extensions_enabled),
            (&mut self.extensions_registered, other.extensions_registered),
            (&mut self.active_calls, other.active_calls),
            (&mut self.recordings, other.recordings),
            (&mut self.conference_participants, other.conference_participants),
            (&mut self.consoles, other.consoles),
        ];
        for (own, other) in pairs {
            *own = other.max(*own);
        }
    }
}
