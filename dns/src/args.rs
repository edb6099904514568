//! The command line, which is the whole configuration besides the settings document. Pure.

#![allow(clippy::doc_markdown)] // the comments are the text of --help, where backticks only disturb

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

use crate::{limit::Prefix, transfer::notify::Secondary, zone::NameServer};

/// Answers DNS for the zone of the settings: one name for each ready instance, with the SIP records of RFC 3263.
///
/// Instances (EcqxInstance, all namespaces) are watched with the in-cluster credentials, or with KUBECONFIG outside. A name
/// appears when its instance has addresses in its status and goes when the instance is suspended or deleted. While the
/// API server is away, the last known zone is served. Until the first list is complete, /readyz answers 503 and every query
/// SERVFAIL. SIGTERM ends it gracefully. RUST_LOG sets what is logged.
///
/// Example: ecqx-dns --name-server ns1=203.0.113.1 --name-server ns2=198.51.100.1,2001:db8::1
///
/// `ecqx-dns key --help` tells how to make and replace the keys that sign the zone.
#[derive(Clone, Debug, Parser)]
#[command(version, verbatim_doc_comment)]
pub struct Args {
    /// The settings document (JSON) of the whole product; the zone is taken from it.
    #[arg(long, env = "ECQX_SETTINGS", value_name = "PATH", default_value = "/etc/ecqx/settings/settings.json")]
    pub settings: PathBuf,

    /// Where DNS is answered, on UDP and TCP; [::] is all addresses of IPv6 and IPv4. A Service maps port 53 to it, since the pod may not bind
    /// ports below 1024. A machine with several addresses of a family: give the one that is in the zone, or answers come from another.
    #[arg(long, env = "ECQX_DNS_LISTEN", value_name = "ADDRESS:PORT", default_value = "[::]:1053")]
    pub listen: SocketAddr,

    /// Where /livez, /readyz and /metrics are answered.
    #[arg(long, env = "ECQX_DNS_HTTP", value_name = "ADDRESS:PORT", default_value = "[::]:8080")]
    pub http: SocketAddr,

