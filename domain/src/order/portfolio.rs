//! What a reseller has when its order is judged. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Hold, hold::End};
use crate::{
    feature::Feature,
    lifecycle::{Cause, Life, LifecycleRules, Phase},
};

/// The facts beside the order itself. Nothing of another reseller is in here, save that a name is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portfolio {
    /// The reseller's instances.
    pub instances: Vec<Instance>,
    /// Whether the host name that the order wants is held by anything but the order's own instance.
    pub hostname_taken: bool,
    /// The records of used trials, by name, those of the order's own instance left out: those that there are, and those that
    /// the reseller's instances are yet to get.
    pub used_trials: BTreeSet<String>,
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
    /// The end customer that it is for.
    pub company: Option<String>,
    /// Whether it is on trial, and what has become of it since.
    pub life: Life,
    /// What is paid of each feature and in force: a decrease that has taken effect is off, a pending one is not.
    pub paid: BTreeMap<Feature, u64>,
    /// Whether this very order has converted it, and was cut off before all was done.
    pub converted_by_this_order: bool,
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

    /// The hold of an order for an instance that has ended, or whose unsubscription is pending; none where neither is so.
    pub(super) fn end(&self, rules: &LifecycleRules, now: Timestamp) -> Option<Hold> {
        let device = || self.name.clone();
        match (self.life.unsubscribed_at, self.life.ended(now)) {
            (Some(at), _) if at <= now => Some(Hold::InstanceEnded { device: device(), at, end: End::Unsubscribed }),
            (_, Some((at, Cause::TrialEnded))) => {
                let expired = self.life.phase(rules, now) == Phase::Expired;
                let end = if expired { End::Expired } else { End::TrialRetained };
                Some(Hold::InstanceEnded { device: device(), at, end })
            }
            (_, Some((at, _))) => Some(Hold::InstanceEnded { device: device(), at, end: End::Unsubscribed }),
            (Some(at), None) => Some(Hold::EndPending { device: device(), at }),
            (None, None) => None,
        }
    }
}
