//! What the base configuration includes and what one instance can hold at most (§2 of the guide). Pure.

use std::collections::BTreeMap;

use crate::feature::Feature;

/// Base quantities and maxima, as the provider has set them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    base: BTreeMap<Feature, u32>,
    maxima: BTreeMap<Feature, u32>,
}

/// Why a catalogue cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// The base configuration alone would pass the maximum.
    #[error("baseConfiguration.{feature} is {base}, above the maximum of {maximum}; lower it")]
    BaseAboveMaximum {
        /// Which feature.
        feature: Feature,
        /// What the settings say.
        base: u32,
        /// What one instance can hold.
        maximum: u32,
    },
    /// A setting may lower a maximum of the guide, not raise it: the PBX is not built for more.
    #[error("maxima.{feature} is {wanted}, above the {stated} that the product supports; lower it")]
    MaximumAboveProduct {
        /// Which feature.
        feature: Feature,
        /// What the settings say.
        wanted: u32,
        /// What the guide states.
        stated: u32,
    },
}

impl Catalogue {
    /// A catalogue from the provider's settings: `base` quantities, `maxima` that lower the product's own, and
    /// `default_maximum` for the features without a stated one (**Decision**: no quantity is unbounded).
    ///
    /// # Errors
    /// When a maximum is above the product's, or a base quantity above its maximum.
    pub fn new(
        base: BTreeMap<Feature, u32>,
        maxima: &BTreeMap<Feature, u32>,
        default_maximum: u32,
    ) -> Result<Self, CatalogueError> {
        let mut resolved = BTreeMap::new();
        for feature in Feature::ALL {
            let product = feature.stated_maximum();
            let maximum = maxima.get(&feature).copied().or(product).unwrap_or(default_maximum);
            if let Some(stated) = product.filter(|stated| maximum > *stated) {
                return Err(CatalogueError::MaximumAboveProduct { feature, wanted: maximum, stated });
            }
            let base = base.get(&feature).copied().unwrap_or(0);
            if base > maximum {
                return Err(CatalogueError::BaseAboveMaximum { feature, base, maximum });
            }
            resolved.insert(feature, maximum);
        }
        Ok(Self { base, maxima: resolved })
    }

    /// How many the ecQX itself includes.
    pub fn base(&self, feature: Feature) -> u32 {
        self.base.get(&feature).copied().unwrap_or(0)
    }

    /// The most that one instance can hold, base included.
    pub fn maximum(&self, feature: Feature) -> u32 {
        self.maxima.get(&feature).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(feature: Feature, quantity: u32) -> BTreeMap<Feature, u32> {
        BTreeMap::from([(feature, quantity)])
    }

    #[test]
    fn stated_maxima_hold_and_the_rest_take_the_default() {
        let catalogue = Catalogue::new(BTreeMap::new(), &BTreeMap::new(), 3000).unwrap();
        assert_eq!(catalogue.maximum(Feature::CallRecording), 152);
        assert_eq!(catalogue.maximum(Feature::CrmIntegration), 3000);
        assert_eq!(catalogue.maximum(Feature::SmsWhatsapp), 1);
        assert_eq!(catalogue.base(Feature::IpPhoneExtension), 0);
    }

    #[test]
    fn a_setting_may_lower_a_maximum_but_not_raise_it_above_the_product() {
        let lowered = Catalogue::new(BTreeMap::new(), &one(Feature::CallRecording, 20), 3000).unwrap();
        assert_eq!(lowered.maximum(Feature::CallRecording), 20);
        let raised = Catalogue::new(BTreeMap::new(), &one(Feature::CallRecording, 153), 3000);
        assert_eq!(
            raised.unwrap_err().to_string(),
            "maxima.CallRecording is 153, above the 152 that the product supports; lower it"
        );
    }

    #[test]
    fn a_base_above_its_maximum_is_refused() {
        let error = Catalogue::new(one(Feature::AudioConference, 301), &BTreeMap::new(), 3000).unwrap_err();
        assert_eq!(error.to_string(), "baseConfiguration.AudioConference is 301, above the maximum of 300; lower it");
    }
}
