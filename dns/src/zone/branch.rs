//! All that stands under one label of the zone. Pure.

use hickory_proto::rr::{LowerName, Name, RecordType};

use super::RrSet;

/// What one name holds. Without any set it is an empty non-terminal: it exists, since a name below it does (RFC 8020).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    sets: Vec<RrSet>,
}

impl Node {
    /// A name that holds these sets.
    pub fn new(sets: Vec<RrSet>) -> Self {
        Self { sets }
    }

    /// The set of a type.
    pub fn get(&self, kind: RecordType) -> Option<&RrSet> {
        self.sets.iter().find(|set| set.kind() == kind)
    }

    /// All sets.
    pub fn sets(&self) -> &[RrSet] {
        &self.sets
    }
}

/// The names under one label of the zone, that label's own included. There are few, so they are searched in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    nodes: Vec<(LowerName, Node)>,
}

impl Branch {
    /// The branch with these sets, whose names all stand under `top`. Names between are filled in as empty non-terminals.
    pub fn new(top: &Name, sets: impl IntoIterator<Item = RrSet>) -> Self {
        let mut branch = Self { nodes: Vec::new() };
        let top = LowerName::new(top);
        branch.node(&top);
        for set in sets {
            let Some(owner) = set.owner().map(LowerName::new) else { continue };
            let mut between = owner.base_name();
            while between != top && top.zone_of(&between) {
                branch.node(&between);
                between = between.base_name();
            }
            branch.node(&owner).sets.push(set);
        }
        branch
    }

    /// Finds a name.
    pub fn find(&self, name: &LowerName) -> Option<&Node> {
        self.nodes.iter().find(|(at, _)| at == name).map(|(_, node)| node)
    }

    fn node(&mut self, name: &LowerName) -> &mut Node {
        let at = self.nodes.iter().position(|(at, _)| at == name).unwrap_or_else(|| {
            self.nodes.push((name.clone(), Node::default()));
            self.nodes.len() - 1
        });
        &mut self.nodes[at].1
    }
}
