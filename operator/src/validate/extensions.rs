//! Which extensions an instance has. Pure.

use std::collections::BTreeSet;

use ecqx_domain::{feature::Feature, ledger::Entitlements};
use pbx_contract::Extension;

/// The number of the first extension where the spec lists none.
const FIRST_NUMBER: u32 = 101;
/// The most extensions that an instance can have (§2 of the guide).
const MOST: u32 = 3000;

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

/// The configured extensions: those listed in the spec, or numbers from 101 up.
///
/// Without a list there are as many as are licensed, and never fewer than there were: one that has a password was in use
/// once, and an extension beyond a lowered limit is disabled, not deleted (§5 of the product rules).
pub(super) fn configured(
    listed: &[ecqx_crds::Extension],
    entitlements: &Entitlements,
    passwords: &Passwords,
) -> Vec<Extension> {
    if !listed.is_empty() {
        return listed.iter().map(|e| Extension { name: e.name.clone(), ..Extension::of(&e.number) }).collect();
    }
    let licensed = entitlements.quantity(Feature::IpPhoneExtension);
    (0..MOST)
        .map(|index| (index, (FIRST_NUMBER + index).to_string()))
        .take_while(|(index, number)| *index < licensed || passwords.has(number))
        .map(|(_, number)| Extension::of(number))
        .collect()
}
