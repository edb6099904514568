//! The authoritative DNS server of the zone: instances that the API server tells of become names that callers resolve.
//!
//! Pure, so tested without a network: [`zone`] (what is served), [`answer`] (what a question gets), [`respond`] and [`wire`]
//! (the same in octets), [`serial`], [`published`], [`book`] and [`publish`] (which instances are served). I/O is at the edge: [`watch`] reads the Kubernetes API,
//! [`server`] speaks DNS, [`http`] tells of health, [`run`] ties them together. Between the two sides stands one pointer to
//! an immutable [`zone::Zone`]: a query never waits for a change, and a change never waits for queries.

pub mod agreement;
pub mod answer;
pub mod args;
pub mod book;
pub mod cookie;
pub mod dnssec;
pub mod family;
pub mod faults;
pub mod http;
pub mod limit;
pub mod metrics;
pub mod publish;
pub mod published;
pub mod respond;
pub mod run;
pub mod serial;
pub mod server;
pub mod store;
pub mod transfer;
pub mod watch;
pub mod wire;
pub mod zone;

use std::sync::Arc;

/// The zone that is served now; empty until the first list of instances is complete.
///
/// Without a zone every query is answered SERVFAIL, so that resolvers ask another name server instead of learning that no
/// name exists.
pub type Snapshot = Arc<arc_swap::ArcSwapOption<zone::Zone>>;
