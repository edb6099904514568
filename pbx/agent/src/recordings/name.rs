//! The name of a recording, and what it says. Pure.

/// More than Asterisk ever makes: three numbers of 32 digits, a time and a channel.
const LONGEST: usize = 200;
/// `20261127T201923Z`
const TIME: &[u8; 16] = b"ddddddddTddddddZ";

/// The name of a recording: it begins with a time, ends with `.wav`, and has letters, digits, hyphens and points between, so
/// that it can name nothing outside its directory. Names in order are recordings in the order of their beginnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

/// What a name says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// RFC 3339.
    pub(super) started_at: String,
    pub(super) caller: Option<String>,
    pub(super) callee: Option<String>,
    pub(super) extension: Option<String>,
}

impl Name {
    /// `None` for whatever is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        let ours = text.len() <= LONGEST && plain && text.strip_suffix(".wav").is_some();
        (ours && starts_with_time(text)).then(|| Self(text.to_owned()))
    }

    /// As it is on the volume.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `TIME-CALLER-CALLEE-EXTENSION-CHANNEL.wav`; in one of an older agent the numbers are missing.
    pub(super) fn meaning(&self) -> Meaning {
        let parts: Vec<&str> = self.0.splitn(5, '-').collect();
        let started_at = readable(parts[0]);
        match parts[..] {
            [_, from, to, extension, _] => {
                Meaning { started_at, caller: number(from), callee: number(to), extension: number(extension) }
            }
            _ => Meaning { started_at, ..Meaning::default() },
        }
    }
}

fn starts_with_time(text: &str) -> bool {
    let fits = |(pattern, byte): (&u8, u8)| if *pattern == b'd' { byte.is_ascii_digit() } else { *pattern == byte };
    text.as_bytes().get(TIME.len()) == Some(&b'-') && TIME.iter().zip(text.bytes()).all(fits)
}

/// `20261127T201923Z` as `2026-11-27T20:19:23Z`.
fn readable(time: &str) -> String {
    let mut out = String::with_capacity(20);
    for (index, character) in time.chars().enumerate() {
        match index {
            4 | 6 => out.push('-'),
            11 | 13 => out.push(':'),
            _ => {}
        }
        out.push(character);
    }
    out
}

fn number(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_name_says_when_and_who() {
        let name = Name::parse("20261127T201923Z-101-600-103-ecqx-1764274763.12.wav").unwrap();
        let meaning = Meaning {
            started_at: "2026-11-27T20:19:23Z".into(),
            caller: Some("101".into()),
            callee: Some("600".into()),
            extension: Some("103".into()),
        };
        assert_eq!(name.meaning(), meaning);
    }

    #[rstest]
    #[case("20261127T201923Z---103-ecqx-1.2.wav", None, Some("103"))]
    #[case("20261127T201923Z-101-ecqx-1764274763.12.wav", None, None)]
    fn what_is_not_known_is_left_out(
        #[case] name: &str,
        #[case] caller: Option<&str>,
        #[case] extension: Option<&str>,
    ) {
        let meaning = Name::parse(name).unwrap().meaning();
        assert_eq!((meaning.caller.as_deref(), meaning.extension.as_deref()), (caller, extension));
    }

    #[rstest]
    #[case("")]
    #[case(".wav")]
    #[case("../20261127T201923Z-1.wav")]
    #[case("20261127T201923Z-/../../etc/passwd.wav")]
    #[case("20261127T201923Z-..%2f.wav")]
    #[case("20261127T201923Z-1\0.wav")]
    #[case("20261127T201923Z-1.wav\n")]
    #[case("20261127T201923Z-1.txt")]
    #[case("20261127T2019٢٣Z-1.wav")]
    #[case("20261127T201923Z.wav")]
    fn what_is_no_name_names_nothing(#[case] text: &str) {
        assert_eq!(Name::parse(text), None);
    }

    proptest! {
        #[test]
        fn a_name_is_one_component_of_a_path(text in "(20261127T201923Z-)?[-./\\\\a-z0-9%\0~]{0,20}(\\.wav)?") {
            if let Some(name) = Name::parse(&text) {
                let path = std::path::Path::new(name.as_str());
                prop_assert_eq!(path.components().count(), 1);
                prop_assert!(matches!(path.components().next(), Some(std::path::Component::Normal(_))));
            }
        }
    }
}
