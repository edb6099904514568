//! From a request to its answer. Sends through the handle that it is given.

use hickory_proto::op::{Header, HeaderCounts, Metadata, OpCode, ResponseCode};
use hickory_server::{
    net::{runtime::Time, xfer::Protocol},
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageRequest,
};

use super::{
    fit::fit,
    frame::{Frame, UDP_PAYLOAD},
};
use crate::{
    Snapshot,
    answer::{Answer, Question, answer},
    zone::Zone,
};

/// Answers from the newest zone.
pub struct Handler {
    snapshot: Snapshot,
}

impl Handler {
    /// A handler on this snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot }
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        let Ok(frame) = Frame::new(request) else { return unsent(Metadata::response_from_request(&request.metadata)) };
        let zone = self.snapshot.load_full();
        let mut answer = decide(zone.as_deref(), request);
        if request.protocol() == Protocol::Udp {
            fit(&mut answer, &frame, request.max_payload().min(UDP_PAYLOAD));
        }
        handle.send_response(frame.message(&answer)).await.unwrap_or_else(|error| {
            tracing::debug!(client = %request.src(), %error, "an answer could not be sent");
            unsent(frame.metadata(&answer))
        })
    }
}

fn unsent(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}

/// The answer to a message, before its size is looked at.
fn decide<'z>(zone: Option<&'z Zone>, request: &MessageRequest) -> Answer<'z> {
    // The version goes before all else: what a later one means, we cannot know (RFC 6891, section 6.1.3).
    if request.version() > 0 {
        return Answer::refusal(ResponseCode::BADVERS);
    }
    if request.metadata.op_code != OpCode::Query {
        return Answer::refusal(ResponseCode::NotImp);
    }
    let [query] = request.queries.queries() else { return Answer::refusal(ResponseCode::FormErr) };
    let Some(zone) = zone else { return Answer::refusal(ResponseCode::ServFail) };
    answer(zone, Question { name: query.name(), kind: query.query_type(), class: query.query_class() })
}
