//! The quick way to an answer: finished octets, copied. Gives up on whatever is unusual. Pure.

use super::{Transport, frame};
use crate::{
    dnssec::{chain, proof},
    wire::{HEADER, Query, Section, Writer, kind, name, query::OPT_LENGTH, writer},
    zone::{Ready, Zone},
};

/// Writes the answer into `out`; false when the full way has to be gone, whatever `out` holds then.
pub fn respond(zone: &Zone, message: &[u8], transport: Transport, out: &mut Vec<u8>) -> bool {
    let Some(query) = Query::read(message) else { return false };
    let mut lower = [0; name::LONGEST];
    let Some(name) = lower.get_mut(..query.name().len()) else { return false };
    name.copy_from_slice(query.name());
    name.make_ascii_lowercase();
    let signed = zone.is_signed() && query.edns.is_some_and(|edns| edns.dnssec_ok);
    match find(zone, name, query.kind, signed) {
        Found::Ready(ready) => positive(&query, ready, transport, out),
        Found::Negative(code) if signed => proven(zone, &query, name, code, transport, out),
        Found::Negative(code) => {
            let part = name::below(name, zone.wire_origin().as_bytes()).unwrap_or_default();
            negative(zone, &query, part, code, transport, out)
        }
        Found::Unusual => false,
    }
}

enum Found<'z> {
    Ready(&'z Ready),
    Negative(u8),
    Unusual,
}

const NO_ERROR: u8 = 0;
const NX_DOMAIN: u8 = 3;

fn find<'z>(zone: &'z Zone, name: &[u8], kind: u16, signed: bool) -> Found<'z> {
    let unusual = matches!(kind, 0 | kind::OPT | kind::RRSIG | 249..=254);
    let part = name::below(name, zone.wire_origin().as_bytes()).filter(|part| !part.is_empty() && !unusual);
    let Some(part) = part else { return Found::Unusual };
    let Some((branch, rest)) = zone.branch(part) else {
        return if zone.has_wildcard() { Found::Unusual } else { Found::Negative(NX_DOMAIN) };
    };
    if !branch.is_plain() {
        return Found::Unusual;
    }
    let Some(node) = branch.get(rest) else { return Found::Negative(NX_DOMAIN) };
    let Some(set) = node.wanted(kind) else { return Found::Negative(NO_ERROR) };
    let ready = if signed { zone.ready_signed(branch, part, rest, set) } else { node.ready(set) };
    ready.map_or(Found::Unusual, Found::Ready)
}

fn positive(query: &Query<'_>, ready: &Ready, transport: Transport, out: &mut Vec<u8>) -> bool {
    let opt = if query.edns.is_some() { OPT_LENGTH } else { 0 };
    let length = HEADER + query.question().len() + ready.octets.len() + opt;
    if length > limit(query, transport) {
        return false;
    }
    begin(query, NO_ERROR, out);
    out[6..HEADER].copy_from_slice(&ready.counts);
    out.extend_from_slice(&ready.octets);
    end(query, out);
    true
}

fn negative(zone: &Zone, query: &Query<'_>, part: &[u8], code: u8, transport: Transport, out: &mut Vec<u8>) -> bool {
    begin(query, code, out);
    let opt = if query.edns.is_some() { OPT_LENGTH } else { 0 };
    if let Some(records) = zone.denial().and_then(|denial| denial.write(part, out)) {
        out[8..10].copy_from_slice(&records.to_be_bytes());
        let fits = out.len() + opt <= limit(query, transport);
        end(query, out);
        return fits;
    }
    let mut writer = Writer::after_question(out, limit(query, transport) - opt);
    if !writer.set(Section::Authority, zone.wire_origin().as_bytes(), zone.negative_soa()) {
        return false;
    }
    end(query, out);
    true
}

/// What [`negative`] says, with signatures and proofs.
fn proven(zone: &Zone, query: &Query<'_>, name: &[u8], code: u8, transport: Transport, out: &mut Vec<u8>) -> bool {
    begin(query, code, out);
    if let Some(fits) = denied(zone, query, name, limit(query, transport), out) {
        return fits;
    }
    let mut writer = Writer::after_question(out, limit(query, transport) - OPT_LENGTH);
    let authority = proof::negative(zone, name);
    if !authority.iter().all(|(owner, set)| writer.set(Section::Authority, owner, set)) {
        return false;
    }
    end(query, out);
    true
}

/// The same from what is finished already: whether it fits, or nothing where only a writer knows what may be pointed to.
fn denied(zone: &Zone, query: &Query<'_>, name: &[u8], limit: usize, out: &mut Vec<u8>) -> Option<bool> {
    let part = name::below(name, zone.wire_origin().as_bytes())?;
    // Whoever asks for the name of a proof could be pointed to there.
    if name::last(part).is_none_or(|label| label.len() == chain::LABEL - 1) {
        return None;
    }
    let mut records = zone.signed_denial()?.write(part, out)?;
    let of_zone = writer::pointer(u16::try_from(HEADER + part.len()).ok()?);
    for (hash, link) in proof::denying(zone, name) {
        let (set, signatures) = link.records(hash, zone.wire_origin());
        let at = writer::pointer(u16::try_from(out.len()).ok()?);
        out.extend_from_slice(&chain::label(hash));
        let mut owner = of_zone;
        for (set, data) in [set, signatures].into_iter().flat_map(|set| set.data().map(move |data| (set, data))) {
            out.extend_from_slice(&owner);
            writer::uncompressed(set, data, out);
            owner = at;
            records += 1;
        }
    }
    out[8..10].copy_from_slice(&records.to_be_bytes());
    let fits = out.len() + OPT_LENGTH <= limit;
    end(query, out);
    Some(fits)
}

fn limit(query: &Query<'_>, transport: Transport) -> usize {
    if transport == Transport::Tcp { usize::from(u16::MAX) } else { query.limit() }
}

fn begin(query: &Query<'_>, code: u8, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(query.header());
    out[2] = frame::RESPONSE | frame::AUTHORITATIVE | out[2] & frame::RECURSION_DESIRED;
    out[3] = code;
    out[10..HEADER].fill(0);
    out.extend_from_slice(query.question());
}

fn end(query: &Query<'_>, out: &mut Vec<u8>) {
    if let Some(edns) = query.edns {
        frame::opt(out, 0, edns.dnssec_ok, &[]);
    }
}
