//! The zone as it is served: immutable, looked up without copying. Pure.

mod branch;
mod denial;
mod name_server;
mod node;
mod ready;
mod rrset;
mod settings;
mod signed;
mod sip;
mod static_part;

use std::{collections::BTreeMap, sync::Arc};

use ecqx_domain::hostname::Label;
use hickory_proto::{ProtoError, rr::Name};
use rpds::HashTrieMapSync;

pub use branch::{Branch, Spot};
pub use denial::Denial;
pub use name_server::{NameServer, NameServerError};
pub use node::{Node, Ready};
pub use rrset::RrSet;
pub use settings::{Timers, ZoneError, ZoneSettings};
pub use signed::{Closest, Touched};
pub use static_part::StaticPart;

use crate::{
    book::Change,
    dnssec::cache::Cache,
    published::Published,
    wire::{WireName, name},
};

/// One state of the zone. Changing it makes another one, which shares all that stays the same: the map's inner nodes and the
/// branches. So a change costs the same few copies for a thousand names and for a million.
#[derive(Clone, Debug)]
pub struct Zone {
    settings: Arc<ZoneSettings>,
    serial: u32,
    apex: Arc<Node>,
    negative: Arc<RrSet>,
    /// How every answer begins that says that there is nothing.
    denial: Cache<Option<Denial>>,
    /// All names below the apex, by the label that follows the zone's own.
    branches: HashTrieMapSync<Box<[u8]>, Arc<Branch>>,
    /// The signatures and the chain of denials, where there are keys.
    signed: Option<signed::Signed>,
    /// The labels whose records could not be written down, and why: they have no name.
    unwritten: HashTrieMapSync<Box<[u8]>, Arc<str>>,
}

