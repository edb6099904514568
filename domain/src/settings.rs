//! The provider's decisions: one typed, validated document that every part of the product reads. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    calendar::{BillingDocument, Calendar, CalendarError},
    catalogue::{Catalogue, CatalogueError},
    feature::Feature,
    hostname::{HostnameError, Label, RESERVED_BY_DEFAULT},
    lifecycle::{LifecycleDocument, LifecycleError, LifecycleRules},
    pbx::{PbxDocument, PbxError, PbxRules},
    promotion::{self, Promotion, PromotionDocument, PromotionError},
};

/// The settings document as it is written (JSON; the chart renders it from its values).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SettingsDocument {
    /// The zone under which instances get their names, without a final dot.
    pub zone: String,
    /// What the ecQX itself includes. The guide gives no counts: the defaults are examples.
    pub base_configuration: BTreeMap<String, u32>,
    /// Maxima lower than the product's own.
    pub maxima: BTreeMap<String, u32>,
    /// The maximum of a feature for which the guide states none.
    pub default_maximum: u32,
    /// Names that are not given to instances.
    pub reserved_hostnames: BTreeSet<String>,
    /// When months begin, and by when a service has to be unsubscribed.
    pub billing: BillingDocument,
    /// Trials, suspension, and what is kept after the end.
    pub lifecycle: LifecycleDocument,
    /// What orders bring beside what was ordered.
    pub promotions: Vec<PromotionDocument>,
    /// How every PBX is run.
    pub pbx: PbxDocument,
}

impl Default for SettingsDocument {
    fn default() -> Self {
        Self {
            zone: "epygicloud.com".to_owned(),
            base_configuration: [
                (Feature::IpPhoneExtension, 5),
                (Feature::AudioConference, 4),
                (Feature::EqallSoftphone, 2),
            ]
            .map(|(feature, quantity)| (feature.name().to_owned(), quantity))
            .into(),
            maxima: BTreeMap::new(),
            default_maximum: 3000,
            reserved_hostnames: RESERVED_BY_DEFAULT.iter().map(|name| (*name).to_owned()).collect(),
            billing: BillingDocument::default(),
            lifecycle: LifecycleDocument::default(),
            promotions: Vec::new(),
            pbx: PbxDocument::default(),
        }
    }
}

/// Settings that have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The zone, in lower case, without a final dot.
    pub zone: String,
    /// Base quantities and maxima.
    pub catalogue: Catalogue,
    /// Names that are not given to instances.
    pub reserved_hostnames: BTreeSet<String>,
    /// When changes take effect.
    pub calendar: Calendar,
    /// Trials, suspension, and what is kept after the end.
    pub lifecycle: LifecycleRules,
    /// What orders bring beside what was ordered.
    pub promotions: Vec<Promotion>,
    /// How every PBX is run.
    pub pbx: PbxRules,
}

