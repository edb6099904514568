//! What may be used of each feature, with the origin of each part. Pure.

use std::collections::BTreeMap;

use crate::feature::Feature;

/// What an instance may use of one feature, and where each part of it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Of what.
    pub feature: Feature,
    /// What may be used: the sum, held at the maximum.
    pub quantity: u32,
    /// Part of the base configuration.
    pub base: u32,
    /// Part that was bought.
    pub paid: u64,
    /// Part on trial.
    pub trial: u64,
    /// Part from promotions.
    pub promotion: u64,
    /// The most that one instance can hold.
    pub maximum: u32,
}

impl Entitlement {
    /// The entitlement of these parts: never above the maximum.
    pub(super) fn of(feature: Feature, base: u32, [paid, trial, promotion]: [u64; 3], maximum: u32) -> Self {
        let mut entitlement = Self { feature, quantity: 0, base, paid, trial, promotion, maximum };
        entitlement.quantity = u32::try_from(entitlement.sum()).unwrap_or(u32::MAX).min(maximum);
        entitlement
    }

    /// Base and all grants together, before the maximum.
    pub fn sum(&self) -> u64 {
        u64::from(self.base) + self.paid + self.trial + self.promotion
    }

    /// What was given beyond the maximum and is held back.
    pub fn held_back(&self) -> u64 {
        self.sum().saturating_sub(u64::from(self.maximum))
    }
}

/// The entitlements of one instance at one instant, one for each feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlements(BTreeMap<Feature, Entitlement>);

impl FromIterator<Entitlement> for Entitlements {
    fn from_iter<I: IntoIterator<Item = Entitlement>>(all: I) -> Self {
        Self(all.into_iter().map(|entitlement| (entitlement.feature, entitlement)).collect())
    }
}

impl Entitlements {
    /// The entitlement of a feature.
    pub fn get(&self, feature: Feature) -> Option<&Entitlement> {
        self.0.get(&feature)
    }

    /// How many of the feature may be used.
    pub fn quantity(&self, feature: Feature) -> u32 {
        self.get(feature).map_or(0, |entitlement| entitlement.quantity)
    }

    /// Every feature's entitlement, in the order of the guide.
    pub fn iter(&self) -> impl Iterator<Item = &Entitlement> {
        self.0.values()
    }

    /// Those of which something is held back.
    pub fn over_maximum(&self) -> impl Iterator<Item = &Entitlement> {
        self.iter().filter(|entitlement| entitlement.held_back() > 0)
    }

    /// As the PBX reads them.
    pub fn limits(&self) -> pbx_contract::Limits {
        pbx_contract::Limits {
            ip_phone_extension: self.quantity(Feature::IpPhoneExtension),
            call_recording: self.quantity(Feature::CallRecording),
            audio_conference: self.quantity(Feature::AudioConference),
            eqall_softphone: self.quantity(Feature::EqallSoftphone),
            eqall_receptionist: self.quantity(Feature::EqallReceptionist),
            crm_integration: self.quantity(Feature::CrmIntegration),
            call_center: self.quantity(Feature::CallCenter),
            sms_whatsapp: self.quantity(Feature::SmsWhatsapp),
            vm_transcription: self.quantity(Feature::VmTranscription),
        }
    }
}
