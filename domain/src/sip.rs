//! By which ways a caller may reach a PBX, as its name tells them (RFC 3263, section 4). Pure.

/// One way: what stands in the NAPTR and SRV records of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// The lowest that a caller supports is taken.
    pub order: u16,
    /// The service of the NAPTR record.
    pub service: &'static str,
    /// The first label of the SRV record's name.
    pub scheme: &'static str,
    /// The second.
    pub protocol: &'static str,
    /// Where it is answered.
    pub port: u16,
}

/// The transports, best first. UDP comes first: phones keep no connection alive over it, so it outlives a restart of the
/// PBX; TCP is for messages too large for a datagram.
pub const TRANSPORTS: [Transport; 2] = [
    Transport { order: 10, service: "SIP+D2U", scheme: "_sip", protocol: "_udp", port: 5060 },
    Transport { order: 20, service: "SIP+D2T", scheme: "_sip", protocol: "_tcp", port: 5060 },
];

/// SIP over TLS (RFC 3263, section 4.1: service `SIPS+D2T`, name `_sips._tcp`), where the PBX answers it.
pub const TLS: Transport = Transport { order: 30, service: "SIPS+D2T", scheme: "_sips", protocol: "_tcp", port: 5061 };
