//! Real PBXs, real calls: Asterisk, the agent and telephones in namespaces of their own, without a cluster.
//!
//! What needs a cluster (rollouts, addresses, the operator's part in a limit) is in the end-to-end tests.

#![allow(clippy::unwrap_used)]

mod call_centre;
mod conference;
mod console;
mod digests;
mod events;
mod extensions;
mod fuzz;
mod kinds;
mod receptionists;
mod recording;
mod recordings;
mod scale;
mod security;
mod tls;
mod transfers;
mod under_calls;
mod voicemail;

/// How often a race for the last place is run, unless `ECQX_RACES` says.
const RACES: usize = 20;

fn races() -> usize {
    std::env::var("ECQX_RACES").ok().and_then(|races| races.parse().ok()).unwrap_or(RACES)
}
