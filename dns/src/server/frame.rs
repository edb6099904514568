//! What surrounds an answer in a message: header, question, EDNS (RFC 1035, RFC 6891). Pure.

use hickory_proto::{
    op::{Edns, Metadata},
    rr::Record,
    serialize::binary::{BinDecoder, DecodeError},
};
use hickory_server::zone_handler::{MessageRequest, MessageResponse, MessageResponseBuilder, Queries};

use crate::{answer::Answer, zone::RrSet};

/// The largest datagram that we send or take: it passes every usual path unfragmented (DNS Flag Day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// The frame of the answer to one request.
pub struct Frame<'r> {
    request: &'r MessageRequest,
    edns: Option<Edns>,
    no_question: Queries,
}

impl<'r> Frame<'r> {
    /// The frame for a request. With EDNS it states our own limit, and the DO bit as it came (RFC 3225, section 3). Options
    /// that we do not know are ignored.
    pub fn new(request: &'r MessageRequest) -> Result<Self, DecodeError> {
        let edns = request.edns.as_ref().map(|theirs| {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD).set_dnssec_ok(theirs.flags().dnssec_ok);
            edns
        });
        Ok(Self { request, edns, no_question: Queries::read(&mut BinDecoder::new(&[]), 0)? })
    }

    /// The question as it came, to the letter, since some clients vary the case to tell forged answers. A message with
    /// another number of questions than one is refused, and gets none back: they could be as long as the message.
    pub fn question(&self) -> &Queries {
        if self.request.queries.len() == 1 { &self.request.queries } else { &self.no_question }
    }

    /// The header with an answer's code and flags.
    pub fn metadata(&self, answer: &Answer<'_>) -> Metadata {
        let mut metadata = Metadata::response_from_request(&self.request.metadata);
        metadata.authoritative = answer.authoritative;
        metadata.truncation = answer.truncated;
        metadata.response_code = answer.code;
        metadata
    }

    /// The whole message.
    pub fn message<'q, 'a>(
        &'q self,
        answer: &'a Answer<'a>,
    ) -> MessageResponse<
        'q,
        'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
    > {
        MessageResponseBuilder::new(self.question(), self.edns.as_ref()).build(
            self.metadata(answer),
            answer.answers.iter().copied().flat_map(RrSet::records),
            answer.authority.iter().copied().flat_map(RrSet::records),
            [],
            answer.additional.iter().copied().flat_map(RrSet::records),
        )
    }
}
