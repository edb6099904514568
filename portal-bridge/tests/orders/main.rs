//! Orders against a real API server: each refusal, one effect whatever is delivered, and the same end after a crash anywhere.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

mod add_ons;
mod conversion;
mod crash;
mod ends;
mod once;
mod payment;
mod promotions;
mod refusals;
mod rig;
mod trials;
