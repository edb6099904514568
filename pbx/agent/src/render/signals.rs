//! What the dialplan tells the agent: names of events and of pools. No I/O.
//!
//! Values in these events are what the agent itself has rendered, dialled digits that match a number, counts and addresses: a line
//! break of somebody's would make a line of its own in the manager interface.

/// The `UserEvent` of a refusal because a limit was reached; its header [`FEATURE`] names the feature as the API does.
pub const REFUSED_EVENT: &str = "EcqxRefused";
/// The `UserEvent` of a recording that begins; its header `File` names it.
pub const RECORDING_EVENT: &str = "EcqxRecording";
/// The `UserEvent` of a recording that ends with its call; one that somebody stops is told of by Asterisk.
pub const RECORDED_EVENT: &str = "EcqxRecorded";
/// The `UserEvent` of a call that a transfer has made, so that somebody else may want it recorded; its header [`CHANNEL`] has the unique id
/// of one of its channels.
pub const MOVED_EVENT: &str = "EcqxMoved";
/// The header of [`MOVED_EVENT`].
pub const CHANNEL: &str = "Id";
/// The `UserEvent` of a call of somebody who may not call.
pub const CALL_REFUSED_EVENT: &str = "EcqxCallRefused";
/// The `UserEvent` of a caller who knows no PIN of the conference room.
pub const PIN_EVENT: &str = "EcqxPinRefused";
/// The `UserEvent` of a message that could not be left.
pub const MAILBOX_EVENT: &str = "EcqxMailboxFailed";
/// The `UserEvent` of a caller who has waited in a queue for as long as may be.
pub const WAITED_EVENT: &str = "EcqxQueueTimedOut";
/// The `UserEvent` of a place that was taken in a pool; its headers are `Pool` and `Taken`.
pub const PLACE_EVENT: &str = "EcqxPlace";
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
    format!("UserEvent({REFUSED_EVENT},{FEATURE}: {feature},Extension: ${{{EXTENSION_VARIABLE}}},Number: ${{EXTEN}})")
}

/// The dialplan application that tells of something at the number that was dialled.
pub fn at_number(event: &str) -> String {
    format!("UserEvent({event},Extension: ${{{EXTENSION_VARIABLE}}},Number: ${{EXTEN}})")
}
