//! What one name holds. Pure.

use super::RrSet;
use crate::{dnssec::cache::Cache, wire::kind};

/// The sets of one name. Without any it is an empty non-terminal: it exists, since a name below it does (RFC 8020).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    sets: Box<[RrSet]>,
    ready: Box<[Option<Ready>]>,
    /// In a signed zone, one for each set.
    signed: Option<Box<[Signed]>>,
}

/// What a signed zone has besides a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Signed {
    signature: Cache<RrSet>,
    ready: Cache<Option<Ready>>,
}

/// The octets that follow the question in the answer for one set, its additional records included.
///
/// They are the same for all who ask for the set by this name: the question has a length of its own, so what points into it
/// is the same too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The counts of answers, authority and additional records, as in the header.
    pub counts: [u8; 6],
    /// The records.
    pub octets: Box<[u8]>,
}

impl Node {
    /// A name that holds these sets.
    pub fn new(sets: Vec<RrSet>) -> Self {
        Self { sets: sets.into(), ready: Box::default(), signed: None }
    }

    /// The set of a type.
    pub fn get(&self, kind: u16) -> Option<&RrSet> {
        self.sets.iter().find(|set| set.kind() == kind)
    }

    /// All sets.
    pub fn sets(&self) -> &[RrSet] {
        &self.sets
    }

    /// The set that a question for a type gets. ANY gets one, the smallest: enough to tell that the name exists, too little
    /// to amplify (RFC 8482, section 4.1).
    pub fn wanted(&self, kind: u16) -> Option<&RrSet> {
        match kind {
            kind::ANY => self.sets.iter().min_by_key(|set| set.octets()),
            kind => self.get(kind),
        }
    }

    /// Whether its answers follow other rules than those of plain data: it is an alias or a zone cut.
    pub fn is_special(&self) -> bool {
        self.sets.iter().any(|set| matches!(set.kind(), kind::CNAME | kind::NS))
    }

    /// The finished answer for a set of this node, if there is one.
    pub fn ready(&self, set: &RrSet) -> Option<&Ready> {
        let at = self.sets.iter().position(|own| std::ptr::eq(own, set))?;
        self.ready.get(at)?.as_ref()
    }

    /// The same, with room for signatures, or without.
    pub(super) fn set_signed(&mut self, signed: bool) {
        self.signed = signed.then(|| self.sets.iter().map(|_| Signed::default()).collect());
    }

    /// The signatures over a set of this node; made when they are first wanted. None where the zone is not signed.
    pub(super) fn signature(&self, set: &RrSet, make: impl FnOnce() -> RrSet) -> Option<&RrSet> {
        Some(self.signed_part(set)?.signature.get_or_make(make))
    }

    /// The finished answer with signatures for a set of this node, likewise.
    pub(super) fn ready_signed(&self, set: &RrSet, make: impl FnOnce() -> Option<Ready>) -> Option<&Ready> {
        self.signed_part(set)?.ready.get_or_make(make).as_ref()
    }

    fn signed_part(&self, set: &RrSet) -> Option<&Signed> {
        let signed = self.signed.as_ref()?;
        let at = self.sets.iter().position(|own| std::ptr::eq(own, set))?;
        signed.get(at)
    }

    /// Keeps finished answers, one for each set where there is one.
    pub(super) fn set_ready(&mut self, ready: Vec<Option<Ready>>) {
        self.ready = ready.into();
    }
}
