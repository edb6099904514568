//! The keys of the Secret that is mounted in [`crate::PASSWORDS_DIR`]: a file each. No I/O.
//!
//! | file | holds |
//! | --- | --- |
//! | `101` | the SIP password of extension 101 |
//! | `101.pin` | the PIN of its mailbox, digits |
//! | `101.console` | its password for the call-centre console; agents and supervisors only |
//! | `room-801.pin`, `room-801.admin` | the PINs of conference room 801 for participants and administrators, digits |
//! | `agent.token` | the bearer token for what the agent tells of recordings, calls and events |

/// The bearer token of the agent's protected paths.
pub const AGENT_TOKEN: &str = "agent.token";

/// The key of an extension's mailbox PIN.
pub fn mailbox_pin(extension: &str) -> String {
    format!("{extension}.pin")
}

/// The key of an extension's console password.
pub fn console_password(extension: &str) -> String {
    format!("{extension}.console")
}

/// The key of a room's PIN for participants.
pub fn room_pin(room: &str) -> String {
    format!("room-{room}.pin")
}

/// The key of a room's PIN for administrators.
pub fn room_admin_pin(room: &str) -> String {
    format!("room-{room}.admin")
}
