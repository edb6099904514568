//! DS records of the static part (RFC 4034, section 5), which the reader of zone files does not know. Pure.
//!
//! It is made to read them as texts: only the type's name is replaced before, and the texts are read here after. So names, TTLs,
//! parentheses and comments stay its business.

use std::ops::Range;

use data_encoding::HEXLOWER_PERMISSIVE;
use hickory_proto::rr::{RData, RecordType, rdata::NULL};

/// The first text of a record that was a DS.
const MARK: &str = "ecqx-dns-delegation-signer";
/// The algorithms that go by a name too, as zone files of today have them (RFC 4034, appendix A.1; RFC 5702, RFC 6605, RFC 8080).
const ALGORITHMS: [(&str, u8); 6] = [
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
];
/// What its form is.
const FORM: &str =
    "a DS record is: key tag, algorithm, digest type, digest in hexadecimal digits (RFC 4034, section 5.3)";
const LENGTH: &str = "the digest has another length than its type: 20 octets for type 1, 32 for 2, 48 for 4";

/// The zone file with its DS records as texts.
pub fn as_texts(file: &str) -> String {
    let mut state = State::default();
    let mut whole = String::with_capacity(file.len());
    for line in file.split_inclusive('\n') {
        let begins_entry = state == State::default();
        state = line.chars().fold(State { comment: false, ..state }, State::after);
        state.comment = false;
        match type_of_entry(line).filter(|at| begins_entry && line[at.clone()].eq_ignore_ascii_case("DS")) {
            Some(at) => whole.extend([&line[..at.start], "TXT ", MARK, &line[at.end..]]),
            None => whole.push_str(line),
        }
    }
    whole
}

/// The DS record that a text was, if it was one.
///
/// # Errors
/// With what is wrong with it.
pub fn of_text(data: &RData) -> Option<Result<RData, &'static str>> {
    let RData::TXT(text) = data else { return None };
    let (mark, fields) = text.txt_data.split_first()?;
    let fields: Option<Vec<&str>> = fields.iter().map(|field| std::str::from_utf8(field).ok()).collect();
    (**mark == *MARK.as_bytes()).then(|| octets(&fields.ok_or(FORM)?).map(record))
}

fn record(octets: Vec<u8>) -> RData {
    RData::Unknown { code: RecordType::DS, rdata: NULL::with(octets) }
}

fn octets(fields: &[&str]) -> Result<Vec<u8>, &'static str> {
    let [tag, algorithm, kind, digest @ ..] = fields else { return Err(FORM) };
    let tag: u16 = tag.parse().map_err(|_| FORM)?;
    let named = ALGORITHMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(algorithm));
    let algorithm = named.map_or_else(|| algorithm.parse().map_err(|_| FORM), |(_, number)| Ok(*number))?;
    let kind: u8 = kind.parse().map_err(|_| FORM)?;
    let digest = HEXLOWER_PERMISSIVE.decode(digest.concat().as_bytes()).map_err(|_| FORM)?;
    let fits = match kind {
        1 => digest.len() == 20,
        2 => digest.len() == 32,
        4 => digest.len() == 48,
        _ => !digest.is_empty(),
    };
    fits.then(|| [&tag.to_be_bytes()[..], &[algorithm, kind], &digest].concat()).ok_or(LENGTH)
}

/// Where the type of an entry stands in its first line: after the name, TTL and class, of which all may be left out.
fn type_of_entry(line: &str) -> Option<Range<usize>> {
    if line.starts_with(['$', ';']) {
        return None;
    }
    let has_name = line.starts_with(|first: char| !first.is_whitespace());
    let comes_before = |field: &str| {
        field.starts_with(|first: char| first.is_ascii_digit())
            || ["IN", "CH", "HS"].iter().any(|class| class.eq_ignore_ascii_case(field))
    };
    fields(line).skip(usize::from(has_name)).find(|at| !comes_before(&line[at.clone()]))
}

fn fields(line: &str) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let start = end + line[end..].find(|char: char| !char.is_whitespace())?;
        end = start + line[start..].find(char::is_whitespace).unwrap_or(line.len() - start);
        Some(start..end)
    })
}

/// Where in a zone file a place is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    depth: usize,
    quoted: bool,
    comment: bool,
    escaped: bool,
}

impl State {
    fn after(self, char: char) -> Self {
        match char {
            _ if self.comment => self,
            _ if self.escaped => Self { escaped: false, ..self },
            '\\' => Self { escaped: true, ..self },
            '"' => Self { quoted: !self.quoted, ..self },
            _ if self.quoted => self,
            ';' => Self { comment: true, ..self },
            '(' => Self { depth: self.depth + 1, ..self },
            ')' => Self { depth: self.depth.saturating_sub(1), ..self },
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("lab DS 1 2 3 ab", "lab TXT MARK 1 2 3 ab")]
    #[case("lab 3600 IN ds 1 2 3 ab", "lab 3600 IN TXT MARK 1 2 3 ab")]
    #[case("lab IN 1h DS 1 2 3 ab", "lab IN 1h TXT MARK 1 2 3 ab")]
    #[case::the_name_before("lab NS a\n  DS 1 2 3 ab", "lab NS a\n  TXT MARK 1 2 3 ab")]
    #[case::over_lines("lab DS 1 2 3 ( ab ; x\n DS )\nlab A 1", "lab TXT MARK 1 2 3 ( ab ; x\n DS )\nlab A 1")]
    #[case::a_name("ds A 203.0.113.1", "ds A 203.0.113.1")]
    #[case::a_name_with_its_own("ds DS 1 2 3 ab", "ds TXT MARK 1 2 3 ab")]
    #[case::an_origin("$ORIGIN ds", "$ORIGIN ds")]
    #[case::a_text("a TXT DS", "a TXT DS")]
    #[case::a_text_over_lines("a TXT \"x\n DS 1 2 3\"", "a TXT \"x\n DS 1 2 3\"")]
    #[case::a_comment("; lab DS", "; lab DS")]
    #[case::a_parenthesis_in_a_comment("a A 1 ; (\nlab DS 1", "a A 1 ; (\nlab TXT MARK 1")]
    #[case::a_parenthesis_in_a_text("a TXT \"(\\\"\"\nlab DS 1", "a TXT \"(\\\"\"\nlab TXT MARK 1")]
    fn only_the_type_of_an_entry_is_replaced(#[case] file: &str, #[case] expected: &str) {
        assert_eq!(as_texts(file), expected.replace("MARK", MARK));
    }

    #[rstest]
    #[case(&["1", "15"], FORM)]
    #[case(&["65536", "15", "2", "ab"], FORM)]
    #[case(&["1", "SHA", "2", "ab"], FORM)]
    #[case(&["1", "15", "2", "xy"], FORM)]
    #[case(&["1", "15", "2", "abcd"], LENGTH)]
    #[case(&["1", "15", "9", ""], LENGTH)]
    fn what_is_no_digest_is_refused(#[case] fields: &[&str], #[case] expected: &str) {
        assert_eq!(octets(fields), Err(expected));
    }

    #[test]
    fn a_digest_may_be_written_in_pieces_and_the_algorithm_by_its_name() {
        let digest = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";
        let whole = octets(&["40721", "15", "2", digest]).unwrap();
        assert_eq!(octets(&["40721", "ed25519", "2", &digest[..20], &digest[20..]]), Ok(whole.clone()));
        assert_eq!((whole.len(), &whole[..6]), (36, &[0x9f, 0x11, 15, 2, 0x01, 0x23][..]));
    }
}
