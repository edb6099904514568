//! The agent's command line; each option is an environment variable too. No I/O.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use pbx_contract::{
    AGENT_PORT, CONSOLE_PORT, DATA_DIR, LIMITS_DIR, PASSWORDS_DIR, RTP_FIRST, RTP_LAST, SIP_PORT, SIPS_PORT, TLS_DIR,
};

use crate::ami::{BACKLOG, Secret};
use crate::render::{Directories, Network, Settings};
use crate::source::TlsDirs;

/// Where Asterisk's and the agent's sockets are.
pub const RUN_DIR: &str = "/run/asterisk";

/// Runs one PBX from its mounted limits. See `docs/pbx-contract.md`.
#[derive(Clone, Debug, Parser)]
#[command(name = "pbx-agent", version)]
pub struct Args {
    /// The directory that holds `limits.json`.
    #[arg(long, env = "ECQX_LIMITS_DIR", default_value = LIMITS_DIR)]
    pub limits_dir: PathBuf,
    /// The directory that holds a file per extension with its SIP password.
    #[arg(long, env = "ECQX_PASSWORDS_DIR", default_value = PASSWORDS_DIR)]
    pub passwords_dir: PathBuf,
    /// The directory that holds `tls.crt` and `tls.key`, where there is a certificate.
    #[arg(long, env = "ECQX_TLS_DIR", default_value = TLS_DIR)]
    pub tls_dir: PathBuf,
    /// What outlives the pod: the registrar's contacts, the spool.
    #[arg(long, env = "ECQX_DATA_DIR", default_value = DATA_DIR)]
    pub data_dir: PathBuf,
    /// Where Asterisk's configuration is written; holds password digests.
    #[arg(long, env = "ECQX_CONFIG_DIR", default_value = "/etc/asterisk")]
    pub config_dir: PathBuf,
    /// Asterisk's pid file, control socket and logs.
    #[arg(long, env = "ECQX_RUN_DIR", default_value = RUN_DIR)]
    pub run_dir: PathBuf,
    /// Asterisk's read-only data in the image: documentation, sounds.
    #[arg(long, env = "ECQX_STOCK_DIR", default_value = "/usr/share/asterisk")]
    pub stock_dir: PathBuf,
    /// The Asterisk program.
    #[arg(long, env = "ECQX_ASTERISK", default_value = "/usr/sbin/asterisk")]
    pub asterisk: PathBuf,
    /// A library that Asterisk loads before its own; without it, subscriptions are refused with 603 in place of 403.
    #[arg(long, env = "ECQX_PRELOAD", default_value = "/usr/local/lib/ecqx/forbidden.so")]
    pub preload: PathBuf,
    /// The address of `/readyz`, `/livez` and `/v1/status`.
    #[arg(long, env = "ECQX_LISTEN", default_value_t = SocketAddr::from(([0, 0, 0, 0], AGENT_PORT)))]
    pub listen: SocketAddr,
    /// The address of the call centre's console.
    #[arg(long, env = "ECQX_CONSOLE_LISTEN", default_value_t = SocketAddr::from(([0, 0, 0, 0], CONSOLE_PORT)))]
    pub console_listen: SocketAddr,
    /// The port of SIP over UDP and TCP.
    #[arg(long, env = "ECQX_SIP_PORT", default_value_t = SIP_PORT)]
    pub sip_port: u16,
    /// The port of SIP over TLS.
    #[arg(long, env = "ECQX_SIPS_PORT", default_value_t = SIPS_PORT)]
    pub sips_port: u16,
    /// The first UDP port for audio.
    #[arg(long, env = "ECQX_RTP_FIRST", default_value_t = RTP_FIRST)]
    pub rtp_first: u16,
    /// The last UDP port for audio.
    #[arg(long, env = "ECQX_RTP_LAST", default_value_t = RTP_LAST)]
    pub rtp_last: u16,
    /// The address that phones outside the local networks send SIP to, when it is not the pod's own.
    #[arg(long, env = "ECQX_EXTERNAL_SIGNALING_ADDRESS")]
    pub external_signaling_address: Option<IpAddr>,
    /// The address that phones outside the local networks send audio to, when it is not the pod's own.
    #[arg(long, env = "ECQX_EXTERNAL_MEDIA_ADDRESS")]
    pub external_media_address: Option<IpAddr>,
    /// A network (such as `10.0.0.0/8`) that reaches the pod directly; may be given several times, or by commas.
    #[arg(long, env = "ECQX_LOCAL_NETS", value_delimiter = ',', value_parser = parse_cidr)]
    pub local_net: Vec<String>,
    /// How often a registered phone is asked whether it is there, which also keeps its NAT open; 0 never asks. A phone
    /// that did not answer, a rebooted one say, gets no calls until it is asked again, however often it registers: that
    /// is worse than letting a call to a dead phone time out.
    #[arg(long, env = "ECQX_QUALIFY_SECONDS", default_value_t = 0)]
    pub qualify_seconds: u32,
    /// How long a call lasts at most without a sign of the phone, which is asked for one at half that time (session timers, RFC 4028): a phone
    /// that has lost its network frees its place in a conference then. A phone that calls may ask for another time.
    #[arg(long, env = "ECQX_SESSION_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(90..=86_400))]
    pub session_seconds: u32,
    /// How long calls in progress may go on after SIGTERM; the pod's grace period must be longer by 15 s.
    #[arg(long, env = "ECQX_DRAIN_SECONDS", default_value_t = 45)]
    pub drain_seconds: u64,
    /// How many happenings in Asterisk may wait for the agent; of those beyond, only the number is told. One takes some hundred bytes.
    #[arg(long, env = "ECQX_EVENT_BACKLOG", default_value_t = BACKLOG, value_parser = parse_backlog)]
    pub event_backlog: usize,
    /// How often the mounted files are compared with what is applied, should a notification be missed.
    #[arg(long, env = "ECQX_POLL_SECONDS", default_value_t = 5)]
    pub poll_seconds: u64,
}

