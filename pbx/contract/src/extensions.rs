//! `extensions.json`: who is configured, and what they can dial. Any size up to 3000 extensions. No I/O.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Sealed};

/// Whom a PBX serves. `extensions.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtensionsFile {
    /// [`crate::SCHEMA`]; a reader refuses any other.
    pub schema: u32,
    /// Digest of everything else in the file (see [`Document::seal`]); the limits name the one that belongs to them.
    pub generation: String,
    /// All configured extensions. Those beyond the limit are disabled, by number from the highest.
    pub extensions: Vec<Extension>,
    /// Numbers that ring several extensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_groups: Vec<RingGroup>,
    /// Rooms for several participants; they share the licensed ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conference_rooms: Vec<ConferenceRoom>,
    /// Queues of the call centre; without a bundle they are there and let nobody in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<Queue>,
}

/// One configured extension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    /// Digits only, such as `101`.
    pub number: String,
    /// The name shown to the called party. Free text from the reseller: hostile until quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where voicemail is sent. Free text from the reseller: hostile until checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What happens to a call that is not taken.
    #[serde(default)]
    pub voicemail: Voicemail,
    /// Which of its calls are recorded, as far as ports are free.
    #[serde(default)]
    pub recording: Recording,
    /// Whether its audio goes encrypted. The usual is not written, so that an older PBX reads the file.
    #[serde(default, skip_serializing_if = "MediaEncryption::is_usual")]
    pub media_encryption: MediaEncryption,
    /// Asks for a softphone seat.
    #[serde(default)]
    pub softphone: bool,
    /// Asks for a receptionist's seat.
    #[serde(default)]
    pub receptionist: bool,
    /// Asks for a CRM seat.
    #[serde(default)]
    pub crm: bool,
}

/// What happens to a call that is not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Voicemail {
    /// Its caller gets 480 or 486.
    Off,
    /// It goes to the mailbox.
    #[default]
    Mailbox,
    /// It goes to the mailbox, and a mail says so.
    Notify,
    /// It goes to the mailbox, and by mail, with the message attached.
    Attach,
}

/// Which calls of an extension are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Recording {
    /// None, and nobody can start one.
    Never,
    /// Those in which it dials the code for it.
    #[default]
    OnDemand,
    /// All.
    Always,
}

/// Whether audio goes encrypted (SRTP, RFC 3711, with keys in the SDP, RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MediaEncryption {
    /// It is offered within `RTP/AVP`, where there is a certificate for SIP over TLS, and a phone that cannot goes without.
    #[default]
    Offered,
    /// The offer is `RTP/SAVP`: phones that take nothing else can be called, and their audio never goes in the clear.
    Required,
}

impl MediaEncryption {
    /// True for what holds when nothing is said.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A number that rings several extensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RingGroup {
    /// Digits only; no other number of the PBX.
    pub number: String,
    /// Hostile until quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Extension numbers; disabled ones are left out.
    pub members: Vec<String>,
    /// In which order they ring.
    pub strategy: RingStrategy,
    /// How long all ring, or each of them.
    pub ring_seconds: u32,
}

/// In which order the members of a group ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RingStrategy {
    /// All at once.
    All,
    /// One after the other, as they are listed.
    InOrder,
}

/// A conference room. Its PINs are in the Secret (see [`crate::secret`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConferenceRoom {
    /// Digits only; no other number of the PBX.
    pub number: String,
    /// Hostile until quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A queue of the call centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Queue {
    /// Digits only; no other number of the PBX.
    pub number: String,
    /// Hostile until quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who is called next.
    pub strategy: QueueStrategy,
    /// Extensions that may log in as agents.
    pub agents: Vec<String>,
    /// Extensions that may listen to, whisper into and join the agents' calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supervisors: Vec<String>,
    /// How long one agent's phone rings.
    pub ring_seconds: u32,
    /// How long an agent gets no call after one.
    pub wrap_up_seconds: u32,
    /// How long a caller waits at most; 0: without end.
    pub max_wait_seconds: u32,
}

/// Who of a queue's agents is called next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum QueueStrategy {
    /// All at once.
    RingAll,
    /// Whoever has had no call for the longest time.
    LeastRecent,
    /// Whoever has had the fewest calls.
    FewestCalls,
    /// Anybody.
    Random,
    /// One after the other, from where the last call left off.
    RoundRobin,
}

/// A kind of seat that extensions ask for, and of which so many are licensed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// A softphone beside the phone.
    Softphone,
    /// Watching the state of others.
    Receptionist,
    /// Calls passed to the CRM.
    Crm,
}

impl Extension {
    /// One of which nothing but its number is said.
    pub fn of(number: impl Into<String>) -> Self {
        Self { number: number.into(), ..Self::default() }
    }

    fn asks_for(&self, seat: Seat) -> bool {
        match seat {
            Seat::Softphone => self.softphone,
            Seat::Receptionist => self.receptionist,
            Seat::Crm => self.crm,
        }
    }
}

impl ExtensionsFile {
    /// The extensions that are enabled: the N with the lowest numbers, compared as numbers.
    pub fn enabled(&self, limit: u32) -> Vec<&Extension> {
        self.ranked().into_iter().take(limit as usize).collect()
    }

    /// The extensions beyond the limit: configured, disabled, not deleted.
    pub fn disabled(&self, limit: u32) -> Vec<&Extension> {
        self.ranked().into_iter().skip(limit as usize).collect()
    }

    /// The enabled extensions that have a seat: of those that ask for one, the lowest numbers; where none asks, of all.
    pub fn seated(&self, seat: Seat, seats: u32, enabled: u32) -> Vec<&Extension> {
        let anybody_asks = self.extensions.iter().any(|extension| extension.asks_for(seat));
        let candidates = self.enabled(enabled).into_iter().filter(|e| !anybody_asks || e.asks_for(seat));
        candidates.take(seats as usize).collect()
    }

    fn ranked(&self) -> Vec<&Extension> {
        let mut all: Vec<&Extension> = self.extensions.iter().collect();
        all.sort_by(|a, b| extension_order(&a.number, &b.number));
        all
    }
}

impl Document for ExtensionsFile {
    const FILE: &'static str = crate::EXTENSIONS_FILE;

    fn sealed(&mut self) -> Sealed<'_> {
        Sealed { schema: &mut self.schema, generation: &mut self.generation }
    }
}

/// Orders extension numbers as numbers, without a bound on their length: `99` before `101`, `0101` after `101`.
pub fn extension_order(a: &str, b: &str) -> std::cmp::Ordering {
    let digits = |number: &str| number.trim_start_matches('0').to_owned();
    let (x, y) = (digits(a), digits(b));
    x.len().cmp(&y.len()).then_with(|| x.cmp(&y)).then_with(|| a.cmp(b))
}
