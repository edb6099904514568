//! The Secret with the SIP passwords: generated once, never again. Pure but for the random source that is passed in.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use rand::{CryptoRng, RngExt};

use super::metadata;
use crate::validate::ValidatedInstance;

/// Letters and digits that are not taken for one another on a telephone's display.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// 20 of 56 symbols: 116 bits.
const LENGTH: usize = 20;

/// The Secret that is wanted, or nothing when it is the instance's and every configured extension has its password already.
///
/// What is there is kept to the letter, so a phone that knows its password never has to be told another. An existing Secret
/// is returned with the resource version that was read: of two writers that add a password, the API server lets one through.
pub fn build(instance: &ValidatedInstance, existing: Option<&Secret>, rng: &mut impl CryptoRng) -> Option<Secret> {
    let mut data: BTreeMap<String, ByteString> = existing.and_then(|secret| secret.data.clone()).unwrap_or_default();
    let known = data.len();
    for extension in &instance.extensions.extensions {
        data.entry(extension.number.clone()).or_insert_with(|| ByteString(password(rng).into_bytes()));
    }
    if existing.is_some_and(|secret| is_owned(secret, &instance.uid)) && data.len() == known {
        return None;
    }
    let mut metadata = metadata(instance, instance.names.sip());
    metadata.resource_version = existing.and_then(|secret| secret.metadata.resource_version.clone());
    Some(Secret { metadata, data: Some(data), type_: Some("Opaque".to_owned()), ..Secret::default() })
}

/// One that was restored without its owner would outlive the instance.
fn is_owned(secret: &Secret, uid: &str) -> bool {
    secret.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

fn password(rng: &mut impl CryptoRng) -> String {
    (0..LENGTH).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::tests::{instance, licenses, validated};

    fn made(secret: Option<&Secret>, extensions: i32) -> Option<Secret> {
        build(&validated(&instance("syunikwin"), Some(&licenses(extensions))), secret, &mut rand::rng())
    }

    #[test]
    fn each_extension_gets_a_password_of_its_own() {
        let data = made(None, 10).unwrap().data.unwrap();
        let distinct: std::collections::BTreeSet<_> = data.values().map(|p| p.0.clone()).collect();
        assert_eq!((data.len(), distinct.len()), (15, 15));
        assert!(data.values().all(|p| p.0.len() == LENGTH && p.0.iter().all(|b| ALPHABET.contains(b))));
    }

    #[test]
    fn a_password_that_is_there_is_never_made_anew() {
        let mut first = made(None, 1).unwrap();
        first.metadata.resource_version = Some("42".into());
        let second = made(Some(&first), 3).unwrap();
        assert_eq!(second.metadata.resource_version.as_deref(), Some("42"));
        let (old, new) = (first.data.unwrap(), second.data.unwrap());
        assert_eq!((old.len(), new.len()), (6, 8));
        assert!(old.iter().all(|(number, password)| new[number] == *password));
    }

    #[test]
    fn nothing_is_written_when_every_extension_has_one() {
        let first = made(None, 10).unwrap();
        assert_eq!(made(Some(&first), 10), None);
        assert_eq!(made(Some(&first), 2), None);
    }

    #[test]
    fn a_secret_that_lost_its_owner_gets_it_back_and_keeps_its_passwords() {
        let mut lost = made(None, 1).unwrap();
        lost.metadata.owner_references = None;
        let mended = made(Some(&lost), 1).unwrap();
        assert_eq!(mended.data, lost.data);
        assert_eq!(mended.metadata.owner_references.unwrap().len(), 1);
    }
}
