//! `limits.json`: what the PBX may do. Small, so that a change of limits is applied at once. No I/O.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Sealed};

/// What a PBX may do. `limits.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsFile {
    /// [`crate::SCHEMA`]; a reader refuses any other.
    pub schema: u32,
    /// Digest of everything else in the file (see [`Document::seal`]); the agent reports the one that it has applied.
    pub generation: String,
    /// Whose PBX this is.
    pub instance: Instance,
    /// When true no new call is let in; those in progress go on.
    pub suspended: bool,
    /// The entitlements, as counts; a flag is 0 or 1.
    pub limits: Limits,
    /// What the provider decides for every PBX.
    #[serde(default)]
    pub policy: Policy,
    /// How phones reach this PBX.
    #[serde(default)]
    pub network: Network,
    /// The generation of the [`crate::ExtensionsFile`] that belongs to these limits; so this file's speaks for both.
    pub extensions: String,
}

/// Whose PBX this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Instance {
    /// Never changes, never reused.
    pub unique_id: String,
    /// The full name, such as `syunikwin.epygicloud.com`; it is the SIP realm and domain.
    pub fqdn: String,
    /// Free text from the reseller: hostile until quoted.
    pub display_name: String,
}

/// Entitlements by feature, named as in the API (§2 of the guide).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Limits {
    /// Enabled extensions.
    pub ip_phone_extension: u32,
    /// Calls recorded at one time.
    pub call_recording: u32,
    /// Participants of all conference rooms together.
    pub audio_conference: u32,
    /// Extensions that may use a softphone beside the phone.
    pub eqall_softphone: u32,
    /// Extensions that may watch others' state.
    pub eqall_receptionist: u32,
    /// Users whose calls are passed to their CRM.
    pub crm_integration: u32,
    /// Ports for agents and supervisors of the call centre.
    pub call_center: u32,
    /// 0 or 1.
    pub sms_whatsapp: u32,
    /// 0 or 1.
    pub vm_transcription: u32,
}

/// What the provider decides for every PBX; it changes without a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Registered phones of one extension, softphone seats not counted.
    pub phones_per_extension: u32,
    /// The most that recordings may take on the data volume, in MiB; beyond it the oldest are deleted.
    pub recordings_mib: u32,
    /// Failed authentications of one source address within [`Policy::block_seconds`] after which it is blocked; 0: never.
    pub failures_before_block: u32,
    /// For how long, in seconds.
    pub block_seconds: u32,
    /// By which digests phones authenticate. The usual one is not written, so that an older PBX reads the file.
    #[serde(skip_serializing_if = "Digests::is_usual")]
    pub digests: Digests,
}

/// By which digests phones authenticate, in the order in which they are offered (RFC 8760): a phone takes the first that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Digests {
    /// MD5 alone: some phones cannot authenticate when they are offered anything beside it, whatever the order.
    #[default]
    Md5,
    /// MD5, then SHA-256: one that prefers the stronger of two takes it.
    Md5First,
    /// SHA-256, then MD5: as RFC 8760 wants it.
    Sha256First,
    /// SHA-256 alone: no phone that knows only MD5.
    Sha256Only,
}

impl Digests {
    /// True for what holds when nothing is said.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// How phones reach this PBX. It changes without a restart: the address of a load balancer is known only after the pod's start,
/// and the range of ports follows the limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Network {
    /// The address that phones send signalling and media to, where it is not the pod's own. It wins over the agent's environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_address: Option<IpAddr>,
    /// The first RTP port, even, inclusive. Each leg of a call takes an even port and the odd one after it.
    pub rtp_first: u16,
    /// The last RTP port, inclusive. It never falls while the pod lives: a call in progress keeps its port.
    pub rtp_last: u16,
}

impl Default for Network {
    fn default() -> Self {
        Self { external_address: None, rtp_first: crate::RTP_FIRST, rtp_last: crate::RTP_LAST }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            phones_per_extension: 1,
            recordings_mib: 512,
            failures_before_block: 20,
            block_seconds: 300,
            digests: Digests::default(),
        }
    }
}

impl Document for LimitsFile {
    const FILE: &'static str = crate::LIMITS_FILE;

    fn sealed(&mut self) -> Sealed<'_> {
        Sealed { schema: &mut self.schema, generation: &mut self.generation }
    }
}
