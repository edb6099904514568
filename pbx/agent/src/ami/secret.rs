//! The password of the manager connection. No I/O but for the random source that is given.

use std::fmt;

use rand::CryptoRng;

use crate::render::text::hex;

/// A password of 256 bits that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub fn new(rng: &mut impl CryptoRng) -> Self {
        let mut octets = [0; 32];
        rng.fill_bytes(&mut octets);
        Self(hex(&octets))
    }

    /// For Asterisk's file and the login alone: hex digits.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_and_none_is_printed() {
        let (one, other) = (Secret::new(&mut rand::rng()), Secret::new(&mut rand::rng()));
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 64);
        assert_eq!(format!("{one:?}"), "Secret(..)");
    }
}
