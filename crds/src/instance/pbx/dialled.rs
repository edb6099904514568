//! What can be dialled beside extensions: ring groups, conference rooms, queues. Wire types, no I/O.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A number that rings several extensions.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RingGroup {
    /// Two to eight digits, the first not 0, and no other number of the PBX.
    #[schemars(length(min = 2, max = 8), regex(pattern = r"^[1-9][0-9]+$"))]
    pub number: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80), regex(pattern = r"^[^\x00-\x1f\x7f]*$"))]
    pub name: Option<String>,
    /// Extensions by number, in the order in which they ring. Those that are disabled are left out.
    #[schemars(length(min = 1, max = 50), inner(length(max = 8)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub members: Vec<String>,
    /// All rings all at once, `InOrder` one after the other.
    #[serde(default)]
    pub strategy: RingStrategy,
    /// For how long all of them ring, or each, in seconds.
    #[serde(default = "ring_group_seconds")]
    #[schemars(range(min = 5, max = 300))]
    pub ring_seconds: i32,
}

/// In which order the members of a group ring.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RingStrategy {
    /// All at once.
    #[default]
    All,
    /// One after the other.
    InOrder,
}

/// A conference room. Its PINs, for participants and for administrators, are generated, in the Secret ecqx-NAME-sip.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConferenceRoom {
    /// Two to eight digits, the first not 0, and no other number of the PBX.
    #[schemars(length(min = 2, max = 8), regex(pattern = r"^[1-9][0-9]+$"))]
    pub number: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80), regex(pattern = r"^[^\x00-\x1f\x7f]*$"))]
    pub name: Option<String>,
}

/// A queue of the call centre.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Two to eight digits, the first not 0, and no other number of the PBX.
    #[schemars(length(min = 2, max = 8), regex(pattern = r"^[1-9][0-9]+$"))]
    pub number: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80), regex(pattern = r"^[^\x00-\x1f\x7f]*$"))]
    pub name: Option<String>,
    /// Which agent is called next: `RingAll` (all at once), `LeastRecent` (whoever has had no call for the longest time), `FewestCalls`,
    /// Random or `RoundRobin` (one after the other, from where the last call left off).
    #[serde(default)]
    pub strategy: QueueStrategy,
    /// Extensions, by number, that may log in as agents. Each gets a password for the console, in the Secret ecqx-NAME-sip.
    #[schemars(length(min = 1, max = 300), inner(length(max = 8)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub agents: Vec<String>,
    /// Extensions, by number, that may listen to, whisper into and join the agents' calls. Each gets a password for the console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 8)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub supervisors: Vec<String>,
    /// For how long one agent's phone rings, in seconds.
    #[serde(default = "queue_ring_seconds")]
    #[schemars(range(min = 5, max = 120))]
    pub ring_seconds: i32,
    /// For how long an agent gets no call after one, in seconds.
    #[serde(default = "wrap_up_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    pub wrap_up_seconds: i32,
    /// For how long a caller waits at most, in seconds; 0: without end.
    #[serde(default = "max_wait_seconds")]
    #[schemars(range(min = 0, max = 86_400))]
    pub max_wait_seconds: i32,
}

/// Which of a queue's agents is called next.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueStrategy {
    /// All at once.
    RingAll,
    /// Whoever has had no call for the longest time.
    #[default]
    LeastRecent,
    /// Whoever has had the fewest calls.
    FewestCalls,
    /// Anybody.
    Random,
    /// One after the other, from where the last call left off.
    RoundRobin,
}

fn ring_group_seconds() -> i32 {
    20
}

fn queue_ring_seconds() -> i32 {
    15
}

fn wrap_up_seconds() -> i32 {
    10
}

fn max_wait_seconds() -> i32 {
    300
}
