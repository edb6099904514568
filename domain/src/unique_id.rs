//! The identity of an instance that never changes and is never reused (§6 of the guide). Pure.

use std::fmt;

use sha2::{Digest, Sha256};

/// Crockford's base 32: no I, L, O or U, so that an ID survives being read out over the telephone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Such as `ECQX-7K3M-9QZT-04RW-H2XV`: 80 bits, shown to people and quoted in orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UniqueId(String);

impl UniqueId {
    /// The ID of the instance with this object UID.
    ///
    /// The API server never gives a UID twice, so the ID needs no counter and no record: every process derives the same one,
    /// and an instance that is deleted and made anew gets another.
    pub fn from_uid(uid: &str) -> Self {
        let digest = Sha256::digest(format!("ecqx unique id\n{uid}"));
        let bits = digest.iter().take(10).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let symbols: Vec<char> = (0..16)
            .rev()
            .map(|place| usize::try_from((bits >> (5 * place)) & 31).map_or('0', |i| char::from(ALPHABET[i])))
            .collect();
        let groups: Vec<String> = symbols.chunks(4).map(|group| group.iter().collect()).collect();
        Self(format!("ECQX-{}", groups.join("-")))
    }

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_uid_gives_the_same_id_for_ever() {
        // A changed derivation would rename every instance in the field: this value must never be edited.
        let id = UniqueId::from_uid("5f0c8a3e-6a52-4c1e-9d0f-2f1f6b6c9a77");
        assert_eq!(id.as_str(), "ECQX-H5PK-ZCHK-67HJ-G9HK");
    }

    #[test]
    fn ten_thousand_uids_give_ten_thousand_ids() {
        let ids: std::collections::HashSet<String> =
            (0..10_000).map(|i| UniqueId::from_uid(&format!("uid-{i}")).to_string()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 24 && id.starts_with("ECQX-")));
    }
}
