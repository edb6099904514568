//! What a phone authenticates with. Pure.

use std::fmt;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::render::text::hex;

/// The digests `H(number:realm:password)` in hex, of MD5 and of SHA-256 (RFC 8760): what SIP authentication compares. As good as
/// the password within this realm, so they are never printed; but they are inert text, whatever the password holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    md5: String,
    sha256: String,
}

impl Credential {
    /// Of an extension in the PBX's realm.
    pub(super) fn new(number: &str, realm: &str, password: &[u8]) -> Self {
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

fn digest<D: Digest>(number: &str, realm: &str, password: &[u8]) -> Vec<u8> {
    let head = D::new().chain_update(number).chain_update(":").chain_update(realm).chain_update(":");
    head.chain_update(password).finalize().to_vec()
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
