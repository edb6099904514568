//! What a phone authenticates with. Pure.

use std::fmt;

use md5::{Digest, Md5};

use crate::render::text::hex;

/// The digest `MD5(number:realm:password)` in hex: what SIP authentication compares. As good as the password within
/// this realm, so it is never printed; but it is inert text, whatever the password holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// Of an extension in the PBX's realm.
    pub(super) fn new(number: &str, realm: &str, password: &[u8]) -> Self {
        let digest = Md5::new().chain_update(number).chain_update(":").chain_update(realm).chain_update(":");
        Self(hex(&digest.chain_update(password).finalize()))
    }

    /// The 32 hex digits, for the rendered file only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
