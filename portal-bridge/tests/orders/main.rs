//! Orders against a real API server: each refusal, one effect whatever is delivered, and the same end after a crash anywhere.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

mod add_ons;
mod crash;
mod once;
mod payment;
mod refusals;
mod rig;
