//! What can be licensed on an instance (§2 of the guide). Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service that a reseller orders for an instance, by its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Feature {
    /// Extensions for IP phones.
    IpPhoneExtension,
    /// Ports, each of which records one call at a time.
    CallRecording,
    /// Ports, each for one participant, pooled over all rooms.
    AudioConference,
    /// eQall softphones.
    EqallSoftphone,
    /// eQall Receptionist consoles.
    EqallReceptionist,
    /// CRM seats (Salesforce, Vtiger, Zoho).
    CrmIntegration,
    /// Call Center bundles: ACD, Barge-In and one EAC port each.
    CallCenter,
    /// SMS and WhatsApp from and to eQall: on or off.
    SmsWhatsapp,
    /// Voicemail to text: on or off.
    VmTranscription,
}

impl Feature {
    /// Every feature, in the order of the guide.
    pub const ALL: [Self; 9] = [
        Self::IpPhoneExtension,
        Self::CallRecording,
        Self::AudioConference,
        Self::EqallSoftphone,
        Self::EqallReceptionist,
        Self::CrmIntegration,
        Self::CallCenter,
        Self::SmsWhatsapp,
        Self::VmTranscription,
    ];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IpPhoneExtension => "IpPhoneExtension",
            Self::CallRecording => "CallRecording",
            Self::AudioConference => "AudioConference",
            Self::EqallSoftphone => "EqallSoftphone",
            Self::EqallReceptionist => "EqallReceptionist",
            Self::CrmIntegration => "CrmIntegration",
            Self::CallCenter => "CallCenter",
            Self::SmsWhatsapp => "SmsWhatsapp",
            Self::VmTranscription => "VmTranscription",
        }
    }

    /// The feature of that API name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }

    /// The maximum that the guide states for one instance, base included (§2); flags have 1.
    pub const fn stated_maximum(self) -> Option<u32> {
        match self {
            Self::IpPhoneExtension => Some(3000),
            Self::CallRecording => Some(152),
            Self::AudioConference => Some(300),
            Self::SmsWhatsapp | Self::VmTranscription => Some(1),
            Self::EqallSoftphone | Self::EqallReceptionist | Self::CrmIntegration | Self::CallCenter => None,
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_name_is_the_serialised_name_and_reads_back() {
        for feature in Feature::ALL {
            assert_eq!(serde_json::to_value(feature).unwrap(), feature.name());
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
        }
        assert_eq!(Feature::from_name("ipphoneextension"), None);
    }
}
