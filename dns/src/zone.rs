//! The zone as it is served: immutable, looked up without copying. Pure.

mod branch;
mod name_server;
mod rrset;
mod settings;
mod sip;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use ecqx_domain::hostname::Label;
use hickory_proto::rr::{LowerName, Name};

pub use branch::{Branch, Node};
pub use name_server::{NameServer, NameServerError};
pub use rrset::RrSet;
pub use settings::{Timers, ZoneError, ZoneSettings};

use crate::{book::Change, published::Published};

/// One state of the zone. Changing it makes another one, which shares all branches that stay the same.
#[derive(Clone, Debug)]
pub struct Zone {
    settings: Arc<ZoneSettings>,
    serial: u32,
    apex: Node,
    negative: RrSet,
    /// All names below the apex, by the label that follows the zone's own.
    branches: HashMap<Box<[u8]>, Arc<Branch>>,
}

/// Where a queried name stands.
#[derive(Debug)]
pub enum Place<'z> {
    /// Not in this zone.
    Elsewhere,
    /// In this zone, but neither the name nor one below it exists.
    Nowhere,
    /// The name exists, maybe without any record of its own.
    Here(&'z Node),
}

impl Zone {
    /// The zone without instances: SOA, NS and the name servers' addresses.
    pub fn new(settings: Arc<ZoneSettings>, serial: u32) -> Self {
        Self {
            apex: settings.apex(serial),
            negative: settings.negative_soa(serial),
            branches: settings.name_server_branches().clone(),
            serial,
            settings,
        }
    }

    /// The zone after changes, or `None` when they change no record. Costs as much as the changes, plus a copy of one
    /// pointer for each name.
    #[must_use]
    pub fn changed(&self, changes: impl IntoIterator<Item = Change>, serial: impl FnOnce(u32) -> u32) -> Option<Self> {
        let mut branches = None;
        for (label, published) in changes {
            // A name server's name is the provider's own; an instance cannot take it over.
            if self.settings.is_name_server(&label) {
                continue;
            }
            let new = published.and_then(|published| sip::branch(&published, &self.settings).ok());
            let branches = branches.get_or_insert_with(|| Changing { branches: self.branches.clone(), changed: false });
            branches.set(label.as_str().as_bytes().into(), new);
        }
        let branches = branches.filter(|branches| branches.changed)?.branches;
        let serial = serial(self.serial);
        let (apex, negative) = (self.settings.apex(serial), self.settings.negative_soa(serial));
        Some(Self { settings: Arc::clone(&self.settings), serial, apex, negative, branches })
    }

    /// Finds a name.
    pub fn find(&self, name: &LowerName) -> Place<'_> {
        let origin = self.settings.lower_origin();
        if !origin.zone_of(name) {
            return Place::Elsewhere;
        }
        // Not `num_labels()`: that leaves out a leading `*`.
        let Some(below) = name.iter().len().checked_sub(origin.iter().len() + 1) else {
            return Place::Here(&self.apex);
        };
        let branch = name.iter().nth(below).and_then(|label| self.branches.get(label));
        branch.and_then(|branch| branch.find(name)).map_or(Place::Nowhere, Place::Here)
    }

    /// The SOA as it goes with negative answers, its TTL no longer than the negative one (RFC 2308, section 3).
    pub fn negative_soa(&self) -> &RrSet {
        &self.negative
    }

    /// The serial.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// The zone's own name.
    pub fn origin(&self) -> &Name {
        self.settings.origin()
    }

    /// Whether the name belongs to one of the zone's name servers.
    pub fn is_name_server(&self, label: &Label) -> bool {
        self.settings.is_name_server(label)
    }

    /// How many labels stand directly below the zone.
    pub fn len(&self) -> usize {
        self.branches.len()
    }

    /// Whether nothing stands below the zone.
    pub fn is_empty(&self) -> bool {
        self.branches.is_empty()
    }
}

/// The zone of all these instances.
pub fn build_snapshot(
    published: impl IntoIterator<Item = Published>,
    settings: &Arc<ZoneSettings>,
    serial: u32,
) -> Zone {
    let zone = Zone::new(Arc::clone(settings), serial);
    let changes = published.into_iter().map(|published| (published.label.clone(), Some(published)));
    zone.changed(changes, |_| serial).unwrap_or(zone)
}

struct Changing {
    branches: HashMap<Box<[u8]>, Arc<Branch>>,
    changed: bool,
}

impl Changing {
    fn set(&mut self, label: Box<[u8]>, new: Option<Branch>) {
        self.changed |= match (self.branches.entry(label), new) {
            (Entry::Occupied(old), Some(new)) if **old.get() == new => false,
            (Entry::Occupied(mut old), Some(new)) => {
                old.insert(Arc::new(new));
                true
            }
            (Entry::Vacant(place), Some(new)) => {
                place.insert(Arc::new(new));
                true
            }
            (Entry::Occupied(old), None) => {
                old.remove();
                true
            }
            (Entry::Vacant(_), None) => false,
        };
    }
}

#[cfg(test)]
pub(crate) mod tests;
