//! The Secret with passwords, PINs and the agent's token: generated once, never again. Pure but for the random source that is
//! passed in.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{ByteString, api::core::v1::Secret};
use pbx_contract::{ExtensionsFile, secret};
use rand::{CryptoRng, RngExt};

use super::metadata;
use crate::validate::ValidatedInstance;

/// Letters and digits that are not taken for one another on a telephone's display.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// 20 of 56 symbols: 116 bits.
const LENGTH: usize = 20;
/// Digits of a PIN: what people can remember, and a PBX lets them try a few times only.
const PIN_LENGTH: usize = 6;
/// The fewest different digits of a PIN.
const PIN_DIGITS: usize = 4;

/// What stands behind a key.
#[derive(Clone, Copy)]
enum Kind {
    Password,
    Pin,
}

/// The Secret that is wanted, or nothing when it is the instance's and everything has its secret already.
///
/// What is there is kept to the letter, whoever wrote it, so a phone that knows its password never has to be told another. An
/// existing Secret is returned with the resource version that was read: of two writers that add a password, the API server lets
/// one through.
pub fn build(instance: &ValidatedInstance, existing: Option<&Secret>, rng: &mut impl CryptoRng) -> Option<Secret> {
    let mut data: BTreeMap<String, ByteString> = existing.and_then(|secret| secret.data.clone()).unwrap_or_default();
    let known = data.len();
    for (key, kind) in keys(&instance.extensions) {
        data.entry(key).or_insert_with(|| {
            let text = match kind {
                Kind::Password => password(rng),
                Kind::Pin => pin(rng),
            };
            ByteString(text.into_bytes())
        });
    }
    if existing.is_some_and(|secret| is_owned(secret, &instance.uid)) && data.len() == known {
        return None;
    }
    let mut metadata = metadata(instance, instance.names.sip());
    metadata.resource_version = existing.and_then(|secret| secret.metadata.resource_version.clone());
    Some(Secret { metadata, data: Some(data), type_: Some("Opaque".to_owned()), ..Secret::default() })
}

/// All keys of the contract that this PBX needs.
fn keys(file: &ExtensionsFile) -> Vec<(String, Kind)> {
    let at_console = file.queues.iter().flat_map(|queue| queue.agents.iter().chain(&queue.supervisors));
    let at_console: BTreeSet<&String> = at_console.collect();
    let mut all = vec![(secret::AGENT_TOKEN.to_owned(), Kind::Password)];
    for extension in &file.extensions {
        all.push((extension.number.clone(), Kind::Password));
        all.push((secret::mailbox_pin(&extension.number), Kind::Pin));
    }
    all.extend(at_console.into_iter().map(|number| (secret::console_password(number), Kind::Password)));
    for room in &file.conference_rooms {
        all.push((secret::room_pin(&room.number), Kind::Pin));
        all.push((secret::room_admin_pin(&room.number), Kind::Pin));
    }
    all
}

