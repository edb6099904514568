//! What the supervisor does: starts the cluster's parts, watches them, and removes all that they leave.

pub mod ability;
pub mod binaries;
pub mod client;
pub mod identity;
pub mod images;
pub mod layout;
pub mod lock;
pub mod part;
pub mod ready;
pub mod record;
pub mod sweep;

mod api;
mod machine;
mod mounts;
mod node;
mod orders;
mod parts;
mod simulated;
mod start;
mod storage;
mod supervise;

pub use supervise::{Options, run};
