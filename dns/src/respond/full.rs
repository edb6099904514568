//! The way to an answer that knows all the rules: hickory reads the message. Pure.

use hickory_proto::{
    op::{Edns, Message, OpCode, ResponseCode},
    rr::rdata::opt::{EdnsCode, EdnsOption},
    serialize::binary::{BinDecodable, BinDecoder},
};

use super::{Answered, Asking, Transport, frame};
use crate::{
    answer::{Answer, Question, answer},
    cookie::{self, Shown},
    dnssec,
    wire::{HEADER, LEAST_PAYLOAD, Section, UDP_PAYLOAD, WireName, Writer, edns, kind, name, query::OPT_LENGTH},
    zone::Zone,
};

/// Writes the answer into `out`, if one is due, and leaves room for `tail` octets after it, which a signature takes.
pub fn respond(
    zone: Option<&Zone>,
    message: &[u8],
    asking: Asking<'_>,
    tail: usize,
    out: &mut Vec<u8>,
) -> Option<Answered> {
    if message.get(2).is_none_or(|flags| flags & frame::RESPONSE != 0) || message.len() < HEADER {
        return None;
    }
    let Some(request) = read(message) else {
        bare(message, ResponseCode::FormErr, out);
        return Some(Answered::default());
    };
    let shown = shown(&request, asking);
    let answer = match shown {
        Some(Shown::Malformed) => Answer::refusal(ResponseCode::FormErr),
        // Whoever has no question but a cookie asks for a cookie (RFC 7873, section 5.4).
        Some(_) if is_plain(&request) && request.queries.is_empty() => Answer::refusal(ResponseCode::NoError),
        _ => decide(zone, &request),
    };
    let cookie = cookie(shown, asking);
    let room = limit(request.edns.as_ref(), asking.transport).saturating_sub(tail);
    write(&request, Some(&answer), &cookie, room, message, out);
    Some(Answered { proven: matches!(shown, Some(Shown::Proven(_))) })
}

/// Writes an answer without content that sends the client to TCP, if the message can be read.
pub fn truncated(message: &[u8], asking: Asking<'_>, out: &mut Vec<u8>) -> bool {
    let Some(request) = read(message) else { return false };
    let cookie = cookie(shown(&request, asking), asking);
    let room = limit(request.edns.as_ref(), asking.transport);
    write(&request, None, &cookie, room, message, out);
    true
}

/// What the client's cookie says, if it has sent one.
fn shown(request: &Message, asking: Asking<'_>) -> Option<Shown> {
    let option = request.edns.as_ref()?.option(EdnsCode::Cookie)?;
    let octets = match option {
        EdnsOption::Unknown(_, octets) => &**octets,
        _ => &[],
    };
    Some(asking.cookies.read(octets, asking.client, seconds(asking)))
}

/// The time as it stands in cookies: its lower 32 bits, which are compared by difference only (RFC 9018, section 4.3).
#[allow(clippy::cast_possible_truncation)]
fn seconds(asking: Asking<'_>) -> u32 {
    asking.now as u32
}

/// The option that goes back: number, length, both parts of the cookie.
fn cookie(shown: Option<Shown>, asking: Asking<'_>) -> Vec<u8> {
    let Some(Shown::Client(theirs) | Shown::Proven(theirs)) = shown else { return Vec::new() };
    let content = asking.cookies.write(theirs, asking.client, seconds(asking));
    // A cookie has 24 octets.
    let length = u16::try_from(content.len()).unwrap_or_default();
    [&cookie::OPTION.to_be_bytes()[..], &length.to_be_bytes()[..], &content].concat()
}

/// Reads a whole message; octets after its end make it malformed, as in NSD and Knot. So does a signature: one that can be read was taken
/// off before, and this one stands elsewhere than at the end, or is none (RFC 8945, section 5.2).
fn read(message: &[u8]) -> Option<Message> {
    let message = edns::with_known_options(message)?;
    let mut decoder = BinDecoder::new(&message);
    let request = Message::read(&mut decoder).ok()?;
    let records = [&request.answers, &request.authorities, &request.additionals];
    let is_signed = records.into_iter().flatten().any(|record| u16::from(record.record_type()) == kind::TSIG);
    (decoder.is_empty() && !is_signed).then_some(request)
}