impl Args {
    /// What the rendering depends on, besides the limits. The manager's secret is another at each start.
    pub fn settings(&self, manager: Secret) -> Settings {
        Settings {
            directories: Directories {
                config: self.config_dir.clone(),
                run: self.run_dir.clone(),
                data: self.data_dir.clone(),
                stock: self.stock_dir.clone(),
            },
            network: Network {
                sip_port: self.sip_port,
                sips_port: self.sips_port,
                rtp_first: self.rtp_first,
                rtp_last: self.rtp_last,
                external_signaling: self.external_signaling_address,
                external_media: self.external_media_address,
                local_nets: self.local_net.clone(),
                qualify_seconds: self.qualify_seconds,
                session_seconds: self.session_seconds,
            },
            manager,
        }
    }

    /// Where a certificate is looked for.
    pub fn tls(&self) -> TlsDirs {
        TlsDirs { mounted: self.tls_dir.clone(), in_force: self.config_dir.clone() }
    }

    /// [`Args::drain_seconds`] as a duration.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// Accepts `ADDRESS/BITS`, so that nothing else reaches the rendered file.
fn parse_cidr(text: &str) -> Result<String, String> {
    let wanted = || format!("`{text}` is not a network; write it as 10.0.0.0/8");
    let (address, bits) = text.trim().split_once('/').ok_or_else(wanted)?;
    let address: IpAddr = address.parse().map_err(|_| wanted())?;
    let bits: u8 = bits.parse().map_err(|_| wanted())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits > most { Err(wanted()) } else { Ok(format!("{address}/{bits}")) }
}

/// A bound within which it can be had.
fn parse_backlog(text: &str) -> Result<usize, String> {
    let backlog = text.trim().parse().ok().filter(|backlog| (1..=1 << 20).contains(backlog));
    backlog.ok_or_else(|| format!("`{text}` is no number from 1 to {}", 1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_start_has_the_contracts_paths_and_ports() {
        let args = Args::try_parse_from(["pbx-agent"]).unwrap();
        assert_eq!((args.sip_port, args.listen.port()), (SIP_PORT, AGENT_PORT));
        assert_eq!(args.limits_dir, PathBuf::from(LIMITS_DIR));
    }

    #[test]
    fn a_backlog_has_a_place_for_one_at_least() {
        assert_eq!(parse_backlog(" 1 "), Ok(1));
        for bad in ["0", "-1", "1048577", "many"] {
            assert!(parse_backlog(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_network_passes_as_a_local_net() {
        assert_eq!(parse_cidr(" 10.0.0.0/8"), Ok("10.0.0.0/8".to_owned()));
        for bad in ["10.0.0.0", "10.0.0.0/33", "a/8", "10.0.0.0/8\nbind=x", "fd00::/129"] {
            assert!(parse_cidr(bad).is_err(), "{bad}");
        }
    }
}
