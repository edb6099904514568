//! Orders, and what the API tells and takes of instances, against a real API server: each refusal, one effect whatever is
//! delivered, and the same end after a crash anywhere.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

mod add_ons;
mod changes;
mod contention;
mod conversion;
mod crash;
mod ends;
mod forecast;
mod once;
mod payment;
mod promotions;
mod refusals;
mod renewal;
mod rig;
mod trials;
