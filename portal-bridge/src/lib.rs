//! Orders in: from the reseller portal to custom resources. The process holds no state of its own.
//!
//! A delivery is checked ([`secrets`]), read ([`intake`]), recorded as a `PortalOrder` ([`inbox`]) and then brought about
//! ([`fulfil`]), by the handler that took it in ([`http`]) or, after a restart, by the controller ([`controller`]). Both call
//! the same step, orders that compete for something in turn, and the step is idempotent up to the moment at which the order is recorded as fulfilled.
//!
//! What the API tells and takes of an instance that there is, is in [`instances`].

pub mod args;
pub mod bridge;
pub mod clock;
pub mod config;
pub mod controller;
pub mod fulfil;
pub mod http;
pub mod inbox;
pub mod instances;
pub mod intake;
pub mod run;
pub mod secrets;
pub mod turns;

pub use bridge::Bridge;
