//! A transfer in messages (RFC 5936, RFC 1995), made one after the other as they are sent. Pure.

use std::{collections::VecDeque, sync::Arc};

use super::tsig::Session;
use crate::{
    dnssec::{Chain, Hash, Link, chain},
    respond::frame,
    wire::{HEADER, Section, WireName, Writer, edns, kind, name, query::OPT_LENGTH},
    zone::{Branch, RrSet, Zone},
};

/// How large a message gets: what fits is compressed together, and 14 bits of pointers reach over it.
const MESSAGE: usize = 16_384;
/// How many proofs are made ready at once.
const LINKS: usize = 64;
/// The most that a message over TCP may take.
const LONGEST: usize = 65_535;

/// Sets with their names.
pub type Sets = Vec<(WireName, RrSet)>;

/// A part of a transfer.
#[derive(Debug)]
pub enum Item {
    /// Sets.
    Sets(Sets),
    /// All that stands under a label.
    Branch(WireName, Arc<Branch>),
    /// Proofs of what does not exist.
    Links(WireName, Vec<(Hash, Arc<Link>)>),
}

impl Item {
    fn into_sets(self) -> Sets {
        match self {
            Self::Sets(sets) => sets,
            Self::Branch(top, branch) => {
                let mut sets = Sets::new();
                for (part, set) in
                    branch.nodes().flat_map(|(part, node)| node.sets().iter().map(move |set| (part, set)))
                {
                    let owner = top.prefixed(part);
                    sets.push((owner.clone(), set.clone()));
                    sets.extend(branch.signature(&top, part, set).map(|signature| (owner, signature.clone())));
                }
                sets
            }
            Self::Links(origin, links) => links.iter().flat_map(|(hash, link)| of_link(hash, link, &origin)).collect(),
        }
    }
}

/// A proof and the signature over it.
pub fn of_link(hash: &Hash, link: &Link, origin: &WireName) -> Sets {
    let owner = origin.prefixed(&chain::label(hash));
    let (set, signature) = link.records(hash, origin);
    vec![(owner.clone(), set.clone()), (owner, signature.clone())]
}

/// The sets of the zone's own name without the SOA, and all signatures there.
pub fn of_apex(zone: &Zone) -> Sets {
    let owner = zone.wire_origin();
    let mut sets = Sets::new();
    for set in zone.apex().sets() {
        sets.extend((set.kind() != kind::SOA).then(|| (owner.clone(), set.clone())));
        sets.extend(zone.apex_signature(set).map(|signature| (owner.clone(), signature.clone())));
    }
    sets
}

/// The SOA of a state.
pub fn soa(zone: &Zone) -> Option<Item> {
    let soa = zone.apex().get(kind::SOA)?;
    Some(Item::Sets(vec![(zone.wire_origin().clone(), soa.clone())]))
}

/// The whole zone between two SOAs (RFC 5936, section 2.2).
pub fn whole(zone: &Arc<Zone>) -> VecDeque<Item> {
    let branches = zone.branches().into_iter();
    let branches = branches.map(|(label, branch)| Item::Branch(zone.top(label), Arc::clone(branch)));
    let links: Vec<_> = zone.chain().into_iter().flat_map(Chain::links).collect();
    let links = links.chunks(LINKS).map(|links| {
        let links = links.iter().map(|(hash, link)| (**hash, Arc::clone(link))).collect();
        Item::Links(zone.wire_origin().clone(), links)
    });
    let all = soa(zone).into_iter().chain([Item::Sets(of_apex(zone))]).chain(branches).chain(links);
    all.chain(soa(zone)).collect()
}

/// The messages of one transfer.
#[derive(Debug)]
pub struct Stream {
    id: [u8; 2],
    question: Option<Vec<u8>>,
    /// The DO bit, where the request has EDNS and the first message is still to be made.
    edns: Option<bool>,
    items: VecDeque<Item>,
    sets: std::vec::IntoIter<(WireName, RrSet)>,
    waiting: Option<(WireName, RrSet)>,
    session: Session,
}

impl Stream {
    /// The answer to a request, in parts.
    pub fn new(request: &[u8], question: &[u8], items: VecDeque<Item>, session: Session) -> Self {
        let id = request.first_chunk().copied().unwrap_or_default();
        let (question, edns) = (Some(question.to_vec()), edns::dnssec_ok(request));
        Self { id, question, edns, items, sets: Vec::new().into_iter(), waiting: None, session }
    }

    /// The next message, signed at a time in Unix seconds; none when all has been sent.
    pub fn next(&mut self, now: u64) -> Option<Vec<u8>> {
        let mut set = self.next_set()?;
        let mut message = self.begin();
        let mut writer = Writer::after_question(&mut message, LONGEST - self.session.octets() - OPT_LENGTH);
        let mut is_first = true;
        loop {
            let mark = writer.mark();
            let fits = writer.set(Section::Answer, set.0.as_bytes(), &set.1);
            if !is_first && (!fits || writer.octets() > MESSAGE) {
                writer.back_to(mark);
                self.waiting = Some(set);
                break;
            }
            is_first = false;
            match self.next_set() {
                Some(next) => set = next,
                None => break,
            }
        }
        if let Some(dnssec_ok) = self.edns.take() {
            frame::opt(&mut message, 0, dnssec_ok, &[]);
        }
        self.session.sign(&mut message, now);
        Some(message)
    }

    fn next_set(&mut self) -> Option<(WireName, RrSet)> {
        loop {
            if let Some(set) = self.waiting.take().or_else(|| self.sets.next()) {
                return Some(set);
            }
            self.sets = self.items.pop_front()?.into_sets().into_iter();
        }
    }

    /// A header, and in the first message the question.
    fn begin(&mut self) -> Vec<u8> {
        let mut message = self.id.to_vec();
        let question = self.question.take().unwrap_or_default();
        message.extend([frame::RESPONSE | frame::AUTHORITATIVE, 0, 0, u8::from(!question.is_empty())]);
        message.resize(HEADER, 0);
        message.extend(question);
        debug_assert!(message.len() <= HEADER + name::LONGEST + 4);
        message
    }
}
