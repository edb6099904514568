//! Which extensions an instance has. Pure.

use std::collections::BTreeSet;

use ecqx_crds::{MediaEncryption, Recording, Voicemail};
use ecqx_domain::{feature::Feature, ledger::Entitlements};
use pbx_contract::Extension;

/// The number of the first extension where the spec lists none.
const FIRST_NUMBER: u32 = 101;
/// The most extensions that an instance can have (§2 of the guide).
const MOST: usize = 3000;
/// The highest number that is looked at: beside the most extensions there can be so many other numbers.
const LAST_NUMBER: u32 = FIRST_NUMBER + 3250;

/// The extension numbers that have a SIP password already. The passwords themselves stay in the Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passwords(BTreeSet<String>);

impl Passwords {
    /// From the keys of the Secret.
    pub fn of<'keys>(keys: impl IntoIterator<Item = &'keys String>) -> Self {
        Self(keys.into_iter().cloned().collect())
    }

    /// Whether the extension has one.
    pub fn has(&self, number: &str) -> bool {
        self.0.contains(number)
    }
}

/// The configured extensions: those listed in the spec, or numbers from 101 up, without those that stand for something else.
///
/// Without a list there are as many as are licensed, and never fewer than there were: one that has a password was in use
/// once, and an extension beyond a lowered limit is disabled, not deleted (§5 of the product rules).
pub(super) fn configured(
    listed: &[ecqx_crds::Extension],
    entitlements: &Entitlements,
    passwords: &Passwords,
    others: &BTreeSet<&str>,
) -> Vec<Extension> {
    if !listed.is_empty() {
        return listed.iter().map(extension).collect();
    }
    let licensed = entitlements.quantity(Feature::IpPhoneExtension) as usize;
    (FIRST_NUMBER..=LAST_NUMBER)
        .map(|number| number.to_string())
        .filter(|number| passwords.has(number) || !others.contains(number.as_str()))
        .take(MOST)
        .enumerate()
        .take_while(|(index, number)| *index < licensed || passwords.has(number))
        .map(|(_, number)| Extension::of(number))
        .collect()
}

fn extension(listed: &ecqx_crds::Extension) -> Extension {
    Extension {
        number: listed.number.clone(),
        name: listed.name.clone(),
        email: listed.email.clone(),
        voicemail: match listed.voicemail {
            Voicemail::Off => pbx_contract::Voicemail::Off,
            Voicemail::Mailbox => pbx_contract::Voicemail::Mailbox,
            Voicemail::Notify => pbx_contract::Voicemail::Notify,
            Voicemail::Attach => pbx_contract::Voicemail::Attach,
        },
        recording: match listed.recording {
            Recording::Never => pbx_contract::Recording::Never,
            Recording::OnDemand => pbx_contract::Recording::OnDemand,
            Recording::Always => pbx_contract::Recording::Always,
        },
        media_encryption: match listed.media_encryption {
            MediaEncryption::Offered => pbx_contract::MediaEncryption::Offered,
            MediaEncryption::Required => pbx_contract::MediaEncryption::Required,
        },
        softphone: listed.softphone,
        receptionist: listed.receptionist,
        crm: listed.crm,
    }
}