    /// A name server of the zone, as the parent zone delegates to it: a label of the zone with its public addresses
    /// (ns1=203.0.113.1 or ns1=203.0.113.1,2001:db8::1; without any, the zone is served but cannot be delegated), or a full name elsewhere without addresses (ns.example.net).
    /// Repeat it for each; the first is the primary of the SOA. In the variable, separate them by spaces.
    #[arg(
        long = "name-server",
        env = "ECQX_DNS_NAME_SERVERS",
        value_name = "NAME[=ADDRESS,..]",
        value_delimiter = ' ',
        required = true
    )]
    pub name_servers: Vec<NameServer>,

    /// For how many seconds resolvers may keep the records of an instance.
    #[arg(long, env = "ECQX_DNS_TTL", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub ttl: u32,

    /// The same when they are about to change (status.recordsChangeAt); the usual one where that is shorter.
    #[arg(long, env = "ECQX_DNS_SHORT_TTL", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub short_ttl: u32,

    /// For how many seconds resolvers may keep that a name does not exist (the SOA's minimum, RFC 2308): a new instance can
    /// be invisible that long to whoever asked too early.
    #[arg(long, env = "ECQX_DNS_NEGATIVE_TTL", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_800))]
    pub negative_ttl: u32,

    /// The static part of the zone: a zone file (RFC 1035, section 5) with what does not come from instances, such as MX, TXT,
    /// CAA, CNAME, delegations with glue, a wildcard. No SOA, and no NS of the zone itself. An instance cannot take its names.
    #[arg(long, env = "ECQX_DNS_STATIC_ZONE", value_name = "PATH")]
    pub static_zone: Option<PathBuf>,

    /// Publish SIP over TLS (SIPS+D2T, _sips._tcp, port 5061) for every instance, and not only for those whose status says that the
    /// PBX answers it.
    #[arg(long, env = "ECQX_DNS_SIPS", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub sips: bool,

    /// How many answers of one sort (content, nothing, errors) a network (/24 of IPv4, /56 of IPv6) may get a second over UDP;
    /// 0: no limit. Clients with a cookie of ours are never limited.
    #[arg(long, env = "ECQX_DNS_RATE_LIMIT", value_name = "NUMBER", default_value_t = 500)]
    pub rate_limit: u32,

    /// Every how many answers beyond the rate one is sent, cut, so that those who really ask come over TCP; 0: never.
    #[arg(long, env = "ECQX_DNS_RATE_SLIP", value_name = "NUMBER", default_value_t = 2)]
    pub rate_slip: u32,

    /// A network without a rate limit, such as large resolvers or monitoring. Repeat it for each; in the variable, separate
    /// them by spaces. Loopback, which nobody elsewhere can forge, unless others are given.
    #[arg(
        long = "rate-allow",
        env = "ECQX_DNS_RATE_ALLOW",
        value_name = "ADDRESS/LENGTH",
        value_delimiter = ' ',
        default_value = "127.0.0.0/8 ::1/128"
    )]
    pub rate_allow: Vec<Prefix>,

    /// The secrets of DNS cookies, 32 hexadecimal digits a line: the first makes them, all know them again. Servers that share
    /// an address must share them; without, a secret of this process.
    #[arg(long, env = "ECQX_DNS_COOKIE_SECRETS", value_name = "PATH")]
    pub cookie_secrets: Option<PathBuf>,

    /// The keys that are shared with secondaries, one a line: NAME ALGORITHM SECRET, the algorithm hmac-sha256 or hmac-sha512, the
    /// secret in base 64. Whoever signs with one of them may transfer the zone (AXFR, IXFR); nobody else may.
    #[arg(long, env = "ECQX_DNS_TSIG_KEYS", value_name = "PATH")]
    pub tsig_keys: Option<PathBuf>,

    /// A secondary that is told of each new serial (NOTIFY): its address, and the name of the key by which it knows us. Repeat
    /// it for each; in the variable, separate them by spaces.
    #[arg(
        long = "secondary",
        env = "ECQX_DNS_SECONDARIES",
        value_name = "ADDRESS[:PORT][=KEY]",
        value_delimiter = ' '
    )]
    pub secondaries: Vec<Secondary>,

    /// A folder with the keys that sign the zone (DNSSEC): for each a NAME.key and a NAME.private file, as `ecqx-dns key`, BIND's
    /// dnssec-keygen and ldns-keygen write them; ED25519 or ECDSAP256SHA256. It is read again as it changes. Without, the zone is not
    /// signed.
    #[arg(long, env = "ECQX_DNS_DNSSEC_KEYS", value_name = "PATH")]
    pub dnssec_keys: Option<PathBuf>,

    /// One in how many answered queries is written to the log (client, name, type, code), chosen at random, at most 100 lines a
    /// second for each thread; 0: none. The addresses of clients are personal data.
    #[arg(long, env = "ECQX_DNS_QUERY_LOG", value_name = "NUMBER", default_value_t = 0)]
    pub query_log: u32,

    /// A name behind which all replicas answer HTTP (a headless Service), to agree with them on the serial.
    #[arg(long, env = "ECQX_DNS_REPLICAS", value_name = "HOST:PORT")]
    pub replicas: Option<String>,

    /// A file in which the zone is kept, and from which it is served after a start without the API server. Its folder must
    /// exist and outlive the process.
    #[arg(long, env = "ECQX_DNS_STATE", value_name = "PATH")]
    pub state: Option<PathBuf>,

    /// Moves every serial up by this much. A cluster that takes over a zone from another counts revisions anew: set it so that
    /// the serial comes after the old one.
    #[arg(long, env = "ECQX_DNS_SERIAL_OFFSET", value_name = "NUMBER", default_value_t = 0)]
    pub serial_offset: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_repeated_or_given_in_one_value_with_spaces() {
        let repeated =
            Args::try_parse_from(["ecqx-dns", "--name-server", "ns1=203.0.113.1", "--name-server", "ns.example.net"]);
        let together = Args::try_parse_from(["ecqx-dns", "--name-server", "ns1=203.0.113.1 ns.example.net"]);
        assert_eq!(repeated.unwrap().name_servers, together.unwrap().name_servers);
    }

    #[test]
    fn without_a_name_server_there_is_no_zone_to_serve() {
        let message = Args::try_parse_from(["ecqx-dns"]).unwrap_err().to_string();
        assert!(message.contains("--name-server"), "{message}");
    }
}
