//! From the shop's article numbers to what is sold; the map is configuration. Pure.

use std::collections::BTreeMap;

use crate::{feature::Feature, item::Item};

/// Which article number stands for what. Numbers match exactly: nothing is guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuMap(BTreeMap<String, Item>);

impl SkuMap {
    /// The map of a shop.
    pub fn new(items: BTreeMap<String, Item>) -> Self {
        Self(items)
    }

    /// What the article number stands for.
    pub fn item(&self, sku: &str) -> Option<Item> {
        self.0.get(sku).copied()
    }
}

/// The article numbers of the documentation's examples.
impl Default for SkuMap {
    fn default() -> Self {
        let features = [
            ("IP-PHONE-EXT", Feature::IpPhoneExtension),
            ("CALL-RECORDING", Feature::CallRecording),
            ("AUDIO-CONFERENCE", Feature::AudioConference),
            ("EQALL-SOFTPHONE", Feature::EqallSoftphone),
            ("EQALL-RECEPTIONIST", Feature::EqallReceptionist),
            ("CRM-INTEGRATION", Feature::CrmIntegration),
            ("CALL-CENTER", Feature::CallCenter),
            ("SMS-WHATSAPP", Feature::SmsWhatsapp),
            ("VM-TRANSCRIPTION", Feature::VmTranscription),
        ];
        let features = features.into_iter().map(|(sku, feature)| (sku.to_owned(), Item::Feature(feature)));
        Self(features.chain([("ECQX".to_owned(), Item::Ecqx)]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_map_sells_the_ecqx_and_every_feature() {
        let map = SkuMap::default();
        assert_eq!(map.item("ECQX"), Some(Item::Ecqx));
        for feature in Feature::ALL {
            assert!(map.0.values().any(|item| *item == Item::Feature(feature)), "{feature}");
        }
        assert_eq!(map.item("ecqx"), None, "numbers match exactly");
    }

    #[test]
    fn a_name_that_is_no_item_is_refused_with_those_that_are() {
        assert_eq!(Item::from_name("Ecqx"), Ok(Item::Ecqx));
        assert_eq!(Item::from_name("CallCenter"), Ok(Item::Feature(Feature::CallCenter)));
        let message = Item::from_name("Phones").unwrap_err().to_string();
        assert!(
            message.starts_with("\"Phones\" is nothing that is sold; known are Ecqx, IpPhoneExtension"),
            "{message}"
        );
    }
}
