//! The keys of the zone, and what each does at a time. Pure.

use std::{collections::BTreeSet, sync::Arc};

use sha2::{Digest, Sha256};

use super::{Key, key::Instant, tick::Tick};

/// All keys that are at hand.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<Arc<Key>>,
}

/// What the keys do at one time.
#[derive(Clone, Debug)]
pub struct Signers {
    /// Those whose DNSKEY record stands in the zone.
    pub published: Vec<Arc<Key>>,
    /// Those that sign the DNSKEY, CDS and CDNSKEY sets: every published entry point, so that whichever of them the parent points
    /// to, the chain holds.
    pub of_keys: Vec<Arc<Key>>,
    /// Those that sign all other sets.
    pub of_zone: Vec<Arc<Key>>,
    /// Those that the parent is asked to point to.
    pub announced: Vec<Arc<Key>>,
}

/// Why a set of keys signs nothing that anybody could check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No entry point.
    #[error(
        "no key with the flags 257 (KSK, CSK) is published now, so the parent could point to none; see Publish and Delete in the .private files"
    )]
    NoEntry,
    /// Nobody signs.
    #[error("no key is active now, so nothing would be signed; see Activate and Inactive in the .private files")]
    NoSigner,
    /// A scheme without a signer.
    #[error(
        "a published key has an algorithm by which no active key signs (RFC 4035, section 2.2); give one with it, active before it is published"
    )]
    Algorithm,
}

