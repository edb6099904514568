//! Who may try what, once (§6 of the guide). Pure.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::item::Item;

/// Who can have one trial of each service (**Decision**: a setting).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Scope {
    /// A reseller.
    #[default]
    Reseller,
    /// Each company that a reseller orders for; the reseller itself where none is named.
    Company,
}

/// Whose one trial of each service it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Beneficiary {
    /// The reseller, by its namespace.
    pub namespace: String,
    /// The company, where the scope tells companies apart: in lower case, its spaces single.
    pub company: Option<String>,
}

impl Beneficiary {
    /// Of an instance of a reseller for a company.
    pub fn of(scope: Scope, namespace: &str, company: Option<&str>) -> Self {
        let named = company.filter(|_| scope == Scope::Company);
        let company = named.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase());
        Self { namespace: namespace.to_owned(), company: company.filter(|name| !name.is_empty()) }
    }

    /// The name of the record of a used trial: the same for the same beneficiary and service, and for no other.
    pub fn claim_name(&self, service: Item) -> String {
        // A namespace holds no slash, so the three parts cannot be read another way.
        let text = format!("{service}/{}/{}", self.namespace, self.company.as_deref().unwrap_or_default());
        let digest = Sha256::digest(text);
        digest.iter().take(16).fold("trial-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Feature;

    #[test]
    fn a_reseller_has_one_trial_of_each_service_whatever_the_company() {
        let of = |company| Beneficiary::of(Scope::Reseller, "reseller-7", company).claim_name(Item::Ecqx);
        assert_eq!(of(Some("Syunik")), of(None));
        let other = Beneficiary::of(Scope::Reseller, "reseller-8", None).claim_name(Item::Ecqx);
        assert_ne!(of(None), other);
        let recording = Beneficiary::of(Scope::Reseller, "reseller-7", None);
        assert_ne!(of(None), recording.claim_name(Item::Feature(Feature::CallRecording)));
    }

    #[test]
    fn where_companies_count_each_has_its_own_however_it_is_spelt() {
        let of = |company| Beneficiary::of(Scope::Company, "reseller-7", company).claim_name(Item::Ecqx);
        assert_eq!(of(Some("Syunik  Win ")), of(Some("syunik win")));
        assert_ne!(of(Some("Syunik")), of(Some("Ararat")));
        assert_eq!(of(Some("  ")), of(None));
    }
}
