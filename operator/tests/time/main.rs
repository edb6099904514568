//! The real operator process over months: its clock is moved by libfaketime, against a real API server.
//!
//! No kubelet runs here. A stand-in marks pods as ready, and answers as their agent would once it has applied the limits file;
//! the end-to-end suite has real ones.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

mod changes;
mod jumps;
mod kubelet;
mod lifecycle;
mod name_changes;
mod process;
mod rig;
mod second_trials;
