//! What a reseller has when its order is judged. Pure.

use std::collections::BTreeMap;

use super::{Hold, OrderTerm};
use crate::feature::Feature;

/// The facts beside the order itself. Nothing of another reseller is in here, save that a name is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portfolio {
    /// The reseller's instances.
    pub instances: Vec<Instance>,
    /// Whether the host name that the order wants is held by anything but the order's own instance.
    pub hostname_taken: bool,
}

/// An instance of the reseller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its object's name.
    pub name: String,
    /// Its label under the zone.
    pub hostname: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// The identity that never changes.
    pub unique_id: Option<String>,
    /// Whether it is on trial.
    pub term: OrderTerm,
    /// What other orders granted to it, by feature, of whichever term.
    pub granted: BTreeMap<Feature, u64>,
}

impl Portfolio {
    /// The one instance that a device's name stands for: its host name, full name, object name, display name or unique ID, in
    /// any case.
    ///
    /// # Errors
    /// [`Hold::DeviceUnknown`] and [`Hold::DeviceAmbiguous`].
    pub fn find(&self, device: &str, zone: &str) -> Result<&Instance, Hold> {
        let wanted = device.trim().to_lowercase();
        let mut found = self.instances.iter().filter(|instance| instance.is_called(&wanted, zone));
        match (found.next(), found.next()) {
            (Some(instance), None) => Ok(instance),
            (None, _) => Err(Hold::DeviceUnknown { device: device.trim().to_owned() }),
            (Some(_), Some(_)) => Err(Hold::DeviceAmbiguous { device: device.trim().to_owned() }),
        }
    }
}

impl Instance {
    fn is_called(&self, wanted: &str, zone: &str) -> bool {
        let fqdn = format!("{}.{zone}", self.hostname);
        let names = [Some(&self.hostname), Some(&self.name), self.display_name.as_ref(), self.unique_id.as_ref()];
        fqdn == wanted.trim_end_matches('.') || names.into_iter().flatten().any(|name| name.to_lowercase() == wanted)
    }
}
