//! The zone with signatures: what it has besides, and how that follows its changes. Pure.

use std::{collections::BTreeMap, sync::Arc};

use ecqx_domain::hostname::Label;

use super::{Branch, Denial, Node, RrSet, Zone, ZoneError, ready};
use crate::{
    dnssec::{Chain, Hash, Link, Seal, Signing, cache::Cache, names, signing},
    wire::{WireName, kind, name},
};

/// Up to so many changed labels are signed with the change. Of more, as at a start, each is signed when it is first asked for: they
/// would keep the change itself waiting.
const AHEAD: usize = 32;

/// What a signed zone has besides.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    signing: Arc<Signing>,
    chain: Chain,
    negative: Cache<RrSet>,
    denial: Cache<Option<Denial>>,
    /// The links that deny a label of the zone, but for the label's own.
    closest: Cache<Option<Closest>>,
    touched: Arc<Touched>,
}

/// The links that stand in every denial of a label of the zone.
#[derive(Debug)]
pub struct Closest {
    /// That of the zone's own name.
    pub apex: (Hash, Arc<Link>),
    /// That between which and the next one a wildcard right below it would stand.
    pub wildcard: (Hash, Arc<Link>),
}

/// What became otherwise with a state of the zone, apart from the changed instances and the zone's own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Everything.
    All,
    /// Some of it.
    These {
        /// The labels whose signatures are new.
        labels: Vec<Box<[u8]>>,
        /// The links of the chain that came, went or changed.
        links: Vec<Hash>,
    },
}

impl Zone {
    /// The same zone, signed in this way or not at all, under another serial.
    ///
    /// # Errors
    /// As [`Zone::new`].
    pub fn resigned(&self, signing: Option<&Arc<Signing>>, serial: u32) -> Result<Self, ZoneError> {
        let apex = Arc::new(self.settings.apex(serial)?);
        let negative = Arc::new(self.settings.negative_soa(serial)?);
        let mut next = Self { serial, apex, negative, signed: None, ..self.clone() };
        let Some(signing) = signing else {
            if self.signed.is_some() {
                next.reseal(|_| true, |_| None);
            }
            return Ok(next);
        };
        let same_keys = self.signed.as_ref().filter(|signed| signing.has_signers_of(&signed.signing));
        let is_due = |label: &[u8]| {
            same_keys.is_none_or(|before| signing.renews(signing::part_of_label(label), &before.signing))
        };
        let labels = next.reseal(is_due, |label| Some(Arc::clone(signing.of_label(label))));
        next.apex = next.signed_apex(signing);
        let (chain, links) = match &self.signed {
            Some(before) => before.chain.renewed(signing, &before.signing),
            None => (Chain::default(), None),
        };
        next.signed = Some(Signed {
            signing: Arc::clone(signing),
            chain,
            negative: Cache::default(),
            denial: Cache::default(),
            closest: Cache::default(),
            touched: Arc::new(links.map_or(Touched::All, |links| Touched::These { labels, links })),
        });
        Ok(next.chained(self.signed.as_ref()))
    }

    /// Takes over the signing from the state before, of which these labels have changed.
    pub(super) fn following(mut self, before: &Self, altered: &[Label]) -> Self {
        let Some(signed) = &before.signed else { return self };
        self.apex = self.signed_apex(&signed.signing);
        let mut names = BTreeMap::new();
        for label in altered {
            names.extend(before.names(label.as_str().as_bytes()).into_keys().map(|hash| (hash, None)));
        }
        for label in altered {
            let now = self.names(label.as_str().as_bytes()).into_iter();
            names.extend(now.map(|(hash, types)| (hash, Some(types))));
        }
        names.extend([self.apex_name()]);
        let (chain, links) = signed.chain.changed(names, &signed.signing, self.negative.ttl());
        let touched = Arc::new(Touched::These { labels: Vec::new(), links });
        let signing = Arc::clone(&signed.signing);
        let (negative, denial, closest) = (Cache::default(), Cache::default(), Cache::default());
        self.signed = Some(Signed { signing, chain, negative, denial, closest, touched });
        if altered.len() <= AHEAD {
            self.sign_ahead(altered);
        }
        self
    }

    /// Makes what these changes call for, and what every denial begins with, so that no query waits for it.
    fn sign_ahead(&self, altered: &[Label]) {
        self.signed_denial();
        self.closest();
        if let Some(Touched::These { links, .. }) = self.touched() {
            for (hash, link) in links.iter().filter_map(|hash| self.chain()?.matching(hash)) {
                link.records(hash, self.wire_origin());
            }
        }
        for label in altered.iter().map(|label| label.as_str().as_bytes()) {
            let Some(branch) = self.branches.get(label).filter(|branch| branch.is_plain()) else { continue };
            let top = self.top(label);
            for (part, node) in branch.nodes() {
                for set in node.sets() {
                    node.ready_signed(set, || ready::signed(branch, &top, part, set, &self.settings));
                }
            }
        }
    }

    /// With a chain over all names, where there was none; and in each case with one that knows the types of the zone's own name.
    fn chained(mut self, before: Option<&Signed>) -> Self {
        let Some(signed) = &self.signed else { return self };
        let mut names: BTreeMap<_, _> = [self.apex_name()].into();
        if before.is_none() {
            let labels = self.branches.keys();
            names.extend(labels.flat_map(|label| self.names(label)).map(|(hash, types)| (hash, Some(types))));
        }
        let (chain, mut more) = signed.chain.changed(names, &signed.signing, self.negative.ttl());
        let touched = match &*signed.touched {
            Touched::All => Touched::All,
            Touched::These { labels, links } => {
                more.extend(links);
                Touched::These { labels: labels.clone(), links: more }
            }
        };
        self.signed = Some(Signed { chain, touched: Arc::new(touched), ..signed.clone() });
        self
    }