/// Whether it is a query of a version of EDNS that we know.
fn is_plain(request: &Message) -> bool {
    request.metadata.op_code == OpCode::Query && request.edns.as_ref().is_none_or(|edns| edns.version() == 0)
}

/// The answer to a message, before its size is looked at.
fn decide<'z>(zone: Option<&'z Zone>, request: &Message) -> Answer<'z> {
    // The version goes before all else: what a later one means, we cannot know (RFC 6891, section 6.1.3).
    if request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        return Answer::refusal(ResponseCode::BADVERS);
    }
    if request.metadata.op_code != OpCode::Query {
        return Answer::refusal(ResponseCode::NotImp);
    }
    let [query] = &*request.queries else { return Answer::refusal(ResponseCode::FormErr) };
    let Some(zone) = zone else { return Answer::refusal(ResponseCode::ServFail) };
    let name = WireName::of(&query.name);
    let question = Question { name: name.as_bytes(), kind: query.query_type.into(), class: query.query_class.into() };
    let mut answer = answer(zone, question);
    if question.kind == kind::RRSIG {
        answer = dnssec::proof::signatures(zone, question, answer);
    }
    // Signatures go to those who ask for them (RFC 3225, section 3).
    let wants_signatures = request.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
    if wants_signatures { dnssec::complete(zone, question, answer) } else { answer }
}

/// A header with a code and nothing else, for what could not be read.
fn bare(message: &[u8], code: ResponseCode, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&message[..2]);
    // The operation and RD come back as they were sent.
    out.extend([frame::RESPONSE | message[2] & 0x79, code.low()]);
    out.extend([0; 8]);
}

/// Writes the whole message, cut where there is no answer or it does not fit into `room` octets.
fn write(
    request: &Message,
    answer: Option<&Answer<'_>>,
    options: &[u8],
    room: usize,
    message: &[u8],
    out: &mut Vec<u8>,
) {
    let code = answer.map_or(ResponseCode::NoError, |answer| answer.code);
    bare(message, code, out);
    out[2] |= if answer.is_some_and(|answer| answer.authoritative) { frame::AUTHORITATIVE } else { 0 };
    question(request, out);
    let opt = if request.edns.is_some() { OPT_LENGTH + options.len() } else { 0 };
    let mut writer = Writer::after_question(out, room.saturating_sub(opt));
    if !answer.is_some_and(|answer| records(&mut writer, answer)) {
        out[2] |= frame::TRUNCATED;
    }
    if let Some(edns) = &request.edns {
        frame::opt(out, code.into(), edns.flags().dnssec_ok, options);
    }
}

/// The question as it came, to the letter, since some clients vary the case to tell forged answers. A message with another
/// number of questions than one is refused, and gets none back: they could be as long as the message.
fn question(request: &Message, out: &mut Vec<u8>) {
    let [query] = &*request.queries else { return };
    out[5] = 1;
    out.extend(name::to_wire(&query.name));
    out.extend(u16::from(query.query_type).to_be_bytes());
    out.extend(u16::from(query.query_class).to_be_bytes());
}

/// Writes what fits: of the additional records, the first sets that do; of the others, all or nothing, and then the caller
/// has to come over TCP (RFC 2181, section 9).
fn records(writer: &mut Writer<'_>, answer: &Answer<'_>) -> bool {
    let begin = writer.mark();
    let needed = [
        (Section::Answer, &answer.answers),
        (Section::Authority, &answer.authority),
        (Section::Additional, &answer.glue),
    ];
    for (section, sets) in needed {
        for (owner, set) in sets {
            if !writer.set(section, owner, set) {
                writer.back_to(begin);
                return false;
            }
        }
    }
    // One that does not fit ends it, so that what was left out is always the end of the list.
    let _all = answer.additional.iter().all(|(owner, set)| writer.set(Section::Additional, owner, set));
    true
}

fn limit(edns: Option<&Edns>, transport: Transport) -> usize {
    let payload = edns.map_or(LEAST_PAYLOAD, |edns| edns.max_payload().clamp(LEAST_PAYLOAD, UDP_PAYLOAD));
    usize::from(if transport == Transport::Tcp { u16::MAX } else { payload })
}
