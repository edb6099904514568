//! What is sold (§2 of the guide): an ecQX, or some of a feature on one. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::feature::Feature;

/// A service: what a line of an order, or a request for a change, is about. Its text is its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Item {
    /// An instance.
    Ecqx,
    /// Some of a feature, on an instance.
    Feature(Feature),
}

/// A name in the configuration that is no item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is nothing that is sold; known are Ecqx, {}", Feature::ALL.map(Feature::name).join(", "))]
pub struct UnknownItem {
    /// As it was written.
    pub name: String,
}

impl Item {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecqx => "Ecqx",
            Self::Feature(feature) => feature.name(),
        }
    }

    /// The item of that name: `Ecqx`, or a feature's name in the API.
    ///
    /// # Errors
    /// [`UnknownItem`], which lists the known names.
    pub fn from_name(name: &str) -> Result<Self, UnknownItem> {
        match Feature::from_name(name) {
            Some(feature) => Ok(Self::Feature(feature)),
            None if name == "Ecqx" => Ok(Self::Ecqx),
            None => Err(UnknownItem { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Item> for String {
    fn from(item: Item) -> Self {
        item.name().to_owned()
    }
}

impl TryFrom<String> for Item {
    type Error = UnknownItem;

    fn try_from(name: String) -> Result<Self, UnknownItem> {
        Self::from_name(&name)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Item {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Item".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let features = Feature::ALL.map(Feature::name);
        let names: Vec<&str> = std::iter::once(Self::Ecqx.name()).chain(features).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}
