//! What Asterisk's files hold for given limits and settings. Pure: each submodule renders one concern.
//!
//! Everything that a person typed reaches a file through [`text`] or not at all.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::certificate::{self, Certificate};
use crate::wanted::Wanted;

pub mod core;
pub mod dialplan;
pub mod modules;
pub mod pjsip;
pub mod text;

/// The name of the file that holds the phones.
pub const PJSIP: &str = "pjsip.conf";
/// The name of the file that holds the ports for audio.
pub const RTP: &str = "rtp.conf";
/// The name of the file that holds the dialplan.
pub const DIALPLAN: &str = "extensions.conf";

/// Where things are; fixed for the life of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directories {
    /// The rendered files.
    pub config: PathBuf,
    /// Pid file, control socket, logs.
    pub run: PathBuf,
    /// What outlives the pod.
    pub data: PathBuf,
    /// Asterisk's own read-only data.
    pub stock: PathBuf,
}

/// How phones reach the pod, as its environment says; what the limits say wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// SIP over UDP and TCP.
    pub sip_port: u16,
    /// SIP over TLS, where there is a certificate.
    pub sips_port: u16,
    /// First port for audio, inclusive.
    pub rtp_first: u16,
    /// Last port for audio, inclusive.
    pub rtp_last: u16,
    /// Stands in SIP for the pod's own address, outside [`Network::local_nets`].
    pub external_signaling: Option<IpAddr>,
    /// Stands in SDP for the pod's own address, outside [`Network::local_nets`].
    pub external_media: Option<IpAddr>,
    /// Networks, as `address/bits`, that reach the pod directly.
    pub local_nets: Vec<String>,
    /// How often a registered phone is asked whether it is there; 0 is never.
    pub qualify_seconds: u32,
}

/// All that the rendering depends on besides the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where things are.
    pub directories: Directories,
    /// How phones reach the pod.
    pub network: Network,
}

/// Asterisk's whole configuration, by file name.
pub type Files = BTreeMap<&'static str, String>;

/// A configuration and the mark by which Asterisk tells that it runs with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    /// `GENERATION/DIGEST`; in the dialplan and in the phones' file, so that both are asked.
    pub mark: String,
    /// What to write.
    pub files: Files,
}

impl Network {
    /// What holds: the limits know the address of a load balancer, and the ports that it has.
    fn with(&self, limits: &pbx_contract::Network) -> Self {
        let standard = pbx_contract::Network::default();
        let (mut network, external) = (self.clone(), limits.external_address);
        network.external_signaling = external.or(network.external_signaling);
        network.external_media = external.or(network.external_media);
        if (limits.rtp_first, limits.rtp_last) != (standard.rtp_first, standard.rtp_last) {
            (network.rtp_first, network.rtp_last) = (limits.rtp_first, limits.rtp_last);
        }
        network
    }
}

/// Renders everything.
pub fn render(wanted: &Wanted, settings: &Settings) -> Rendering {
    let network = settings.network.with(&wanted.network);
    let mark = mark(wanted, &network, &settings.directories);
    let mut files = core::render(settings);
    files.insert(RTP, core::rtp(&network));
    if let Some(Certificate { chain, key }) = &wanted.certificate {
        files.extend([(certificate::CHAIN, chain.clone()), (certificate::KEY, key.clone())]);
    }
    files.insert("modules.conf", modules::render());
    files.insert(PJSIP, pjsip::render(wanted, &network, &settings.directories.config, &mark));
    files.insert(DIALPLAN, dialplan::render(wanted, &mark));
    Rendering { mark, files }
}

/// Tells apart renderings of one generation too: a password may change while the limits do not.
fn mark(wanted: &Wanted, network: &Network, at: &Directories) -> String {
    let content = pjsip::render(wanted, network, &at.config, "") + &dialplan::render(wanted, "") + &core::rtp(network);
    format!("{}/{}", wanted.generation, text::hex(&Sha256::digest(content)[..4]))
}

#[cfg(test)]
mod tests;