/// One that was restored without its owner would outlive the instance.
fn is_owned(secret: &Secret, uid: &str) -> bool {
    secret.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

fn password(rng: &mut impl CryptoRng) -> String {
    (0..LENGTH).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

/// Digits that nobody would try first: not few different ones, and no run up or down.
fn pin(rng: &mut impl CryptoRng) -> String {
    loop {
        let digits: [u8; PIN_LENGTH] = std::array::from_fn(|_| rng.random_range(0..10));
        let distinct: BTreeSet<u8> = digits.into_iter().collect();
        let steps: BTreeSet<i16> = digits.windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0])).collect();
        if distinct.len() >= PIN_DIGITS && steps.len() > 1 {
            return digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use ecqx_crds::{EcqxInstance, Queue, QueueStrategy};

    use super::*;
    use crate::validate::tests::{instance, licenses, validated};

    fn made_for(instance: &EcqxInstance, secret: Option<&Secret>, extensions: i32) -> Option<Secret> {
        build(&validated(instance, Some(&licenses(extensions))), secret, &mut rand::rng())
    }

    fn made(secret: Option<&Secret>, extensions: i32) -> Option<Secret> {
        made_for(&instance("syunikwin"), secret, extensions)
    }

    fn is_number(key: &str) -> bool {
        key.bytes().all(|byte| byte.is_ascii_digit())
    }

    #[test]
    fn each_extension_gets_a_password_of_its_own() {
        let data = made(None, 10).unwrap().data.unwrap();
        let passwords: Vec<_> = data.iter().filter(|(key, _)| is_number(key)).map(|(_, p)| p.0.clone()).collect();
        let distinct: BTreeSet<_> = passwords.iter().collect();
        assert_eq!((passwords.len(), distinct.len()), (15, 15));
        assert!(passwords.iter().all(|p| p.len() == LENGTH && p.iter().all(|b| ALPHABET.contains(b))));
    }

    #[test]
    fn a_pbx_has_the_keys_of_the_contract_and_no_others() {
        let mut wanted = instance("syunikwin");
        wanted.spec.pbx.extensions = ["101", "102", "103"].map(ecqx_crds::Extension::of).into();
        wanted.spec.pbx.queues = vec![queue("700", &["101", "102"], &["102"])];
        wanted.spec.pbx.conference_rooms = vec![ecqx_crds::ConferenceRoom { number: "801".into(), name: None }];
        let keys: Vec<String> = made_for(&wanted, None, 0).unwrap().data.unwrap().into_keys().collect();
        assert_eq!(
            keys,
            [
                "101",
                "101.console",
                "101.pin",
                "102",
                "102.console",
                "102.pin",
                "103",
                "103.pin",
                "agent.token",
                "room-801.admin",
                "room-801.pin",
            ]
        );
    }

    fn queue(number: &str, agents: &[&str], supervisors: &[&str]) -> Queue {
        let all = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect();
        Queue {
            number: number.into(),
            name: None,
            strategy: QueueStrategy::default(),
            agents: all(agents),
            supervisors: all(supervisors),
            ring_seconds: 15,
            wrap_up_seconds: 10,
            max_wait_seconds: 300,
        }
    }

    #[test]
    fn pins_are_six_digits_and_none_that_is_tried_first() {
        let trivial = ["000000", "121212", "112233", "123456", "654321", "024680"];
        for _ in 0..20_000 {
            let pin = pin(&mut rand::rng());
            assert!(pin.len() == 6 && is_number(&pin) && !trivial.contains(&pin.as_str()), "{pin}");
        }
    }

    #[test]
    fn a_password_that_is_there_is_never_made_anew() {
        let mut first = made(None, 1).unwrap();
        first.metadata.resource_version = Some("42".into());
        let second = made(Some(&first), 3).unwrap();
        assert_eq!(second.metadata.resource_version.as_deref(), Some("42"));
        let (old, new) = (first.data.unwrap(), second.data.unwrap());
        assert_eq!(new.len() - old.len(), 4, "two extensions with a password and a PIN each");
        assert!(old.iter().all(|(number, password)| new[number] == *password));
    }

    #[test]
    fn what_a_person_set_by_hand_is_kept_to_the_letter() {
        let mut first = made(None, 1).unwrap();
        let data = first.data.as_mut().unwrap();
        data.insert("101".into(), ByteString(b"my own password\n".to_vec()));
        data.insert("101.pin".into(), ByteString(b"1".to_vec()));
        data.insert("notes".into(), ByteString(b"of a colleague".to_vec()));
        let by_hand = data.clone();
        let second = made(Some(&first), 2).unwrap().data.unwrap();
        assert!(by_hand.iter().all(|(key, value)| second[key] == *value));
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

    #[test]
    fn the_secrets_of_three_thousand_extensions_fit() {
        let mut largest = instance("syunikwin");
        largest.spec.pbx.extensions = (10_000..13_000).map(|n: u32| ecqx_crds::Extension::of(&n.to_string())).collect();
        let agents: Vec<String> = (10_000..10_300).map(|n: u32| n.to_string()).collect();
        let agents: Vec<&str> = agents.iter().map(String::as_str).collect();
        largest.spec.pbx.queues = vec![queue("700", &agents, &[])];
        let secret = made_for(&largest, None, 2995).unwrap();
        let bytes: usize = secret.data.as_ref().unwrap().values().map(|value| value.0.len()).sum();
        let written = serde_json::to_string(&secret).unwrap().len();
        assert!(bytes < 1 << 20 && written < 1 << 20, "{bytes} bytes, {written} as JSON");
    }
}
