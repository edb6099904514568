//! How the zone is signed at one tick: what all its signatures follow from. Pure.

use std::{fmt::Write, sync::Arc};

use super::{
    Key, Keyring, Seal, Signers, Tick, chain,
    keyring::KeyringError,
    names,
    tick::{self, STEPS},
};
use crate::{
    wire::{WireName, kind},
    zone::RrSet,
};

/// The keys at work, and the times of the signatures.
#[derive(Debug)]
pub struct Signing {
    signers: Arc<Signers>,
    tick: Tick,
    origin: WireName,
    apex: Arc<Seal>,
    parts: Vec<Arc<Seal>>,
    digest: [u8; 32],
}

impl Signing {
    /// How these keys sign the zone at a tick: as [`Keyring::in_tick`] has it, so that all replicas change at once.
    ///
    /// # Errors
    /// When nobody could check the zone then.
    pub fn new(keyring: &Keyring, tick: Tick, origin: &WireName) -> Result<Self, KeyringError> {
        let signers = Arc::new(keyring.in_tick(tick)?);
        let seal = |part| Arc::new(Seal::new(Arc::clone(&signers), origin.clone(), tick.validity(part)));
        let parts = (0..STEPS).map(seal).collect();
        // The apex is signed anew at each tick: the part that is new at this one.
        let newest = (0..STEPS).find(|part| tick.is_new(*part)).unwrap_or_default();
        let digest = signers.digest();
        Ok(Self { apex: seal(newest), parts, tick, origin: origin.clone(), digest, signers })
    }

    /// Whether it gives the same signatures as the other.
    pub fn is_like(&self, other: &Self) -> bool {
        self.tick == other.tick && self.digest == other.digest
    }

    /// Whether the same keys do the same as in the other.
    pub fn has_signers_of(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Whether the signatures of a part are other ones than in the other, whose keys are the same.
    pub fn renews(&self, part: u8, other: &Self) -> bool {
        self.tick.validity(part) != other.tick.validity(part)
    }

    /// The seal of the zone's own name.
    pub fn apex(&self) -> &Arc<Seal> {
        &self.apex
    }

    /// The seal of all that stands under a label of the zone.
    pub fn of_label(&self, label: &[u8]) -> &Arc<Seal> {
        self.of_part(part_of_label(label))
    }

    /// The seal of a part.
    pub fn of_part(&self, part: u8) -> &Arc<Seal> {
        self.parts.get(usize::from(part)).unwrap_or(&self.apex)
    }

    /// What is added to the serial of the revision.
    pub fn serials(&self) -> u32 {
        self.tick.serials()
    }

    /// When the first signature ends, in Unix seconds.
    pub fn ends(&self) -> u64 {
        self.tick.ends()
    }

    /// Its tick.
    pub fn tick(&self) -> Tick {
        self.tick
    }

    /// The sets that stand at the zone's own name because it is signed.
    pub fn apex_sets(&self, ttl: u32) -> Vec<RrSet> {
        let Signers { published, announced, .. } = &*self.signers;
        let keys = |kind, keys: &[Arc<Key>]| RrSet::of_octets(kind, ttl, keys.iter().map(|key| key.dnskey()));
        let mut sets = vec![keys(kind::DNSKEY, published)];
        if !announced.is_empty() {
            sets.push(RrSet::of_octets(kind::CDS, ttl, announced.iter().map(|key| key.ds(&self.origin))));
            sets.push(keys(kind::CDNSKEY, announced));
        }
        sets.push(RrSet::of_octets(kind::NSEC3PARAM, ttl, [chain::PARAMETERS.to_vec()]));
        sets
    }

    /// Tick and keys as a text: with another, it is another zone.
    pub fn digest(&self) -> String {
        self.digest.iter().take(8).fold(format!("{:?}-", self.tick.begins()), |mut text, octet| {
            // Writing to a text cannot fail.
            let _written = write!(text, "{octet:02x}");
            text
        })
    }
}

/// Which part of the zone a label belongs to.
pub fn part_of_label(label: &[u8]) -> u8 {
    tick::part(&names::hash(label))
}
