//! What the dialplan tells the agent: names of events and of pools. No I/O.

/// The `UserEvent` of a refusal because a limit was reached; its header [`FEATURE`] names the feature as the API does.
pub const REFUSED_EVENT: &str = "EcqxRefused";
/// The `UserEvent` of a recording that begins; its header `File` names it.
pub const RECORDING_EVENT: &str = "EcqxRecording";
/// The header of [`REFUSED_EVENT`].
pub const FEATURE: &str = "Feature";
/// The group category whose members are recorded calls.
pub const RECORDING_POOL: &str = "recording";
/// The group category whose members are conference participants.
pub const CONFERENCE_POOL: &str = "conference";
/// The channel variable with the extension that a channel belongs to.
pub const EXTENSION_VARIABLE: &str = "ECQX_EXTENSION";

/// The dialplan application that tells of a refusal.
pub fn refused(feature: &str) -> String {
    format!("UserEvent({REFUSED_EVENT},{FEATURE}: {feature},Extension: ${{{EXTENSION_VARIABLE}}})")
}
