//! All that stands under one label of the zone. Pure.

use std::{collections::BTreeMap, sync::Arc};

use super::{Node, RrSet};
use crate::{
    dnssec::Seal,
    wire::{WireName, kind, name},
};

/// The names under one label of the zone, that label's own included, by what stands before that label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    nodes: Box<[(Box<[u8]>, Node)]>,
    plain: bool,
    /// How it is signed, where it is.
    seal: Option<Arc<Seal>>,
}

/// Where a name stands in a branch.
#[derive(Debug)]
pub enum Spot<'b> {
    /// It exists.
    Here(&'b Node),
    /// It stands at or below a zone cut: the node that holds the delegation, and what stands before the branch's label there.
    Cut(&'b Node, &'b [u8]),
    /// It does not exist, and a wildcard stands for it.
    Wildcard(&'b Node),
    /// It does not exist, and something above it does.
    Nowhere,
}

impl Branch {
    /// The branch with these sets, each with what stands before the branch's label in its name. Names between are filled in as
    /// empty non-terminals.
    pub fn new(sets: impl IntoIterator<Item = (Box<[u8]>, RrSet)>) -> Self {
        let mut nodes = BTreeMap::<Box<[u8]>, Vec<RrSet>>::new();
        nodes.entry(Box::default()).or_default();
        for (part, set) in sets {
            let mut between = name::parent(&part);
            while !between.is_empty() {
                nodes.entry(between.into()).or_default();
                between = name::parent(between);
            }
            nodes.entry(part).or_default().push(set);
        }
        let nodes: Box<[_]> = nodes.into_iter().map(|(part, sets)| (part, Node::new(sets))).collect();
        let is_plain = |(part, node): &(Box<[u8]>, Node)| !is_wildcard(part) && !node.is_special();
        Self { plain: nodes.iter().all(is_plain), nodes, seal: None }
    }

    /// Whether it holds neither cuts nor aliases nor wildcards: then a name exists or does not, and that is all.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Finds what is held under exactly this name.
    pub fn get(&self, part: &[u8]) -> Option<&Node> {
        let at = self.nodes.binary_search_by(|(own, _)| (**own).cmp(part)).ok()?;
        self.nodes.get(at).map(|(_, node)| node)
    }

    /// Finds a name by the rules of RFC 1034, section 4.3.2, and RFC 4592.
    pub fn find(&self, part: &[u8]) -> Spot<'_> {
        if let Some((at, node)) = self.cut(part) {
            return Spot::Cut(node, at);
        }
        self.get(part).map_or_else(|| self.wildcard(part), Spot::Here)
    }

    /// All names with what they hold, in a fixed order.
    pub fn nodes(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.nodes.iter().map(|(part, node)| (&**part, node))
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut Node)> {
        self.nodes.iter_mut().map(|(part, node)| (&**part, node))
    }

    /// The same, signed otherwise, or not at all.
    #[must_use]
    pub fn sealed(mut self, seal: Option<Arc<Seal>>) -> Self {
        self.nodes_mut().for_each(|(_, node)| node.set_signed(seal.is_some()));
        self.seal = seal;
        self
    }

    /// The signatures over a set that stands under `top`, the branch's own name. There are none where the zone is not signed, over
    /// what belongs to another zone, and over a delegation but for its digests (RFC 4035, section 2.2).
    pub fn signature(&self, top: &WireName, part: &[u8], set: &RrSet) -> Option<&RrSet> {
        let seal = self.seal.as_ref()?;
        if self.cut(part).is_some_and(|(at, _)| at.len() < part.len() || set.kind() != kind::DS) {
            return None;
        }
        self.get(part)?.signature(set, || seal.sign(top.prefixed(part).as_bytes(), set))
    }

    /// What stands before the branch's label in the name of the cut at or above a name, if there is one.
    pub fn cut_at(&self, part: &[u8]) -> Option<&[u8]> {
        self.cut(part).map(|(at, _)| at)
    }

    /// The highest cut at or above a name: what stands below it is another zone's, whatever is held there.
    fn cut(&self, part: &[u8]) -> Option<(&[u8], &Node)> {
        if self.plain {
            return None;
        }
        let starts: Vec<usize> = name::starts(part).chain([part.len()]).collect();
        starts.into_iter().rev().find_map(|start| {
            let at = self.nodes.binary_search_by(|(own, _)| (**own).cmp(&part[start..])).ok()?;
            let (own, node) = self.nodes.get(at)?;
            node.get(kind::NS).map(|_| (&**own, node))
        })
    }

    /// What stands for a name that does not exist: a wildcard right below the closest name that does (RFC 4592, section 3.3.1).
    fn wildcard(&self, part: &[u8]) -> Spot<'_> {
        if self.plain {
            return Spot::Nowhere;
        }
        let mut encloser = name::parent(part);
        while !encloser.is_empty() && self.get(encloser).is_none() {
            encloser = name::parent(encloser);
        }
        self.get(&[b"\x01*", encloser].concat()).map_or(Spot::Nowhere, Spot::Wildcard)
    }
}

fn is_wildcard(part: &[u8]) -> bool {
    part.starts_with(b"\x01*")
}
