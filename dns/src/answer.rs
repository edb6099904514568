//! What a question gets, by the rules of an authoritative server. Pure.

mod additional;

use hickory_proto::{
    op::ResponseCode,
    rr::{DNSClass, LowerName, RecordType},
};

use crate::zone::{Node, Place, RrSet, Zone};

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// The name, in lower case: case makes no difference (RFC 4343).
    pub name: &'q LowerName,
    /// The type.
    pub kind: RecordType,
    /// The class.
    pub class: DNSClass,
}

/// An answer: what is said, not how it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'z> {
    /// The response code.
    pub code: ResponseCode,
    /// Whether we are the authority on it.
    pub authoritative: bool,
    /// Whether it did not fit and is to be asked for over TCP.
    pub truncated: bool,
    /// What was asked for.
    pub answers: Vec<&'z RrSet>,
    /// The SOA, when there is nothing to answer (RFC 2308).
    pub authority: Vec<&'z RrSet>,
    /// What the caller will ask next; may be left out.
    pub additional: Vec<&'z RrSet>,
}

impl<'z> Answer<'z> {
    /// Nothing but a code, without authority.
    pub fn refusal(code: ResponseCode) -> Self {
        let (answers, authority, additional) = (Vec::new(), Vec::new(), Vec::new());
        Self { code, authoritative: false, truncated: false, answers, authority, additional }
    }

    fn found(zone: &'z Zone, set: &'z RrSet) -> Self {
        let additional = additional::of(zone, set);
        Self { authoritative: true, answers: vec![set], additional, ..Self::refusal(ResponseCode::NoError) }
    }

    fn negative(zone: &'z Zone, code: ResponseCode) -> Self {
        Self { authoritative: true, authority: vec![zone.negative_soa()], ..Self::refusal(code) }
    }
}

/// Answers a question from a zone.
pub fn answer<'z>(zone: &'z Zone, question: Question<'_>) -> Answer<'z> {
    if let Some(code) = refused(question) {
        return Answer::refusal(code);
    }
    match zone.find(question.name) {
        // We serve no other zone and do not recurse; a referral upwards would only feed amplification.
        Place::Elsewhere => Answer::refusal(ResponseCode::Refused),
        Place::Nowhere => Answer::negative(zone, ResponseCode::NXDomain),
        Place::Here(node) => match wanted(node, question.kind) {
            Some(set) => Answer::found(zone, set),
            None => Answer::negative(zone, ResponseCode::NoError),
        },
    }
}

/// What we do not answer whatever the name.
fn refused(question: Question<'_>) -> Option<ResponseCode> {
    match (question.class, question.kind) {
        // Transfers hand out the whole list of customers; they come with TSIG for named secondaries.
        (DNSClass::IN, RecordType::AXFR | RecordType::IXFR) => Some(ResponseCode::Refused),
        // These stand in messages, but nobody can ask for them (RFC 6891, RFC 8945).
        (DNSClass::IN, RecordType::OPT | RecordType::TSIG | RecordType::ZERO) => Some(ResponseCode::FormErr),
        // MAILB and MAILA, obsolete queries for several types (RFC 1035, section 3.2.3).
        (DNSClass::IN, RecordType::Unknown(253 | 254)) => Some(ResponseCode::NotImp),
        (DNSClass::IN, _) => None,
        _ => Some(ResponseCode::Refused),
    }
}

/// ANY gets one set, the smallest: enough to tell that the name exists, too little to amplify (RFC 8482, section 4.1).
fn wanted(node: &Node, kind: RecordType) -> Option<&RrSet> {
    match kind {
        RecordType::ANY => node.sets().iter().min_by_key(|set| set.octets()),
        kind => node.get(kind),
    }
}

#[cfg(test)]
mod tests;
