//! The checked form of what is mounted: the renderer's only input. Pure.

use std::collections::{BTreeMap, BTreeSet};

use pbx_contract::{
    ContractError, Extension, ExtensionsFile, Limits, LimitsFile, Network, Policy, Queue, Recording, RingGroup, Seat,
    Voicemail, secret,
};

use crate::certificate::Certificate;

pub use credential::Credential;

mod credential;

/// The longest number that is taken.
const NUMBER_MAX: usize = 32;
/// The longest PIN that is taken.
const PIN_MAX: usize = 16;

/// What the mounted Secret holds, by key (see [`pbx_contract::secret`]).
#[derive(Default)]
pub struct Passwords(pub BTreeMap<String, Vec<u8>>);

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
    /// Whether it has a softphone's seat, and so may have several contacts to be rung.
    pub softphone: bool,
    /// Whether it may watch the state of others.
    pub watches: bool,
    /// Which of its calls are recorded.
    pub recording: Recording,
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

/// Whatever can be dialled: each number once, members and agents too are numbers.
fn check_numbers(file: &ExtensionsFile) -> Result<(), Unfit> {
    let groups = file.ring_groups.iter().map(|group| &group.number);
    let rooms = file.conference_rooms.iter().map(|room| &room.number);
    let queues = file.queues.iter().map(|queue| &queue.number);
    let mut seen = BTreeSet::new();
    for number in file.extensions.iter().map(|extension| &extension.number).chain(groups).chain(rooms).chain(queues) {
        if !is_number(number) {
            return Err(Unfit::Number(number.clone()));
        }
        if !seen.insert(number) {
            return Err(Unfit::Twice(number.clone()));
        }
    }
    let members = file.ring_groups.iter().flat_map(|group| &group.members);
    let at_queues = file.queues.iter().flat_map(|queue| queue.agents.iter().chain(&queue.supervisors));
    match members.chain(at_queues).find(|number| !is_number(number)) {
        Some(number) => Err(Unfit::Number(number.clone())),
        None => Ok(()),
    }
}

/// Makes phones of extensions.
struct Phones<'files> {
    limits: &'files LimitsFile,
    extensions: &'files ExtensionsFile,
    passwords: &'files Passwords,
    softphones: BTreeSet<&'files str>,
    watchers: BTreeSet<&'files str>,
}

impl<'files> Phones<'files> {
    fn new(limits: &'files LimitsFile, extensions: &'files ExtensionsFile, passwords: &'files Passwords) -> Self {
        let enabled = limits.limits.ip_phone_extension;
        let seated = |seat, seats| {
            extensions.seated(seat, seats, enabled).into_iter().map(|extension| extension.number.as_str()).collect()
        };
        Self {
            limits,
            extensions,
            passwords,
            softphones: seated(Seat::Softphone, limits.limits.eqall_softphone),
            watchers: seated(Seat::Receptionist, limits.limits.eqall_receptionist),
        }
    }

    fn all(&self) -> Result<Vec<Phone>, Unfit> {
        let limit = self.limits.limits.ip_phone_extension;
        let enabled = self.extensions.enabled(limit).into_iter().map(|extension| (extension, true));
        let disabled = self.extensions.disabled(limit).into_iter().map(|extension| (extension, false));
        enabled.chain(disabled).map(|(extension, enabled)| self.phone(extension, enabled)).collect()
    }

    fn phone(&self, extension: &Extension, enabled: bool) -> Result<Phone, Unfit> {
        let number = &extension.number;
        let password = self.passwords.line(number).unwrap_or_default();
        if password.is_empty() {
            return Err(Unfit::Password(number.clone()));
        }
        let softphone = self.softphones.contains(number.as_str());
        let contacts = self.limits.policy.phones_per_extension.saturating_add(u32::from(softphone));
        Ok(Phone {
            credential: Credential::new(number, &self.limits.instance.fqdn, password),
            contacts: if enabled { contacts } else { 0 },
            watches: self.watchers.contains(number.as_str()),
            mailbox: self.mailbox(extension)?,
            recording: extension.recording,
            name: extension.name.clone(),
            number: number.clone(),
            softphone,
            enabled,
        })
    }

    fn mailbox(&self, extension: &Extension) -> Result<Option<Mailbox>, Unfit> {
        if extension.voicemail == Voicemail::Off {
            return Ok(None);
        }
        let told = matches!(extension.voicemail, Voicemail::Notify | Voicemail::Attach);
        let pin = self.passwords.pin(&secret::mailbox_pin(&extension.number))?;
        let email = extension.email.clone().filter(|_| told);
        Ok(Some(Mailbox { pin, email, attach: extension.voicemail == Voicemail::Attach }))
    }
}

impl Passwords {
    /// One made with an editor or `echo` ends in a line end that is not part of it.
    fn line(&self, key: &str) -> Option<&[u8]> {
        let bytes = self.0.get(key)?;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Some(bytes.strip_suffix(b"\r").unwrap_or(bytes))
    }

    fn pin(&self, key: &str) -> Result<Option<String>, Unfit> {
        let Some(pin) = self.line(key) else { return Ok(None) };
        let is_pin = (1..=PIN_MAX).contains(&pin.len()) && pin.iter().all(u8::is_ascii_digit);
        if !is_pin {
            return Err(Unfit::Pin(key.to_owned()));
        }
        Ok(Some(String::from_utf8_lossy(pin).into_owned()))
    }

    fn room(&self, number: &str) -> Result<Room, Unfit> {
        let pin = |key: String| self.pin(&key)?.ok_or(Unfit::NoPin(key));
        let (pin, admin_pin) = (pin(secret::room_pin(number))?, pin(secret::room_admin_pin(number))?);
        Ok(Room { number: number.to_owned(), pin, admin_pin })
    }
}

