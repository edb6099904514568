//! The chain of NSEC3 records: each name's hash with the next one in order, so that what lies between does not exist (RFC 5155).
//! Pure.
//!
//! It is a persistent map like the zone itself: a change makes a few small copies, and older states share the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use data_encoding::BASE32HEX_NOPAD;
use rpds::RedBlackTreeMapSync;

use super::{Seal, Signing, cache::Cache, names::Types, tick};
use crate::{
    wire::{WireName, kind},
    zone::RrSet,
};

/// The hash of a name.
pub type Hash = [u8; 20];

/// SHA-1, no flags, no further rounds, no salt (RFC 9276, section 3.1): the data of NSEC3PARAM.
pub const PARAMETERS: [u8; 5] = [1, 0, 0, 0, 0];
/// How many octets a hash has as a label: 32 letters after their number.
pub const LABEL: usize = 33;

/// A name that exists, as the chain tells of it.
#[derive(Debug)]
pub struct Link {
    types: Types,
    next: Hash,
    ttl: u32,
    seal: Arc<Seal>,
    records: Cache<(RrSet, RrSet)>,
}

impl Link {
    /// Its NSEC3 record and the signature over it.
    pub fn records(&self, hash: &Hash, origin: &WireName) -> &(RrSet, RrSet) {
        self.records.get_or_make(|| {
            let data = [&PARAMETERS[..], &[20], &self.next, &self.types].concat();
            let set = RrSet::of_octets(kind::NSEC3, self.ttl, [data]);
            let signature = self.seal.sign(&owner(hash, origin), &set);
            (set, signature)
        })
    }
}

/// All names that exist, by hash.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    links: RedBlackTreeMapSync<Hash, Arc<Link>>,
}

impl Chain {
    /// The link of this hash.
    pub fn matching(&self, hash: &Hash) -> Option<(&Hash, &Arc<Link>)> {
        self.links.get_key_value(hash)
    }

    /// The link between which and the next one a hash would stand.
    pub fn covering(&self, hash: &Hash) -> Option<(&Hash, &Arc<Link>)> {
        self.links.range::<Hash, _>(..*hash).next_back().or_else(|| self.links.last())
    }

    /// All links in order.
    pub fn links(&self) -> impl Iterator<Item = (&Hash, &Arc<Link>)> {
        self.links.iter()
    }

    /// The chain after names came, went (no types) or hold other types; and which links have changed.
    #[must_use]
    pub fn changed(&self, names: BTreeMap<Hash, Option<Types>>, signing: &Signing, ttl: u32) -> (Self, Vec<Hash>) {
        let mut next = Builder { links: self.links.clone(), touched: BTreeSet::new(), signing, ttl };
        if next.links.is_empty() {
            next.fill(names);
        } else {
            next.enter(names);
        }
        (Self { links: next.links }, next.touched.into_iter().collect())
    }

    /// The chain as it is signed otherwise; and which links have changed, unless all have.
    #[must_use]
    pub fn renewed(&self, signing: &Signing, before: &Signing) -> (Self, Option<Vec<Hash>>) {
        let all = !signing.has_signers_of(before);
        let is_due = |hash: &Hash| all || signing.renews(tick::part(hash), before);
        let due: Vec<(Hash, Arc<Link>)> =
            self.links.iter().filter(|(hash, _)| is_due(hash)).map(|(hash, link)| (*hash, Arc::clone(link))).collect();
        let mut links = self.links.clone();
        for (hash, link) in &due {
            let seal = Arc::clone(signing.of_part(tick::part(hash)));
            let link = Link { types: link.types.clone(), seal, records: Cache::default(), ..**link };
            links.insert_mut(*hash, Arc::new(link));
        }
        let touched = (!all).then(|| due.into_iter().map(|(hash, _)| hash).collect());
        (Self { links }, touched)
    }
}

/// A chain that is being changed.
struct Builder<'s> {
    links: RedBlackTreeMapSync<Hash, Arc<Link>>,
    touched: BTreeSet<Hash>,
    signing: &'s Signing,
    ttl: u32,
}

impl Builder<'_> {
    /// The first names: each one's next is known from their order.
    fn fill(&mut self, names: BTreeMap<Hash, Option<Types>>) {
        let names: Vec<(Hash, Types)> = names.into_iter().filter_map(|(hash, types)| Some((hash, types?))).collect();
        let nexts: Vec<Hash> = names.iter().skip(1).chain(names.first()).map(|(hash, _)| *hash).collect();
        for ((hash, types), next) in names.into_iter().zip(nexts) {
            self.put(hash, types, next);
        }
    }

    fn enter(&mut self, names: BTreeMap<Hash, Option<Types>>) {
        for (hash, types) in names {
            let known = self.links.get(&hash).map(|link| (link.types.clone(), link.next));
            match (types, known) {
                (None, Some(_)) => {
                    self.links.remove_mut(&hash);
                    self.touched.insert(hash);
                }
                (Some(types), Some((old, next))) if types != old => self.put(hash, types, next),
                // Its next is set below, when all names are there.
                (Some(types), None) => self.put(hash, types, hash),
                _ => (),
            }
        }
        for hash in self.touched.clone() {
            self.join(&hash);
            if let Some(before) = self.before(&hash) {
                self.join(&before);
            }
        }
    }

    /// Lets a link that is there point to the one that follows now.
    fn join(&mut self, hash: &Hash) {
        let Some(link) = self.links.get(hash) else { return };
        let after = self.links.range::<Hash, _>((Bound::Excluded(*hash), Bound::Unbounded)).next();
        let Some(next) = after.or_else(|| self.links.first()).map(|(next, _)| *next) else { return };
        if link.next != next {
            let types = link.types.clone();
            self.put(*hash, types, next);
        }
    }

    fn before(&self, hash: &Hash) -> Option<Hash> {
        self.links.range::<Hash, _>(..*hash).next_back().or_else(|| self.links.last()).map(|(hash, _)| *hash)
    }

    fn put(&mut self, hash: Hash, types: Types, next: Hash) {
        let seal = Arc::clone(self.signing.of_part(tick::part(&hash)));
        self.links.insert_mut(hash, Arc::new(Link { types, next, ttl: self.ttl, seal, records: Cache::default() }));
        self.touched.insert(hash);
    }
}

/// A hash as a label in wire form (RFC 5155, section 1.3).
pub fn label(hash: &Hash) -> [u8; LABEL] {
    let mut label = [32; LABEL];
    BASE32HEX_NOPAD.encode_mut(hash, &mut label[1..]);
    label.make_ascii_lowercase();
    label
}

/// The name of a NSEC3 record.
pub fn owner(hash: &Hash, origin: &WireName) -> Box<[u8]> {
    [&label(hash)[..], origin.as_bytes()].concat().into()
}

#[cfg(test)]
mod tests;
