//! What Asterisk's files hold for given limits and settings. Pure: each submodule renders one concern.
//!
//! Everything that a person typed reaches a file through [`text`] or not at all.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::ami::Secret;
use crate::certificate::{self, Certificate};
use crate::wanted::Wanted;

pub mod call_centre;
pub mod conference;
pub mod core;
pub mod dialplan;
pub mod manager;
pub mod modules;
pub mod pjsip;
pub mod pool;
pub mod recording;
pub mod seats;
pub mod signals;
pub mod text;
pub mod voicemail;

/// The name of the file that holds the phones.
pub const PJSIP: &str = "pjsip.conf";
/// The name of the file that holds the ports for audio.
pub const RTP: &str = "rtp.conf";
/// The name of the file that holds the dialplan.
pub const DIALPLAN: &str = "extensions.conf";

/// The name of the file that holds the mailboxes.
pub const VOICEMAIL: &str = "voicemail.conf";
/// The name of the file that holds the queues.
pub const QUEUES: &str = "queues.conf";

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
    /// How long a call lasts at most without a sign of the phone (session timers, RFC 4028).
    pub session_seconds: u32,
}

/// All that the rendering depends on besides the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where things are.
    pub directories: Directories,
    /// How phones reach the pod.
    pub network: Network,
    /// Lets the agent, and nobody else, use Asterisk's manager interface.
    pub manager: Secret,
}

/// Asterisk's whole configuration, by file name.
pub type Files = BTreeMap<&'static str, String>;

/// A configuration and the marks by which Asterisk tells that it runs with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    /// `GENERATION/DIGEST`, in the dialplan; it stands for all files.
    pub mark: String,
    /// The digest of the phones' file, in itself. Without the generation: a change of a count does not touch 3000 phones.
    pub phones_mark: String,
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
    let mut files = core::render(settings);
    files.insert(RTP, core::rtp(&network));
    if let Some(Certificate { chain, key, .. }) = &wanted.certificate {
        files.extend([(certificate::CHAIN, chain.clone()), (certificate::KEY, key.clone())]);
    }
    files.insert("modules.conf", modules::render());
    files.insert("features.conf", recording::FEATURES.to_owned());
    files.insert("confbridge.conf", conference::PROFILES.to_owned());
    files.insert(VOICEMAIL, voicemail::mailboxes(wanted));
    files.insert(QUEUES, call_centre::queues(wanted));
    let config = &settings.directories.config;
    let phones_mark = digest(&pjsip::render(wanted, &network, config, ""));
    files.insert(PJSIP, pjsip::render(wanted, &network, config, &phones_mark));
    let recordings = settings.directories.recordings();
    let plan = |mark: &str| dialplan::render(wanted, &recordings, mark);
    // A password may change while the limits do not: all files make the mark.
    let all = files.values().map(String::as_str).chain([plan("").as_str()]).collect::<String>();
    let mark = format!("{}/{}", wanted.generation, digest(&all));
    files.insert(DIALPLAN, plan(&mark));
    Rendering { mark, phones_mark, files }
}

fn digest(content: &str) -> String {
    text::hex(&Sha256::digest(content)[..4])
}

impl Directories {
    /// Where recordings lie, on the volume.
    pub fn recordings(&self) -> PathBuf {
        self.data.join("recordings")
    }
}

#[cfg(test)]
pub(crate) mod tests;
