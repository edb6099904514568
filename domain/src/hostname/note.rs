//! The wanted host name in an order's notes, which are free text (§6 of the guide). Pure.

use super::{HostnameError, Label};

/// Reads the wanted label from an order's notes.
///
/// **Decision**: accepted are a bare label alone in the note, a line `hostname: LABEL` (any case, `host name` and `=` too), and
/// a full name under the zone. Anything else is an error: nothing is guessed.
///
/// # Errors
/// When no name, more than one, or an invalid one is named.
pub fn from_note(note: &str, zone: &str) -> Result<Label, HostnameError> {
    let mut labels: Vec<Label> = Vec::new();
    for candidate in candidates(note, zone) {
        let label = Label::parse(under_zone(candidate, zone).unwrap_or(candidate))?;
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    match labels.len() {
        0 => Err(HostnameError::Missing { zone: zone.to_owned() }),
        1 => Ok(labels.swap_remove(0)),
        _ => Err(HostnameError::Ambiguous { candidates: labels.iter().map(Label::to_string).collect() }),
    }
}

fn candidates<'note>(note: &'note str, zone: &str) -> Vec<&'note str> {
    let whole = note.trim();
    if !whole.is_empty() && !whole.contains(char::is_whitespace) && keyed(whole).is_none() {
        return vec![whole];
    }
    note.lines()
        .flat_map(|line| match keyed(line) {
            Some(value) => vec![value],
            None => line.split_whitespace().map(bare).filter(|word| under_zone(word, zone).is_some()).collect(),
        })
        .collect()
}

/// The value of a line `hostname: VALUE`.
fn keyed(line: &str) -> Option<&str> {
    let (key, value) = line.split_once([':', '='])?;
    let key: Vec<String> = key.split_whitespace().map(str::to_ascii_lowercase).collect();
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    matches!(key[..], ["hostname"] | ["host", "name"]).then(|| value.trim())
}

/// A word of running text, without what punctuation surrounds it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-')
}

/// What stands before the zone in a full name.
fn under_zone<'name>(name: &'name str, zone: &str) -> Option<&'name str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let split = name.len().checked_sub(zone.len() + 1)?;
    let (label, suffix) = (name.get(..split)?, name.get(split..)?);
    (suffix.starts_with('.') && suffix[1..].eq_ignore_ascii_case(zone)).then_some(label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const ZONE: &str = "epygicloud.com";

    #[rstest]
    #[case("syunikwin")]
    #[case("  SyunikWin \r\n")]
    #[case("hostname: syunikwin")]
    #[case("Host Name = syunikwin")]
    #[case("HOSTNAME:syunikwin")]
    #[case("hostname:syunikwin.epygicloud.com")]
    #[case("syunikwin.epygicloud.com")]
    #[case("syunikwin.EpygiCloud.com.")]
    #[case("Please call me first.\r\nhostname: syunikwin\r\nThank you")]
    #[case("We would like (syunikwin.epygicloud.com), please.")]
    #[case("hostname: syunikwin\nthat is syunikwin.epygicloud.com")]
    fn an_accepted_form_gives_the_label(#[case] note: &str) {
        assert_eq!(from_note(note, ZONE).unwrap().as_str(), "syunikwin");
    }

    #[rstest]
    #[case("")]
    #[case(" \n ")]
    #[case("please name it syunikwin")]
    #[case("syunikwin please")]
    #[case("deliver before noon")]
    #[case("our web site is www.example.com thanks")]
    #[case("server: syunikwin tomorrow")]
    fn a_note_that_names_none_is_missing_one_and_nothing_is_guessed(#[case] note: &str) {
        assert!(matches!(from_note(note, ZONE), Err(HostnameError::Missing { .. })), "{note:?}");
    }

    #[rstest]
    #[case("hostname: one\nhostname: two")]
    #[case("one.epygicloud.com or two.epygicloud.com")]
    #[case("hostname: one\nsee two.epygicloud.com")]
    fn two_candidates_are_ambiguous(#[case] note: &str) {
        let error = from_note(note, ZONE).unwrap_err();
        assert_eq!(error, HostnameError::Ambiguous { candidates: vec!["one".into(), "two".into()] });
    }

    #[rstest]
    #[case("hostname: my pbx")]
    #[case("hostname:")]
    #[case("hostname: -a")]
    #[case("a.b.epygicloud.com")]
    #[case("syunik_win")]
    #[case("syunikwin.example.com")]
    #[case("<script>")]
    fn a_name_that_is_no_label_is_invalid(#[case] note: &str) {
        assert!(matches!(from_note(note, ZONE), Err(HostnameError::Invalid { .. })), "{note:?}");
    }

    proptest! {
        #[test]
        fn no_note_breaks_the_reader_and_what_it_gives_is_a_label(note in "\\PC{0,200}|[a-z:=. \\n-]{0,80}") {
            if let Ok(label) = from_note(&note, ZONE) {
                prop_assert!(Label::parse(label.as_str()).is_ok());
                prop_assert!(note.to_ascii_lowercase().contains(label.as_str()));
            }
        }
    }
}
