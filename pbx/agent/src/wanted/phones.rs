//! Phones of extensions: who is enabled, who has a seat, what each authenticates with. Pure.

use std::collections::BTreeSet;

use pbx_contract::{Extension, ExtensionsFile, LimitsFile, Seat, Voicemail, secret};

use super::{Credential, Mailbox, Passwords, Phone, Unfit};

/// Makes phones of extensions.
pub(super) struct Phones<'files> {
    limits: &'files LimitsFile,
    extensions: &'files ExtensionsFile,
    passwords: &'files Passwords,
    softphones: BTreeSet<&'files str>,
    watchers: BTreeSet<&'files str>,
}

impl<'files> Phones<'files> {
    pub(super) fn new(
        limits: &'files LimitsFile,
        extensions: &'files ExtensionsFile,
        passwords: &'files Passwords,
    ) -> Self {
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

    pub(super) fn all(&self) -> Result<Vec<Phone>, Unfit> {
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
            encryption: extension.media_encryption,
            name: extension.name.clone(),
            number: number.clone(),
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
