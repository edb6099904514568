//! How instances come by their names in the DNS: by name servers of our own, which are asked what they serve.

mod name_servers;

pub use name_servers::{NameServers, Served};

/// What the operator has to do with names.
#[derive(Debug, Default)]
pub struct Naming {
    /// The name servers that are asked; none when nobody has named them.
    pub name_servers: Option<NameServers>,
}
