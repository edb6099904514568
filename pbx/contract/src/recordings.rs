//! What the agent tells of recordings. No I/O.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the agent answers at `GET /v1/recordings`: a page, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordingsPage {
    /// The recordings of this page.
    pub recordings: Vec<RecordingInfo>,
    /// What to ask for as `before` to get the next page; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many there are on all pages.
    pub count: u32,
    /// What all of them take on the data volume, in octets.
    pub bytes: u64,
}

/// One recorded call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordingInfo {
    /// The name to fetch or delete it by. Letters, digits, hyphens and points alone.
    pub name: String,
    /// When it began, in UTC (RFC 3339), to the second.
    pub started_at: String,
    /// The extension that called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The number that it dialled: an extension, a group or a queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee: Option<String>,
    /// The extension whose side was recorded from: the one that answered, or the one that dialled `*1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// How long it is, in seconds, rounded down.
    pub seconds: u32,
    /// How long the file is, in octets.
    pub bytes: u64,
    /// Whether the call is still being recorded: then it can be fetched as far as it goes, and not deleted.
    pub in_progress: bool,
}
