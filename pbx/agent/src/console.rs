//! The call centre's console: agents and supervisors connect by WebSocket, see their queues live, pause and barge in. Does I/O.
//!
//! | module | owns |
//! | --- | --- |
//! | [`listen`] | the port: how many connections at most, TLS where there is a certificate |
//! | [`door`] | who comes in: password, role, a free port, and who has failed too often |
//! | [`session`] | one connection, from its login to its end |
//! | [`floor`] | the state of the queues, and that those who are connected are members of theirs |
//! | [`barge`] | a supervisor's telephone in an agent's call |
//!
//! Pure are [`ports`], [`reading`], [`roles`] and [`view`]. The contract is in `docs/console.md`.

pub mod barge;
pub mod door;
pub mod floor;
pub mod listen;
pub mod ports;
pub mod reading;
pub mod roles;
pub mod session;
pub mod view;

pub use door::Door;
pub use floor::Floor;
pub use ports::Ports;

use std::time::Duration;

use crate::ami::Ami;
use crate::events::Events;
use crate::status::Shared;
use crate::tally::Tally;

/// All that a connection needs; clones share it.
#[derive(Clone, Debug)]
pub struct Console {
    /// Who comes in.
    pub door: Door,
    /// The queues.
    pub floor: Floor,
    /// Asterisk.
    pub ami: Ami,
    /// What is applied.
    pub status: Shared,
    /// What has happened.
    pub events: Events,
    /// The most that was, and what was refused.
    pub tally: Tally,
    /// How long is waited for the other side.
    pub patience: Patience,
}

/// How long is waited for the other side.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the connection to the end of the request's head.
    pub head: Duration,
    /// From the WebSocket's beginning to its login.
    pub login: Duration,
    /// Who takes nothing for so long is cut off; what changes meanwhile is not piled up.
    pub send: Duration,
    /// How often it is asked whether somebody is there.
    pub ping: Duration,
    /// Who says nothing for so long, not even to a ping, is not there, and its port is free.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { head: seconds(10), login: seconds(10), send: seconds(10), ping: seconds(20), silence: seconds(60) }
    }
}

#[cfg(test)]
mod tests;
