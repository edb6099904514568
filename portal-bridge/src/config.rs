//! The bridge's configuration: typed, validated, with defaults. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ecqx_domain::order::{Item, SkuMap, UnknownItem};
use serde::Deserialize;

/// The configuration as it is written (JSON; the chart renders it from its values).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConfigDocument {
    /// The name of the shop whose webhook this is; it is part of each order's identity, so it must not change.
    pub shop: String,
    /// From the shop's article numbers to `Ecqx` or a feature; given, it replaces the defaults.
    pub skus: Option<BTreeMap<String, String>>,
    /// Payment methods of the shop that mean a trial.
    pub trial_payment_methods: BTreeSet<String>,
    /// Keys of an order's or a line's meta data under which the device stands.
    pub device_meta_keys: Vec<String>,
    /// The most that a delivery's body may hold.
    pub max_body_bytes: usize,
}

impl Default for ConfigDocument {
    fn default() -> Self {
        Self {
            shop: "default".to_owned(),
            skus: None,
            trial_payment_methods: ["trial", "trial_activation"].map(str::to_owned).into(),
            device_meta_keys: ["device", "Device", "Device Name", "_device"].map(str::to_owned).into(),
            max_body_bytes: 1 << 20,
        }
    }
}

/// Configuration that has been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The shop of the webhook.
    pub shop: String,
    /// What the article numbers stand for.
    pub skus: SkuMap,
    /// Payment methods that mean a trial.
    pub trial_payment_methods: BTreeSet<String>,
    /// Keys of meta data under which the device stands.
    pub device_meta_keys: Vec<String>,
    /// The most that a delivery's body may hold.
    pub max_body_bytes: usize,
}

/// Why the configuration is refused: always with the field and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON of this shape.
    #[error("bridge configuration: field {path}: {source}")]
    Json {
        /// Where in the document.
        path: String,
        /// What the reader found.
        source: serde_json::Error,
    },
    /// The shop's name cannot be.
    #[error("bridge configuration: field shop: {0:?} must be 1 to 63 letters, digits, dots, hyphens or underscores")]
    Shop(String),
    /// An article stands for nothing that is sold.
    #[error("bridge configuration: field skus.{sku}: {source}")]
    Sku {
        /// Which article.
        sku: String,
        /// What is wrong.
        source: UnknownItem,
    },
    /// An article number that no order could carry.
    #[error("bridge configuration: field skus: {0:?} must be 1 to 100 characters")]
    SkuLength(String),
    /// A limit that would refuse every order, or none.
    #[error("bridge configuration: field maxBodyBytes: {0} must be 1024 to 16777216")]
    MaxBodyBytes(usize),
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// With the field and what to do about it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let reader = &mut serde_json::Deserializer::from_str(text);
        let document = serde_path_to_error::deserialize(reader)
            .map_err(|e| ConfigError::Json { path: e.path().to_string(), source: e.into_inner() })?;
        Self::check(document)
    }

    /// Checks the configuration.
    ///
    /// # Errors
    /// With the field and what to do about it.
    pub fn check(document: ConfigDocument) -> Result<Self, ConfigError> {
        if !is_shop(&document.shop) {
            return Err(ConfigError::Shop(document.shop));
        }
        if !(1024..=16 << 20).contains(&document.max_body_bytes) {
            return Err(ConfigError::MaxBodyBytes(document.max_body_bytes));
        }
        Ok(Self {
            shop: document.shop,
            skus: document.skus.map(sku_map).transpose()?.unwrap_or_default(),
            trial_payment_methods: document.trial_payment_methods,
            device_meta_keys: document.device_meta_keys,
            max_body_bytes: document.max_body_bytes,
        })
    }
}

/// Whether a shop can have this name: it stands in paths and in names of objects.
pub(crate) fn is_shop(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn sku_map(names: BTreeMap<String, String>) -> Result<SkuMap, ConfigError> {
    let mut items = BTreeMap::new();
    for (sku, name) in names {
        if !(1..=100).contains(&sku.chars().count()) {
            return Err(ConfigError::SkuLength(sku));
        }
        match Item::from_name(&name) {
            Ok(item) => items.insert(sku, item),
            Err(source) => return Err(ConfigError::Sku { sku, source }),
        };
    }
    Ok(SkuMap::new(items))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_empty_document_gives_the_defaults() {
        let config = Config::parse("{}").unwrap();
        assert_eq!((config.shop.as_str(), config.max_body_bytes), ("default", 1_048_576));
        assert_eq!(config.skus, SkuMap::default());
        assert!(config.trial_payment_methods.contains("trial"));
    }

    #[test]
    fn skus_that_are_given_replace_the_defaults() {
        let config = Config::parse(r#"{"skus": {"PBX": "Ecqx"}}"#).unwrap();
        assert_eq!(config.skus.item("PBX"), Some(Item::Ecqx));
        assert_eq!(config.skus.item("ECQX"), None);
    }

    #[rstest]
    #[case(r#"{"shop": ""}"#, "field shop")]
    #[case(r#"{"shop": "a/b"}"#, "field shop")]
    #[case(r#"{"skus": {"PBX": "Pbx"}}"#, "field skus.PBX")]
    #[case(r#"{"skus": {"": "Ecqx"}}"#, "field skus")]
    #[case(r#"{"maxBodyBytes": 10}"#, "field maxBodyBytes")]
    #[case(r#"{"maxBodyBytes": "1Mi"}"#, "field maxBodyBytes")]
    #[case(r#"{"secret": "x"}"#, "secret")]
    fn a_wrong_value_is_refused_with_its_field(#[case] text: &str, #[case] field: &str) {
        let message = Config::parse(text).unwrap_err().to_string();
        assert!(message.contains(field), "{message}");
    }
}
