//! Which extensions an instance has. Pure.

use std::collections::BTreeSet;

use ecqx_crds::{MediaEncryption, PbxSpec, Recording, Voicemail, facts::numbers};
use ecqx_domain::{feature::Feature, ledger::Entitlements};
use pbx_contract::Extension;

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

/// The configured extensions: those listed in the spec, or as [`numbers::unlisted`] says: one that has a password was in use once.
pub(super) fn configured(spec: &PbxSpec, entitlements: &Entitlements, passwords: &Passwords) -> Vec<Extension> {
    if !spec.extensions.is_empty() {
        return spec.extensions.iter().map(extension).collect();
    }
    let taken = numbers::taken(spec, entitlements.quantity(Feature::AudioConference));
    let licensed = entitlements.quantity(Feature::IpPhoneExtension);
    numbers::unlisted(&taken, licensed, |number| passwords.has(number)).into_iter().map(Extension::of).collect()
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
