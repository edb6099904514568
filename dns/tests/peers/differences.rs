//! Which differences from NSD and Knot are meant, and why: the reasons stand in `docs/dns-differences.md`. Pure.

use crate::{
    asking::Seen,
    queries::{Query, Variant},
};

const FORM_ERR: u16 = 1;
const NOT_IMP: u16 = 4;
const REFUSED: u16 = 5;
const BAD_VERS: u16 = 16;
const INTERNET: u16 = 1;
const RRSIG: u16 = 46;
const NSEC: u16 = 47;
const ANY: u16 = 255;
/// AA and TC.
const CUT: (bool, bool) = (true, true);
const CNAME: &str = " in cname ";

/// Why an answer may differ from a peer's, if there is a reason. Each is a heading of `docs/dns-differences.md`.
pub fn explained(peer: &str, query: &Query, own: Option<&Seen>, other: Option<&Seen>) -> Option<&'static str> {
    let own = own?;
    let Some(other) = other else {
        return (own.code == FORM_ERR && query.variant.is_malformed()).then_some("Silence to what cannot be read");
    };
    let is_error = matches!(own.code, FORM_ERR | NOT_IMP | REFUSED | BAD_VERS);
    if is_error && (Seen { question: Vec::new(), ..own.clone() }) == (Seen { question: Vec::new(), ..other.clone() }) {
        return Some("The question in errors");
    }
    if query.variant == Variant::Trailing && peer == "nsd" && own.code == FORM_ERR {
        return Some("Octets after the message");
    }
    if own.flags == CUT && other.flags == CUT && own.code == other.code {
        return Some("What is cut");
    }
    let of_others = |record: &String| other.answers.contains(record);
    if query.kind == RRSIG && own.code == other.code && (other.flags == CUT || own.answers.iter().all(of_others)) {
        return Some("The type RRSIG");
    }
    let is_alias = own.flags == CUT || own.answers.iter().any(|record| record.contains(CNAME));
    if matches!(query.kind, RRSIG | NSEC) && peer == "knotd" && is_alias {
        return Some("Aliases, RRSIG and NSEC");
    }
    let is_theirs = |record: &String| other.authority.contains(record);
    if query.name.starts_with("*.") && peer == "nsd" && own.answers.is_empty() && own.authority.iter().all(is_theirs) {
        return Some("The wildcard's own name");
    }
    let of_theirs = |record: &String| own.authority.contains(record);
    if query.name.starts_with("*.") && peer == "nsd" && other.flags == CUT && other.authority.iter().any(of_theirs) {
        return Some("The wildcard's own name");
    }
    if query.class != INTERNET && own.code == NOT_IMP && other.code == REFUSED {
        return Some("Two faults in one message");
    }
    if query.class == ANY && own.code == REFUSED {
        return Some("The class ANY");
    }
    // Each server chooses its set (RFC 8482, section 4.1), but the rest has to be the same.
    let any_but_answers = |seen: &Seen| Seen { answers: Vec::new(), ..seen.clone() };
    if query.kind == ANY && any_but_answers(own) == any_but_answers(other) && !own.answers.is_empty() {
        return Some("The type ANY");
    }
    None
}
