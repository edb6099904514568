//! Makes text that a person typed inert in Asterisk's files. Pure.

use std::fmt::Write as _;

/// The longest name that is shown on a phone.
const NAME_MAX: usize = 64;

/// A name for a caller ID in double quotes: one line, and no character that means anything to the configuration
/// parser (`;` `"` `\`), to a SIP header (`<` `>`), or to a dialplan that handles the name later (`$ { } | backtick`).
/// Such characters become spaces, runs of spaces one. `None` when nothing is left.
pub fn caller_name(raw: &str) -> Option<String> {
    let blank = |c: char| c.is_whitespace() || is_invisible(c) || r#";"\<>${}|`"#.contains(c);
    let spaced: String = raw.chars().map(|c| if blank(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(NAME_MAX).collect();
    let name = name.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

/// The longest address that is mailed to (RFC 5321, section 4.5.3.1.3).
const EMAIL_MAX: usize = 254;

/// An e-mail address as it is: one with characters that mean anything to a configuration file, a shell or a mail header is none.
pub fn email_address(raw: &str) -> Option<&str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#%&'*+/?^_~-@".contains(c);
    let (local, domain) = raw.rsplit_once('@')?;
    let is_domain = domain
        .split('.')
        .all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    let fits = raw.len() <= EMAIL_MAX && !local.is_empty() && !local.contains('@') && raw.chars().all(allowed);
    (fits && is_domain).then_some(raw)
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Control characters, and those that reorder or hide text on a phone's display.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Müller, Hans (Sales)", Some("Müller, Hans (Sales)"))]
    #[case("株式会社", Some("株式会社"))]
    #[case("a\nmax_contacts=9", Some("a max_contacts=9"))]
    #[case("a\r\n[evil]\r\n", Some("a [evil]"))]
    #[case("a;b", Some("a b"))]
    #[case("\" <9999>", Some("9999"))]
    #[case("${SHELL(id)}", Some("SHELL(id)"))]
    #[case("#exec /bin/sh", Some("#exec /bin/sh"))]
    #[case("a\\", Some("a"))]
    #[case("\u{202e}abc\u{2028}d", Some("abc d"))]
    #[case(" \t\n;", None)]
    #[case("", None)]
    fn a_name_becomes_inert(#[case] raw: &str, #[case] shown: Option<&str>) {
        assert_eq!(caller_name(raw).as_deref(), shown);
    }

    #[rstest]
    #[case("ani@noravank.example", true)]
    #[case("a.b+c_d@x-y.example", true)]
    #[case("", false)]
    #[case("@x.example", false)]
    #[case("a@", false)]
    #[case("a@b..c", false)]
    #[case("a b@x.example", false)]
    #[case("a@x.example\nBcc: b@y.example", false)]
    #[case("a,b@x.example", false)]
    #[case("a|b@x.example", false)]
    #[case("a;b@x.example", false)]
    #[case("${SHELL(id)}@x.example", false)]
    #[case("a@b@x.example", false)]
    fn an_address_is_one_or_nothing(#[case] raw: &str, #[case] taken: bool) {
        assert_eq!(email_address(raw).is_some(), taken);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(caller_name(&"ü".repeat(500)), Some("ü".repeat(NAME_MAX)));
    }
}
