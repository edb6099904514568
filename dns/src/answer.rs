//! What a question gets, by the rules of an authoritative server (RFC 1034, section 4.3.2). Pure.

pub mod additional;

use hickory_proto::op::ResponseCode;

use self::additional::Named;
use crate::{
    wire::{CLASS_IN, WireName, kind},
    zone::{Node, Place, RrSet, Zone},
};

/// How many aliases are followed: a longer chain, or a loop, is left to the caller.
const ALIASES: usize = 8;

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// The name in wire form and in lower case: case makes no difference (RFC 4343).
    pub name: &'q [u8],
    /// The type.
    pub kind: u16,
    /// The class.
    pub class: u16,
}

/// An answer: what is said, not how it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'z> {
    /// The response code.
    pub code: ResponseCode,
    /// Whether we are the authority on it.
    pub authoritative: bool,
    /// What was asked for.
    pub answers: Vec<Named<'z>>,
    /// The SOA, when there is nothing to answer (RFC 2308), or the name servers of another zone.
    pub authority: Vec<Named<'z>>,
    /// Addresses without which nobody reaches the name servers of another zone; must not be left out (RFC 9471).
    pub glue: Vec<Named<'z>>,
    /// What the caller will ask next; may be left out.
    pub additional: Vec<Named<'z>>,
}

impl<'z> Answer<'z> {
    /// Nothing but a code, without authority.
    pub fn refusal(code: ResponseCode) -> Self {
        let (answers, authority, glue, additional) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { code, authoritative: false, answers, authority, glue, additional }
    }

    /// Whether it tells something of the zone.
    pub fn is_from_zone(&self) -> bool {
        matches!(self.code, ResponseCode::NoError | ResponseCode::NXDomain)
    }

    fn begun() -> Self {
        Self { authoritative: true, ..Self::refusal(ResponseCode::NoError) }
    }

    fn negative(mut self, zone: &'z Zone, code: ResponseCode) -> Self {
        self.authority.push((zone.wire_origin().as_bytes().into(), zone.negative_soa()));
        Self { code, ..self }
    }

    fn with(mut self, zone: &'z Zone, owner: &[u8], set: &'z RrSet) -> Self {
        self.additional = additional::of(set, |target| match zone.find(target) {
            Place::Here(node) => Some(node),
            _ => None,
        });
        self.answers.push((owner.into(), set));
        self
    }

    /// Sends the caller to another zone's name servers (RFC 1034, section 4.3.2, step 3b).
    fn referral(mut self, zone: &'z Zone, cut: &WireName, node: &'z Node) -> Self {
        let Some(servers) = node.get(kind::NS) else { return self };
        self.authoritative &= !self.answers.is_empty();
        self.authority.push((cut.as_bytes().into(), servers));
        let addresses = additional::of(servers, |target| zone.held(target));
        (self.glue, self.additional) =
            addresses.into_iter().partition(|(owner, _)| crate::wire::name::below(owner, cut.as_bytes()).is_some());
        self
    }
}

/// Answers a question from a zone.
pub fn answer<'z>(zone: &'z Zone, question: Question<'_>) -> Answer<'z> {
    if let Some(code) = refused(question) {
        return Answer::refusal(code);
    }
    let mut answer = Answer::begun();
    let mut name: Box<[u8]> = question.name.into();
    loop {
        let node = match zone.find(&name) {
            // We serve no other zone and do not recurse; a referral upwards would only feed amplification.
            Place::Elsewhere if answer.answers.is_empty() => return Answer::refusal(ResponseCode::Refused),
            Place::Elsewhere => return answer,
            Place::Nowhere => return answer.negative(zone, ResponseCode::NXDomain),
            // The parent alone knows the digests of a child's keys (RFC 4035, section 3.1.4.1).
            Place::Cut(cut, node) if question.kind == kind::DS && cut.as_bytes() == &*name => node,
            Place::Cut(cut, node) => return answer.referral(zone, &cut, node),
            Place::Here(node) | Place::Wildcard(node) => node,
        };
        if let Some(set) = node.wanted(question.kind) {
            return answer.with(zone, &name, set);
        }
        let Some(alias) = node.get(kind::CNAME) else { return answer.negative(zone, ResponseCode::NoError) };
        let Some(target) = alias.data().next() else { return answer };
        answer.answers.push((name, alias));
        name = target.to_ascii_lowercase().into();
        if answer.answers.len() >= ALIASES || answer.answers.iter().any(|(owner, _)| *owner == name) {
            return answer;
        }
    }
}

/// What we do not answer whatever the name.
fn refused(question: Question<'_>) -> Option<ResponseCode> {
    match (question.class, question.kind) {
        // Transfers hand out the whole list of customers; those who may have it are served elsewhere.
        (CLASS_IN, kind::AXFR | kind::IXFR) => Some(ResponseCode::Refused),
        // These stand in messages, but nobody can ask for them (RFC 6891, RFC 8945).
        (CLASS_IN, kind::OPT | kind::TSIG | 0) => Some(ResponseCode::FormErr),
        (CLASS_IN, kind::MAILB | kind::MAILA) => Some(ResponseCode::NotImp),
        (CLASS_IN, _) => None,
        _ => Some(ResponseCode::Refused),
    }
}

#[cfg(test)]
mod tests;
