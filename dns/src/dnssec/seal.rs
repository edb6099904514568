//! By whom and for how long a part of the zone is signed, and the signing itself. Pure.

use std::sync::Arc;

use super::{Key, Signers, canonical, tick::Validity};
use crate::{
    wire::{WireName, kind},
    zone::RrSet,
};

/// What the signatures of a part of the zone have in common.
#[derive(Clone, Debug)]
pub struct Seal {
    signers: Arc<Signers>,
    origin: WireName,
    validity: Validity,
}

impl PartialEq for Seal {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.signers, &other.signers) && self.validity == other.validity
    }
}

impl Eq for Seal {}

impl Seal {
    /// Signatures by these keys for this zone, that hold so long.
    pub fn new(signers: Arc<Signers>, origin: WireName, validity: Validity) -> Self {
        Self { signers, origin, validity }
    }

    /// The signatures over a set, as a set: one for each key that signs its type.
    pub fn sign(&self, owner: &[u8], set: &RrSet) -> RrSet {
        let signatures = self.keys(set.kind()).iter().map(|key| self.by(key, owner, set));
        RrSet::of_octets(kind::RRSIG, set.ttl(), signatures)
    }

    fn keys(&self, kind: u16) -> &[Arc<Key>] {
        match kind {
            kind::DNSKEY | kind::CDS | kind::CDNSKEY => &self.signers.of_keys,
            _ => &self.signers.of_zone,
        }
    }

    /// The data of an RRSIG record (RFC 4034, section 3.1): what is said of the signature, then the signature over that and the set.
    fn by(&self, key: &Key, owner: &[u8], set: &RrSet) -> Vec<u8> {
        let mut data = Vec::with_capacity(128);
        data.extend(set.kind().to_be_bytes());
        data.extend([key.algorithm().number(), canonical::labels(owner)]);
        data.extend(set.ttl().to_be_bytes());
        data.extend(self.validity.expiration.to_be_bytes());
        data.extend(self.validity.inception.to_be_bytes());
        data.extend(key.tag().to_be_bytes());
        data.extend_from_slice(self.origin.as_bytes());
        let mut signed = data.clone();
        canonical::append(&mut signed, owner, set);
        data.extend(key.sign(&signed));
        data
    }
}