/// The keys that a PBX with these extensions needs, of numbers only: none leads out of the directory.
pub fn keys(file: &ExtensionsFile) -> Vec<String> {
    let numbers = |number: &&String| is_number(number);
    let extensions = file.extensions.iter().map(|extension| &extension.number).filter(numbers);
    let rooms = file.conference_rooms.iter().map(|room| &room.number).filter(numbers);
    let of_extension = |number: &String| [number.clone(), secret::mailbox_pin(number)];
    let of_room = |number: &String| [secret::room_pin(number), secret::room_admin_pin(number)];
    extensions.flat_map(of_extension).chain(rooms.flat_map(of_room)).collect()
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

/// Whether it can be dialled, and is safe as part of a file's name.
pub fn is_number(number: &str) -> bool {
    (1..=NUMBER_MAX).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_dns_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
pub(crate) mod fixtures {
    //! Limits, extensions and passwords for this crate's tests.

    use pbx_contract::{Document as _, Instance, Limits, Policy};

    use super::{Extension, ExtensionsFile, LimitsFile, Network, Passwords, Unfit, Wanted};

    /// Both files.
    pub(crate) type Files = (LimitsFile, ExtensionsFile);

    pub(crate) fn limits(extensions: &[(&str, Option<&str>)], enabled: u32) -> Files {
        let extension =
            |(number, name): &(&str, Option<&str>)| Extension { name: name.map(Into::into), ..Extension::of(*number) };
        let extensions =
            ExtensionsFile { extensions: extensions.iter().map(extension).collect(), ..ExtensionsFile::default() };
        sealed(Limits { ip_phone_extension: enabled, ..Limits::default() }, extensions)
    }

    pub(crate) fn sealed(limits: Limits, extensions: ExtensionsFile) -> Files {
        let extensions = extensions.seal().unwrap();
        let limits = LimitsFile {
            schema: 0,
            generation: String::new(),
            instance: Instance {
                unique_id: "ECQX-1".into(),
                fqdn: "a.epygicloud.com".into(),
                display_name: "A".into(),
            },
            suspended: false,
            limits,
            policy: Policy::default(),
            network: Network::default(),
            extensions: extensions.generation.clone(),
        };
        (limits.seal().unwrap(), extensions)
    }

    pub(crate) fn passwords(numbers: &[&str]) -> Passwords {
        Passwords(numbers.iter().map(|number| ((*number).into(), format!("secret{number}\n").into_bytes())).collect())
    }

    pub(crate) fn wanted((limits, extensions): &Files, passwords: &Passwords) -> Result<Wanted, Unfit> {
        Wanted::new(limits, extensions, passwords)
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{limits, passwords, wanted};
    use super::*;

    #[test]
    fn the_lowest_numbers_are_enabled() {
        let files = limits(&[("1000", None), ("102", None), ("101", None)], 2);
        let wanted = wanted(&files, &passwords(&["101", "102", "1000"])).unwrap();
        assert_eq!(wanted.enabled().into_iter().collect::<Vec<_>>(), ["101", "102"]);
        assert_eq!(wanted.phones.len(), 3);
    }

    #[test]
    fn limits_of_other_extensions_are_refused() {
        let (files, (_, others)) = (limits(&[("101", None)], 1), limits(&[("102", None)], 1));
        assert!(matches!(wanted(&(files.0, others), &passwords(&["101", "102"])), Err(Unfit::Pair(_))));
    }

    #[test]
    fn a_missing_or_empty_password_names_its_extension() {
        let files = limits(&[("101", None), ("102", None)], 2);
        let mut some = passwords(&["101"]);
        assert!(matches!(wanted(&files, &some), Err(Unfit::Password(number)) if number == "102"));
        some.0.insert("102".into(), b"\n".to_vec());
        assert!(matches!(wanted(&files, &some), Err(Unfit::Password(number)) if number == "102"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in ["", "10 1", "101\n[x]", "*43", "١٠١", &"1".repeat(33)] {
            let files = limits(&[(bad, None)], 1);
            assert!(matches!(wanted(&files, &passwords(&[bad])), Err(Unfit::Number(number)) if number == bad));
        }
    }

    #[test]
    fn a_number_that_is_there_twice_is_refused() {
        let files = limits(&[("101", None), ("101", None)], 1);
        assert!(matches!(wanted(&files, &passwords(&["101"])), Err(Unfit::Twice(number)) if number == "101"));
    }

    #[test]
    fn a_realm_that_is_no_dns_name_is_refused() {
        for bad in ["", "a..b", "a b", "a\n[x]", "a;b"] {
            let mut files = limits(&[], 0);
            files.0.instance.fqdn = bad.into();
            assert!(matches!(wanted(&files, &passwords(&[])), Err(Unfit::Fqdn(fqdn)) if fqdn == bad));
        }
    }

    #[test]
    fn the_credential_is_the_digest_of_sip_and_is_never_printed() {
        // `printf 101:a.epygicloud.com:secret101 | md5sum`
        let credential = Credential::new("101", "a.epygicloud.com", b"secret101");
        assert_eq!(credential.reveal_md5(), "d7175b97ed727eae512db568005eaf43");
        // The same with `sha256sum`
        assert_eq!(credential.reveal_sha256(), "e901fcc0f9646403aa53e1912bc024b9c43e39f5508b31004bf71daa21aaf79c");
        assert_eq!(format!("{credential:?}"), "Credential(..)");
    }
}