/// Where a queried name stands.
#[derive(Debug)]
pub enum Place<'z> {
    /// Not in this zone.
    Elsewhere,
    /// In this zone, but neither the name nor one below it exists, nor a wildcard for it.
    Nowhere,
    /// The name exists, maybe without any record of its own.
    Here(&'z Node),
    /// The name does not exist, and a wildcard stands for it.
    Wildcard(&'z Node),
    /// The name belongs to another zone, to which this one delegates: the cut's name and what it holds.
    Cut(WireName, &'z Node),
}

impl Zone {
    /// The zone without instances: SOA, NS, the name servers' addresses and the static part.
    ///
    /// # Errors
    /// When the zone's own records cannot be written down, which the settings' check has excluded.
    pub fn new(settings: Arc<ZoneSettings>, serial: u32) -> Result<Self, ZoneError> {
        let mut branches = HashTrieMapSync::new_sync();
        for (label, branch) in settings.branches() {
            branches.insert_mut(label.clone(), Arc::new(ready::branch(Branch::clone(branch), label, &settings)));
        }
        let apex = Arc::new(settings.apex(serial)?);
        let negative = Arc::new(settings.negative_soa(serial)?);
        let unwritten = HashTrieMapSync::new_sync();
        let denial = Cache::default();
        Ok(Self { settings, serial, apex, negative, denial, branches, signed: None, unwritten })
    }

    /// The zone after changes under another serial, whether or not they change a record.
    ///
    /// An instance that cannot be written down, or whose name is taken by the static part, costs only itself its name;
    /// [`Zone::unwritten`] tells why.
    ///
    /// # Errors
    /// As [`Zone::new`].
    pub fn changed(&self, changes: impl IntoIterator<Item = Change>, serial: u32) -> Result<Self, ZoneError> {
        let (mut next, mut altered) = (self.clone(), Vec::new());
        for (label, published) in changes.into_iter().filter(|(label, _)| !self.settings.is_taken(label)) {
            let sets = published.map(|published| sip::sets(&published, &self.settings)).transpose();
            next.enter(&label, sets);
            altered.push(label);
        }
        next.apex = Arc::new(self.settings.apex(serial)?);
        next.negative = Arc::new(self.settings.negative_soa(serial)?);
        next.serial = serial;
        Ok(next.following(self, &altered))
    }

    /// Puts what stands under a label in place of what stood there.
    fn enter(&mut self, label: &Label, sets: Result<Option<Vec<sip::Placed>>, ProtoError>) {
        let key: Box<[u8]> = label.as_str().as_bytes().into();
        self.unwritten.remove_mut(&key);
        self.branches.remove_mut(&key);
        match sets {
            Ok(Some(sets)) => {
                let branch = ready::branch(Branch::new(sets), &key, &self.settings).sealed(self.seal(&key));
                self.branches.insert_mut(key, Arc::new(branch));
            }
            Ok(None) => (),
            Err(error) => self.unwritten.insert_mut(key, error.to_string().into()),
        }
    }

    /// Why the records of this label could not be written down, if they could not.
    pub fn unwritten(&self, label: &Label) -> Option<&str> {
        self.unwritten.get(label.as_str().as_bytes()).map(|why| &**why)
    }

    /// How many labels have no name because their records could not be written down.
    pub fn unwritten_count(&self) -> usize {
        self.unwritten.size()
    }

    /// Finds a name, which is in lower case and in wire form.
    pub fn find(&self, wire: &[u8]) -> Place<'_> {
        let Some(part) = name::below(wire, self.settings.wire_origin().as_bytes()) else { return Place::Elsewhere };
        let Some((branch, rest)) = self.branch(part) else {
            return if part.is_empty() { Place::Here(&self.apex) } else { self.wildcard() };
        };
        match branch.find(rest) {
            Spot::Here(node) => Place::Here(node),
            Spot::Wildcard(node) => Place::Wildcard(node),
            Spot::Nowhere => Place::Nowhere,
            Spot::Cut(node, at) => {
                let label = &part[rest.len()..];
                Place::Cut(self.settings.wire_origin().prefixed(&[at, label].concat()), node)
            }
        }
    }

    /// The branch of a name's part below the zone's own, and what stands before the branch's label.
    pub fn branch<'n>(&self, part: &'n [u8]) -> Option<(&Branch, &'n [u8])> {
        let last = name::starts(part).last()?;
        let branch = self.branches.get(part.get(last + 1..)?)?;
        Some((branch, &part[..last]))
    }

    /// All that stands under a label.
    pub fn branch_of(&self, label: &[u8]) -> Option<&Arc<Branch>> {
        self.branches.get(label)
    }

    /// The wildcard right below the zone's own name, which stands for all labels that do not exist.
    fn wildcard(&self) -> Place<'_> {
        let branch = self.branches.get(&b"*"[..]);
        branch.and_then(|branch| branch.get(&[])).map_or(Place::Nowhere, Place::Wildcard)
    }

    /// Whether a wildcard stands for labels that do not exist.
    pub fn has_wildcard(&self) -> bool {
        matches!(self.wildcard(), Place::Wildcard(_))
    }

    /// What is held under exactly this name, cuts and wildcards aside: for glue.
    pub fn held(&self, wire: &[u8]) -> Option<&Node> {
        let part = name::below(wire, self.settings.wire_origin().as_bytes())?;
        if part.is_empty() {
            return Some(&self.apex);
        }
        let (branch, rest) = self.branch(part)?;
        branch.get(rest)
    }

    /// The SOA as it goes with negative answers, its TTL no longer than the negative one (RFC 2308, section 3).
    pub fn negative_soa(&self) -> &RrSet {
        &self.negative
    }

    /// The SOA as it follows the question in negative answers; none where a writer has to write it.
    pub fn denial(&self) -> Option<&Denial> {
        self.denial.get_or_make(|| Denial::new(&self.settings, &[&self.negative])).as_ref()
    }

    /// What stands at the zone's own name.
    pub fn apex(&self) -> &Node {
        &self.apex
    }

    /// All branches by label, in a fixed order.
    pub fn branches(&self) -> BTreeMap<&[u8], &Arc<Branch>> {
        self.branches.iter().map(|(label, branch)| (&**label, branch)).collect()
    }

    /// The serial.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// The zone's own name.
    pub fn origin(&self) -> &Name {
        self.settings.origin()
    }

    /// The zone's own name in wire form.
    pub fn wire_origin(&self) -> &WireName {
        self.settings.wire_origin()
    }

    /// The zone's settings.
    pub fn settings(&self) -> &Arc<ZoneSettings> {
        &self.settings
    }

    /// Whether the name belongs to a name server or to the static part.
    pub fn is_taken(&self, label: &Label) -> bool {
        self.settings.is_taken(label)
    }

    /// How many labels stand directly below the zone.
    pub fn len(&self) -> usize {
        self.branches.size()
    }

    /// Whether nothing stands below the zone.
    pub fn is_empty(&self) -> bool {
        self.branches.is_empty()
    }
}

/// The zone of all these instances.
///
/// # Errors
/// As [`Zone::new`].
pub fn build_snapshot(
    published: impl IntoIterator<Item = Published>,
    settings: &Arc<ZoneSettings>,
    serial: u32,
) -> Result<Zone, ZoneError> {
    let changes = published.into_iter().map(|published| (published.label.clone(), Some(published)));
    Zone::new(Arc::clone(settings), serial)?.changed(changes, serial)
}

#[cfg(test)]
pub(crate) mod tests;