impl Keyring {
    /// These keys, in an order of their own.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut keys: Vec<Arc<Key>> = keys.into_iter().map(Arc::new).collect();
        keys.sort_by_cached_key(|key| key.dnskey());
        keys.dedup_by_key(|key| key.dnskey());
        Self { keys }
    }

    /// What the keys do at a time.
    ///
    /// # Errors
    /// When the zone would be broken by it.
    pub fn at(&self, time: Instant) -> Result<Signers, KeyringError> {
        let those = |wanted: &dyn Fn(&Key) -> bool| self.keys.iter().filter(|key| wanted(key)).cloned().collect();
        let published: Vec<Arc<Key>> = those(&|key| key.times().is_published(time));
        let of_keys: Vec<Arc<Key>> = published.iter().filter(|key| key.is_entry()).cloned().collect();
        let active: Vec<Arc<Key>> = those(&|key| key.times().is_active(time));
        let announced = those(&|key| key.is_entry() && key.times().is_announced(time));
        // Of each scheme the keys made for it sign the zone, and an entry point only where there is no other.
        let has_own = |key: &Key| active.iter().any(|own| !own.is_entry() && own.algorithm() == key.algorithm());
        let of_zone: Vec<Arc<Key>> = active.iter().filter(|key| !key.is_entry() || !has_own(key)).cloned().collect();
        if of_keys.is_empty() {
            return Err(KeyringError::NoEntry);
        }
        if of_zone.is_empty() {
            return Err(KeyringError::NoSigner);
        }
        if published.iter().any(|key| of_zone.iter().all(|signer| signer.algorithm() != key.algorithm())) {
            return Err(KeyringError::Algorithm);
        }
        Ok(Signers { published, of_keys, of_zone, announced })
    }

    /// What the keys do during a tick: what their times say of its first second. Where nobody could check the zone then, since the
    /// first of them begin within the tick, as a key does that was made just now, it is what they do from then on.
    ///
    /// # Errors
    /// When the zone would be broken by it.
    pub fn in_tick(&self, tick: Tick) -> Result<Signers, KeyringError> {
        let within = tick.begins() + 1..=tick.next().begins();
        let begin = self.keys.iter().flat_map(|key| [key.times().publish, key.times().activate]).flatten();
        let begin: BTreeSet<Instant> = begin.filter(|time| within.contains(time)).collect();
        self.at(tick.begins()).or_else(|error| begin.iter().find_map(|time| self.at(*time).ok()).ok_or(error))
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Signers {
    /// A digest of who does what: with another, it is another zone.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [&self.published, &self.of_keys, &self.of_zone, &self.announced] {
            digest.update([0]);
            for key in part {
                digest.update(key.dnskey());
            }
        }
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::{algorithm::Algorithm, key::Times};

    fn key(octet: u8, is_entry: bool, times: Times) -> Key {
        Key::of(Algorithm::Ed25519, &[octet; 32], is_entry, times).unwrap()
    }

    fn tags(keys: &[Arc<Key>]) -> Vec<u16> {
        keys.iter().map(|key| key.tag()).collect()
    }

    #[test]
    fn one_key_does_all_and_of_two_each_does_its_own() {
        let (entry, own) = (key(1, true, Times::ALWAYS), key(2, false, Times::ALWAYS));
        let (first, second) = (entry.tag(), own.tag());
        let alone = Keyring::new([key(1, true, Times::ALWAYS)]).at(5).unwrap();
        assert_eq!((tags(&alone.of_keys), tags(&alone.of_zone)), (vec![first], vec![first]));
        let both = Keyring::new([entry, own]).at(5).unwrap();
        assert_eq!((tags(&both.of_keys), tags(&both.of_zone)), (vec![first], vec![second]));
        assert_eq!(both.published.len(), 2);
    }

    #[test]
    fn an_entry_point_that_is_published_ahead_signs_the_keys_and_not_yet_the_zone() {
        let old =
            key(1, true, Times { inactive: Some(20), sync_publish: Some(0), sync_delete: Some(20), ..Times::ALWAYS });
        let times = Times { publish: Some(10), activate: Some(20), sync_publish: Some(20), ..Times::default() };
        let (before, after, new) = (old.tag(), key(2, true, times).tag(), key(2, true, times));
        let ring = Keyring::new([old, new]);
        let at = |time| {
            let signers = ring.at(time).unwrap();
            (signers.of_keys.len(), tags(&signers.of_zone), tags(&signers.announced))
        };
        assert_eq!(at(5), (1, vec![before], vec![before]));
        assert_eq!(at(10), (2, vec![before], vec![before]));
        assert_eq!(at(20), (2, vec![after], vec![after]));
    }

    #[test]
    fn a_key_that_was_made_just_now_signs_at_once_and_one_for_later_does_not() {
        let tick = Tick::of(1_800_000_000);
        let from = |time| Times { publish: Some(time), activate: Some(time), ..Times::default() };
        let new = || key(1, true, from(tick.begins() + 100));
        let tag = new().tag();
        assert_eq!(tags(&Keyring::new([new()]).in_tick(tick).unwrap().of_zone), vec![tag]);
        let later = key(2, true, from(tick.next().begins() + 1));
        assert_eq!(Keyring::new([later]).in_tick(tick).unwrap_err(), KeyringError::NoEntry);
        let old = key(3, true, Times::ALWAYS);
        let ring = Keyring::new([new(), old]);
        assert_eq!(ring.in_tick(tick).unwrap().published.len(), 1, "beside one at work it waits for the next tick");
        assert_eq!(ring.in_tick(tick.next()).unwrap().published.len(), 2);
    }

    #[test]
    fn keys_with_which_nobody_could_check_the_zone_are_refused() {
        assert_eq!(Keyring::default().at(5).unwrap_err(), KeyringError::NoEntry);
        assert_eq!(Keyring::new([key(2, false, Times::ALWAYS)]).at(5).unwrap_err(), KeyringError::NoEntry);
        let silent = Times { activate: Some(9), ..Times::ALWAYS };
        assert_eq!(Keyring::new([key(1, true, silent)]).at(5).unwrap_err(), KeyringError::NoSigner);
        let other = Key::of(Algorithm::EcdsaP256, &[3; 32], true, silent).unwrap();
        assert_eq!(Keyring::new([key(1, true, Times::ALWAYS), other]).at(5).unwrap_err(), KeyringError::Algorithm);
    }
}
