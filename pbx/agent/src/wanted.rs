//! The checked form of what is mounted: the renderer's only input. Pure.

use std::collections::BTreeSet;

use pbx_contract::{
    ContractError, ExtensionsFile, Limits, LimitsFile, MediaEncryption, Network, Policy, Queue, Recording, RingGroup,
};

use crate::certificate::Certificate;

pub use credential::Credential;
pub use numbers::is_number;
pub use passwords::{Passwords, keys};

use numbers::{NUMBER_MAX, check_numbers, is_dns_name};
use passwords::PIN_MAX;
use phones::Phones;

mod credential;
#[cfg(test)]
pub(crate) mod fixtures;
mod numbers;
mod passwords;
mod phones;
#[cfg(test)]
mod tests;

/// What Asterisk is to run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The generation of the limits.
    pub generation: String,
    /// The SIP realm and domain.
    pub fqdn: String,
    /// When true every new call is refused.
    pub suspended: bool,
    /// How phones reach it.
    pub network: Network,
    /// With what SIP over TLS is answered; none: it is not.
    pub certificate: Option<Certificate>,
    /// Why the mounted certificate is not that one.
    pub certificate_fault: Option<String>,
    /// The entitlements, as counts.
    pub limits: Limits,
    /// What the provider decides.
    pub policy: Policy,
    /// The configured extensions, in the order of their numbers.
    pub phones: Vec<Phone>,
    /// Numbers that ring several extensions; members that are enabled only.
    pub groups: Vec<RingGroup>,
    /// Conference rooms.
    pub rooms: Vec<Room>,
    /// Queues of the call centre.
    pub queues: Vec<Queue>,
}

/// One configured extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Digits only.
    pub number: String,
    /// The name shown to the called party; still hostile.
    pub name: Option<String>,
    /// What the phone authenticates with.
    pub credential: Credential,
    /// False for those beyond the limit.
    pub enabled: bool,
    /// How many may register at one time: none when disabled.
    pub contacts: u32,
    /// Whether it may watch the state of others.
    pub watches: bool,
    /// Which of its calls are recorded.
    pub recording: Recording,
    /// Whether its audio goes encrypted.
    pub encryption: MediaEncryption,
    /// What happens to a call that is not taken; none: it is answered with 480 or 486.
    pub mailbox: Option<Mailbox>,
}

/// The mailbox of an extension.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Digits; none: nobody can listen to it by telephone.
    pub pin: Option<String>,
    /// Where messages are told of; still hostile.
    pub email: Option<String>,
    /// Whether the message goes with the mail.
    pub attach: bool,
}

/// A conference room.
#[derive(Clone, PartialEq, Eq)]
pub struct Room {
    /// Digits only.
    pub number: String,
    /// Lets participants in.
    pub pin: String,
    /// Lets administrators in.
    pub admin_pin: String,
}

/// Why the mounted files cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// A name that cannot be a SIP realm.
    #[error("limits.json: instance.fqdn {0:?} is not a DNS name")]
    Fqdn(String),
    /// A number that is not one.
    #[error("extensions.json: number {0:?} is not 1 to {NUMBER_MAX} digits")]
    Number(String),
    /// The same number twice.
    #[error("extensions.json: number {0} is there twice")]
    Twice(String),
    /// No password for a configured extension.
    #[error("the SIP password of extension {0} is missing or empty; it is waited for in the mounted Secret")]
    Password(String),
    /// No PIN for a conference room: it would be open to all.
    #[error("the PIN {0} is missing in the mounted Secret; it is waited for")]
    NoPin(String),
    /// A PIN that nobody can dial.
    #[error("the PIN {0} in the mounted Secret is not 1 to {PIN_MAX} digits")]
    Pin(String),
    /// Two files that do not belong together.
    #[error(transparent)]
    Pair(#[from] ContractError),
}

impl Wanted {
    /// Checks and joins what is mounted.
    ///
    /// # Errors
    /// The first fault that is found; nothing is applied in part.
    pub fn new(limits: &LimitsFile, extensions: &ExtensionsFile, passwords: &Passwords) -> Result<Self, Unfit> {
        if limits.extensions != extensions.generation {
            let (wanted, found) = (limits.extensions.clone(), extensions.generation.clone());
            return Err(ContractError::Pair { wanted, found }.into());
        }
        let fqdn = &limits.instance.fqdn;
        if !is_dns_name(fqdn) {
            return Err(Unfit::Fqdn(fqdn.clone()));
        }
        check_numbers(extensions)?;
        let phones = Phones::new(limits, extensions, passwords).all()?;
        let enabled: BTreeSet<&String> =
            phones.iter().filter(|phone| phone.enabled).map(|phone| &phone.number).collect();
        let of_enabled = |group: &RingGroup| RingGroup {
            members: group.members.iter().filter(|member| enabled.contains(member)).cloned().collect(),
            ..group.clone()
        };
        Ok(Self {
            generation: limits.generation.clone(),
            fqdn: fqdn.clone(),
            suspended: limits.suspended,
            network: limits.network.clone(),
            certificate: None,
            certificate_fault: None,
            limits: limits.limits,
            policy: limits.policy.clone(),
            groups: extensions.ring_groups.iter().map(of_enabled).collect(),
            rooms: extensions
                .conference_rooms
                .iter()
                .map(|room| passwords.room(&room.number))
                .collect::<Result<_, _>>()?,
            queues: extensions.queues.clone(),
            phones,
        })
    }

    /// Lets nobody in: what Asterisk starts with when nothing valid is mounted yet.
    pub fn nothing() -> Self {
        Self {
            generation: "none".into(),
            fqdn: "invalid".into(),
            suspended: true,
            network: Network::default(),
            certificate: None,
            certificate_fault: None,
            limits: Limits::default(),
            policy: Policy::default(),
            phones: Vec::new(),
            groups: Vec::new(),
            rooms: Vec::new(),
            queues: Vec::new(),
        }
    }

    /// The numbers of the enabled extensions.
    pub fn enabled(&self) -> BTreeSet<&str> {
        self.phones.iter().filter(|phone| phone.enabled).map(|phone| phone.number.as_str()).collect()
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox(..)")
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room({}, ..)", self.number)
    }
}
