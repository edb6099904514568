//! Asterisk's manager interface (AMI): what happens in Asterisk, as a stream, and questions with answers. Does I/O (a socket).
//!
//! Asterisk listens on [`ADDRESS`] of the pod's own loopback alone, for one user, whose [`Secret`] is made at each start of the agent
//! and is in no log (`render::manager` has the file).
//!
//! | to | use |
//! | --- | --- |
//! | connect, and again whenever the connection is lost | [`Ami::start`], once, in the worker; clone the [`Ami`] |
//! | hear what happens | [`Ami::events`]: a `broadcast::Receiver<Arc<Event>>`; `event.name`, `event.get("AOR")`, `event.number("Calls")` |
//! | ask, or have something done | `ami.request(Action::new("QueuePause").with("Interface", "PJSIP/101")).await` gives an [`Answer`] |
//! | ask for a list (`QueueStatus`, `CoreShowChannels`) | the same; the rows are in [`Answer::rows`], and do not come by [`Ami::events`] |
//! | know whether one is connected | [`Ami::link`]: a `watch::Receiver<Link>`; each [`Link::Up`] is a new connection |
//!
//! Who keeps a state that follows from events reads it anew (by a list) at each [`Link::Up`], and after a
//! `RecvError::Lagged`: what happened in between is lost. Values are what telephones and people wrote: data, never trusted.
//! Which events come at all is said in `render::manager` too: what is of no use to anybody is not even written by Asterisk.

pub use client::{Ami, AmiError, Answer, BACKLOG, Link};
pub use message::{Action, Event, Fields, Response};
pub use secret::Secret;

mod client;
mod connection;
pub mod message;
mod secret;

/// Where Asterisk answers.
pub const ADDRESS: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5038);
/// The only user.
pub const USER: &str = "ecqx";
