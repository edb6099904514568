//! Answers cut to the size of a datagram. Pure.
//!
//! hickory would cut too, but at whatever record is too much, and with it the OPT record, without which a client takes us for
//! a server that knows no EDNS. So what reaches hickory fits already.

use hickory_proto::serialize::binary::BinEncoder;

use super::frame::Frame;
use crate::answer::Answer;

/// A header (RFC 1035, section 4.1.1) and an OPT record without options (RFC 6891, section 6.1.2).
const HEADER_AND_OPT: usize = 12 + 11;

/// Cuts an answer to `limit` octets: additional sets go first, since the caller can ask for them; then all of the answer goes,
/// and the TC bit sends the caller to TCP (RFC 2181, section 9).
pub fn fit(answer: &mut Answer<'_>, frame: &Frame<'_>, limit: u16) {
    if at_most(answer, frame) <= usize::from(limit) {
        return;
    }
    while !fits(answer, frame, limit) {
        if answer.additional.pop().is_none() {
            answer.truncated = true;
            answer.answers.clear();
            answer.authority.clear();
            return;
        }
    }
}

/// What the message takes without name compression, known without encoding it.
fn at_most(answer: &Answer<'_>, frame: &Frame<'_>) -> usize {
    let sets = [&answer.answers, &answer.authority, &answer.additional];
    let records: usize = sets.into_iter().flatten().map(|set| set.octets()).sum();
    HEADER_AND_OPT + frame.question().as_bytes().len() + records
}

fn fits(answer: &Answer<'_>, frame: &Frame<'_>, limit: u16) -> bool {
    let mut bytes = Vec::with_capacity(usize::from(limit));
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_max_size(limit);
    frame.message(answer).destructive_emit(&mut encoder).is_ok_and(|sent| !sent.truncation)
}
