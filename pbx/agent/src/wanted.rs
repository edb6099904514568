//! The checked form of what is mounted: the renderer's only input. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use md5::{Digest, Md5};
use pbx_contract::{ContractError, Extension, ExtensionsFile, LimitsFile, Network};
use sha2::Sha256;

use crate::certificate::Certificate;
use crate::render::text::hex;

/// The longest extension number that is taken.
const NUMBER_MAX: usize = 32;

/// The SIP passwords by extension number, as the mounted files hold them.
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
    /// The configured extensions, in the order of their numbers.
    pub phones: Vec<Phone>,
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
}

/// The digests `H(number:realm:password)` in hex, of MD5 and of SHA-256 (RFC 8760): what SIP authentication compares. As good as the password within
/// this realm, so it is never printed; but it is inert text, whatever the password holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    md5: String,
    sha256: String,
}

/// Why the mounted files cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// A name that cannot be a SIP realm.
    #[error("limits.json: instance.fqdn {0:?} is not a DNS name")]
    Fqdn(String),
    /// A number that is not one.
    #[error("extensions.json: extension number {0:?} is not 1 to {NUMBER_MAX} digits")]
    Number(String),
    /// The same number twice.
    #[error("extensions.json: extension {0} is there twice")]
    Twice(String),
    /// No password for a configured extension.
    #[error("the SIP password of extension {0} is missing or empty; it is waited for in the mounted Secret")]
    Password(String),
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
        let mut seen = BTreeSet::new();
        let mut phones = Vec::with_capacity(extensions.extensions.len());
        let limit = limits.limits.ip_phone_extension;
        let enabled = extensions.enabled(limit).into_iter().map(|extension| (extension, true));
        let disabled = extensions.disabled(limit).into_iter().map(|extension| (extension, false));
        for (extension, enabled) in enabled.chain(disabled) {
            if !seen.insert(&extension.number) {
                return Err(Unfit::Twice(extension.number.clone()));
            }
            phones.push(Phone::new(extension, enabled, fqdn, passwords)?);
        }
        let (generation, network) = (limits.generation.clone(), limits.network.clone());
        Ok(Self { generation, fqdn: fqdn.clone(), suspended: limits.suspended, network, certificate: None, phones })
    }

    /// Lets nobody in: what Asterisk starts with when nothing valid is mounted yet.
    pub fn nothing() -> Self {
        let (generation, fqdn, network) = ("none".into(), "invalid".into(), Network::default());
        Self { generation, fqdn, suspended: true, network, certificate: None, phones: Vec::new() }
    }

    /// The numbers of the enabled extensions.
    pub fn enabled(&self) -> BTreeSet<&str> {
        self.phones.iter().filter(|phone| phone.enabled).map(|phone| phone.number.as_str()).collect()
    }
}

impl Phone {
    fn new(extension: &Extension, enabled: bool, realm: &str, passwords: &Passwords) -> Result<Self, Unfit> {
        let number = &extension.number;
        if number.is_empty() || number.len() > NUMBER_MAX || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Unfit::Number(number.clone()));
        }
        let password = passwords.0.get(number).map(|bytes| without_line_end(bytes)).unwrap_or_default();
        if password.is_empty() {
            return Err(Unfit::Password(number.clone()));
        }
        let credential = Credential::new(number, realm, password);
        Ok(Self { number: number.clone(), name: extension.name.clone(), credential, enabled })
    }
}

impl Credential {
    fn new(number: &str, realm: &str, password: &[u8]) -> Self {
        Self {
            md5: hex(&digest::<Md5>(number, realm, password)),
            sha256: hex(&digest::<Sha256>(number, realm, password)),
        }
    }

    /// The 32 hex digits of MD5, for the rendered file only.
    pub fn reveal_md5(&self) -> &str {
        &self.md5
    }

    /// The 64 hex digits of SHA-256, for the rendered file only.
    pub fn reveal_sha256(&self) -> &str {
        &self.sha256
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

fn digest<D: Digest>(number: &str, realm: &str, password: &[u8]) -> Vec<u8> {
    let head = D::new().chain_update(number).chain_update(":").chain_update(realm).chain_update(":");
    head.chain_update(password).finalize().to_vec()
}

/// A password made with an editor or `echo` ends in a line end that is not part of it.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
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