    /// Signs the branches otherwise for which it is due; tells which.
    fn reseal(&mut self, is_due: impl Fn(&[u8]) -> bool, seal: impl Fn(&[u8]) -> Option<Arc<Seal>>) -> Vec<Box<[u8]>> {
        let due: Vec<(Box<[u8]>, Arc<Branch>)> = self
            .branches
            .iter()
            .filter(|(label, _)| is_due(label))
            .map(|(label, branch)| (label.clone(), Arc::clone(branch)))
            .collect();
        for (label, branch) in &due {
            let branch = Branch::clone(branch).sealed(seal(label));
            self.branches.insert_mut(label.clone(), Arc::new(branch));
        }
        due.into_iter().map(|(label, _)| label).collect()
    }

    fn signed_apex(&self, signing: &Signing) -> Arc<Node> {
        let ttl = self.apex.get(kind::SOA).map_or(0, RrSet::ttl);
        let sets = self.apex.sets().iter().cloned().chain(signing.apex_sets(ttl)).collect();
        let mut node = Node::new(sets);
        node.set_signed(true);
        Arc::new(node)
    }

    fn apex_name(&self) -> (Hash, Option<names::Types>) {
        (names::hash(self.wire_origin().as_bytes()), Some(names::of_node(&self.apex)))
    }

    fn names(&self, label: &[u8]) -> BTreeMap<Hash, names::Types> {
        let branch = self.branches.get(label);
        branch.map(|branch| names::of_branch(branch, &self.top(label))).unwrap_or_default()
    }

    /// The name of all that stands under a label.
    pub fn top(&self, label: &[u8]) -> WireName {
        // A label has at most 63 octets.
        self.wire_origin().prefixed(&[&[u8::try_from(label.len()).unwrap_or(63)], label].concat())
    }

    /// How what stands under a label is signed.
    pub(super) fn seal(&self, label: &[u8]) -> Option<Arc<Seal>> {
        self.signed.as_ref().map(|signed| Arc::clone(signed.signing.of_label(label)))
    }

    /// Whether there are signatures.
    pub fn is_signed(&self) -> bool {
        self.signed.is_some()
    }

    /// How it is signed.
    pub fn signing(&self) -> Option<&Arc<Signing>> {
        self.signed.as_ref().map(|signed| &signed.signing)
    }

    /// The chain that proves what does not exist.
    pub fn chain(&self) -> Option<&Chain> {
        self.signed.as_ref().map(|signed| &signed.chain)
    }

    /// What became otherwise with this state.
    pub fn touched(&self) -> Option<&Touched> {
        self.signed.as_ref().map(|signed| &*signed.touched)
    }

    /// The signatures over a set of the zone's, by the name under which it is held.
    pub fn signature(&self, owner: &[u8], set: &RrSet) -> Option<&RrSet> {
        let part = name::below(owner, self.wire_origin().as_bytes())?;
        if part.is_empty() {
            return self.apex_signature(set);
        }
        let (branch, rest) = self.branch(part)?;
        branch.signature(&self.wire_origin().prefixed(part.get(rest.len()..)?), rest, set)
    }

    /// The signatures over a set at the zone's own name.
    pub fn apex_signature(&self, set: &RrSet) -> Option<&RrSet> {
        let signed = self.signed.as_ref()?;
        self.apex.signature(set, || signed.signing.apex().sign(self.wire_origin().as_bytes(), set))
    }

    /// The signatures over the SOA as they go with negative answers: kept no longer than it is.
    pub fn negative_signature(&self) -> Option<&RrSet> {
        let signed = self.signed.as_ref()?;
        let signature = self.apex_signature(self.apex.get(kind::SOA)?)?;
        Some(signed.negative.get_or_make(|| signature.with_ttl(self.negative.ttl())))
    }

    /// The same with its signatures as they follow the question; none where a writer has to write them.
    pub fn signed_denial(&self) -> Option<&Denial> {
        let make = || Denial::new(&self.settings, &[&self.negative, self.negative_signature()?]);
        self.signed.as_ref()?.denial.get_or_make(make).as_ref()
    }

    /// The links that stand in every denial of a label of the zone, where no wildcard stands for labels.
    pub fn closest(&self) -> Option<&Closest> {
        let signed = self.signed.as_ref()?;
        let own = |(hash, link): (&Hash, &Arc<Link>)| (*hash, Arc::clone(link));
        let make = || {
            let origin = self.wire_origin();
            let apex = signed.chain.matching(&names::hash(origin.as_bytes())).map(own)?;
            let wildcard = signed.chain.covering(&names::hash(origin.prefixed(b"\x01*").as_bytes())).map(own)?;
            Some(Closest { apex, wildcard })
        };
        signed.closest.get_or_make(make).as_ref()
    }

    /// The finished answer with signatures, for a set of a branch without cuts, aliases and wildcards.
    pub fn ready_signed<'z>(
        &'z self,
        branch: &'z Branch,
        part: &[u8],
        rest: &[u8],
        set: &RrSet,
    ) -> Option<&'z super::Ready> {
        let make = || {
            let top = self.wire_origin().prefixed(part.get(rest.len()..)?);
            ready::signed(branch, &top, rest, set, &self.settings)
        };
        branch.get(rest)?.ready_signed(set, make)
    }
}
