//! What a name server tells of one instance over HTTP: the wire form between `ecqx-dns` and the operator. Pure.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What is served of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Publication {
    /// The addresses that its name leads to; none while it has no name.
    pub addresses: Vec<IpAddr>,
    /// Why it is not served as its status says, if it is not.
    pub fault: Option<Fault>,
}

/// Why an instance is not served as its status says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Fault {
    /// One word, of [`crate::condition::reason`].
    pub reason: String,
    /// The field that is at fault, such as `spec.hostname`.
    pub field: String,
    /// What is wrong and what to do, for people.
    pub message: String,
}
