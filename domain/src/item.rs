//! What is sold (§2 of the guide): an ecQX, or some of a feature on one. Pure.

use crate::feature::Feature;

/// A service: what a line of an order, or a request for a change, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
