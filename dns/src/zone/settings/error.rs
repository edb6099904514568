//! Why a zone cannot be served as it is wanted. Pure.

use hickory_proto::{
    ProtoError,
    rr::{Name, RecordType},
    serialize::txt::ParseError,
};

/// Why a zone cannot be served as it is wanted.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// No domain name.
    #[error("{name:?} is no domain name: {source}")]
    Name {
        /// As written.
        name: String,
        /// What is wrong.
        source: ProtoError,
    },
    /// Names below it would not fit.
    #[error("the zone {0} is too long: names of instances below it would exceed 255 octets; set a shorter field zone")]
    TooLong(Name),
    /// No name server.
    #[error("zone {0} has no name server; give at least one with --name-server")]
    NoNameServer(Name),
    /// Not ours to tell.
    #[error(
        "name server {0} stands outside the zone, where its addresses are served by others; leave the addresses out"
    )]
    ForeignAddress(Name),
    /// The zone itself.
    #[error("name server {0} is the zone itself; give it a name below, such as ns1")]
    Apex(Name),
    /// Given twice.
    #[error("name server {0} is given twice; give it once with all its addresses, separated by commas")]
    Twice(Name),
    /// The static part is no zone file.
    #[error("the static part of the zone cannot be read: {0}; it has the form of a zone file (RFC 1035, section 5)")]
    Static(ParseError),
    /// The static part holds what it may not.
    #[error("the static part of the zone: {name} {kind}: {reason}")]
    StaticRecord {
        /// The record's name.
        name: Name,
        /// Its type.
        kind: RecordType,
        /// Why not.
        reason: &'static str,
    },
}