/// Why the settings are refused: always with the field and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not JSON of this shape.
    #[error("settings: field {path}: {source}")]
    Json {
        /// Where in the document.
        path: String,
        /// What the reader found.
        source: serde_json::Error,
    },
    /// The zone is no domain name.
    #[error("settings: field zone: {zone:?} is not a domain name: {source}")]
    Zone {
        /// As it was written.
        zone: String,
        /// Which label and why.
        source: HostnameError,
    },
    /// A reserved name is no label.
    #[error("settings: field reservedHostnames: {0}")]
    Reserved(HostnameError),
    /// A key that is no feature.
    #[error("settings: field {field}: {name:?} is no feature; known are {}", Feature::ALL.map(Feature::name).join(", "))]
    UnknownFeature {
        /// Which map.
        field: &'static str,
        /// The key.
        name: String,
    },
    /// Base configuration and maxima do not fit.
    #[error("settings: {0}")]
    Catalogue(#[from] CatalogueError),
    /// The billing part is no calendar.
    #[error("settings: {0}")]
    Calendar(#[from] CalendarError),
    /// A decision on trials, suspension or retention cannot be.
    #[error("settings: {0}")]
    Lifecycle(#[from] LifecycleError),
    /// A promotion cannot be.
    #[error("settings: {0}")]
    Promotion(#[from] PromotionError),
    /// A decision on how PBXs are run cannot be.
    #[error("settings: {0}")]
    Pbx(#[from] PbxError),
}

impl Settings {
    /// Reads and checks a settings document.
    ///
    /// # Errors
    /// With the field and what to do about it.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let reader = &mut serde_json::Deserializer::from_str(text);
        let document = serde_path_to_error::deserialize(reader)
            .map_err(|e| SettingsError::Json { path: e.path().to_string(), source: e.into_inner() })?;
        Self::check(document)
    }

    /// Checks a settings document.
    ///
    /// # Errors
    /// With the field and what to do about it.
    pub fn check(document: SettingsDocument) -> Result<Self, SettingsError> {
        let zone = document.zone.trim_end_matches('.').to_ascii_lowercase();
        for label in zone.split('.') {
            Label::parse(label).map_err(|source| SettingsError::Zone { zone: document.zone.clone(), source })?;
        }
        let reserved = document.reserved_hostnames.iter().map(|name| Label::parse(name).map(|label| label.to_string()));
        Ok(Self {
            reserved_hostnames: reserved.collect::<Result<_, _>>().map_err(SettingsError::Reserved)?,
            catalogue: Catalogue::new(
                by_feature("baseConfiguration", document.base_configuration)?,
                &by_feature("maxima", document.maxima)?,
                document.default_maximum,
            )?,
            calendar: document.billing.try_into()?,
            lifecycle: document.lifecycle.try_into()?,
            promotions: promotion::check(document.promotions)?,
            pbx: document.pbx.try_into()?,
            zone,
        })
    }

    /// The full name of a label under the zone.
    pub fn fqdn(&self, label: &Label) -> String {
        label.fqdn(&self.zone)
    }
}

/// The map's keys are read as text and checked here, since a reader of enum keys cannot name the key it refuses.
fn by_feature(field: &'static str, map: BTreeMap<String, u32>) -> Result<BTreeMap<Feature, u32>, SettingsError> {
    map.into_iter()
        .map(|(name, quantity)| match Feature::from_name(&name) {
            Some(feature) => Ok((feature, quantity)),
            None => Err(SettingsError::UnknownFeature { field, name }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_empty_document_gives_the_defaults_of_the_product_rules() {
        let settings = Settings::parse("{}").unwrap();
        assert_eq!(settings.zone, "epygicloud.com");
        let base = Feature::ALL.map(|feature| settings.catalogue.base(feature));
        assert_eq!(base, [5, 0, 4, 2, 0, 0, 0, 0, 0]);
        assert_eq!(settings.calendar, BillingDocument::default().try_into().unwrap());
    }

    #[rstest]
    #[case(r#"{"zone": "epygi cloud.com"}"#, "field zone")]
    #[case(r#"{"baseConfiguration": {"IpPhoneExtension": -1}}"#, "baseConfiguration.IpPhoneExtension")]
    #[case(r#"{"baseConfiguration": {"Phones": 1}}"#, "baseConfiguration: \"Phones\" is no feature")]
    #[case(r#"{"maxima": {"CallRecording": 153}}"#, "maxima.CallRecording")]
    #[case(r#"{"reservedHostnames": ["a_b"]}"#, "reservedHostnames")]
    #[case(r#"{"zona": "x"}"#, "zona")]
    #[case(r#"{"billing": {"timeZone": "Mars/Olympus"}}"#, "settings: field billing.timeZone")]
    #[case(r#"{"billing": {"cutOffWorkingDays": -1}}"#, "field billing.cutOffWorkingDays")]
    #[case(r#"{"billing": {"workingWeek": "Monday"}}"#, "field billing.workingWeek")]
    #[case(r#"{"billing": {"holiday": []}}"#, "field billing.holiday")]
    #[case(r#"{"lifecycle": {"trial": {"length": "soon"}}}"#, "settings: field lifecycle.trial.length")]
    #[case(r#"{"lifecycle": {"trial": {"length": "0d"}}}"#, "settings: field lifecycle.trial.length")]
    #[case(r#"{"lifecycle": {"trial": {"scope": "Everybody"}}}"#, "lifecycle.trial.scope")]
    #[case(r#"{"lifecycle": {"trial": {"reminders": ["30d"]}}}"#, "lifecycle.trial.reminders")]
    #[case(r#"{"lifecycle": {"suspension": {"grace": "-1d"}}}"#, "lifecycle.suspension.grace")]
    #[case(r#"{"lifecycle": {"suspension": {"drainDeadline": 4}}}"#, "lifecycle.suspension.drainDeadline")]
    #[case(r#"{"lifecycle": {"retention": {"data": "3661d"}}}"#, "lifecycle.retention.data")]
    #[case(r#"{"lifecycle": {"retention": {"name": "29d"}}}"#, "field lifecycle.retention.name")]
    #[case(r#"{"promotions": [{"id": "x"}]}"#, "promotions[0]")]
    #[case(r#"{"pbx": {"drain": "soon"}}"#, "settings: field pbx.drain")]
    #[case(r#"{"pbx": {"exposure": "Internet"}}"#, "pbx.exposure")]
    fn a_wrong_value_is_refused_with_its_field(#[case] text: &str, #[case] field: &str) {
        let message = Settings::parse(text).unwrap_err().to_string();
        assert!(message.contains(field), "{message}");
    }

    const PAGE: &str = include_str!("../../docs/entitlements.md");

    /// A default as the documentation writes it.
    fn written(value: &Value) -> String {
        match value {
            Value::String(text) => format!("`{text}`"),
            Value::Array(all) if all.is_empty() => "none".to_owned(),
            Value::Array(all) => all.iter().map(written).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }

    /// Each setting below the path, with its default.
    fn defaults(path: &str, value: &Value) -> Vec<(String, String)> {
        match value {
            Value::Object(fields) => {
                fields.iter().flat_map(|(name, value)| defaults(&format!("{path}.{name}"), value)).collect()
            }
            value => vec![(path.to_owned(), written(value))],
        }
    }

    #[test]
    fn the_documentation_of_time_names_every_setting_with_its_default() {
        let document = serde_json::to_value(SettingsDocument::default()).unwrap();
        for part in ["billing", "lifecycle", "promotions"] {
            for (setting, default) in defaults(part, &document[part]) {
                let week = "`Monday`, `Tuesday`, `Wednesday`, `Thursday`, `Friday`";
                let row = format!("| `{setting}` | {} |", default.replace(week, "Monday to Friday"));
                assert!(PAGE.contains(&row), "not in docs/entitlements.md: {row}");
            }
        }
    }
}
