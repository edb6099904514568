//! Whether an order can take effect, and which one it has. Pure.

use std::collections::BTreeMap;

use super::{Hold, Instance, Item, Order, OrderTerm, Portfolio, QUANTITY_LIMIT, SkuMap};
use crate::{
    feature::Feature,
    hostname::{self, HostnameError, Label},
    settings::Settings,
};

/// The one effect that an order has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new instance, with what else was ordered granted to it.
    NewInstance {
        /// Its label under the zone.
        hostname: Label,
        /// What is granted to it.
        grants: Vec<LineGrant>,
    },
    /// More for an instance that there is.
    AddOn {
        /// Its object name.
        instance: String,
        /// What is granted to it.
        grants: Vec<LineGrant>,
    },
}

/// What one line grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineGrant {
    /// Which line of the order.
    pub line: usize,
    /// What it grants.
    pub feature: Feature,
    /// How many.
    pub quantity: i64,
}

/// Judges an order.
///
/// # Errors
/// With every reason to hold it, not only the first, so that one more order can set all of them right. What only might be
/// wrong is left out: while an article is unknown, it may be the very ecQX that seems to be missing.
pub fn evaluate(
    order: &Order,
    portfolio: &Portfolio,
    settings: &Settings,
    skus: &SkuMap,
) -> Result<Decision, Vec<Hold>> {
    let mut holds = Vec::new();
    if order.customer.is_empty() {
        holds.push(Hold::CustomerMissing);
    }
    let contents = Contents::read(order, skus, &mut holds);
    let decision = if contents.ecqx_lines > 0 {
        new_instance(order, contents, portfolio, settings, &mut holds)
    } else if order.lines.is_empty() {
        holds.push(Hold::NoLines);
        None
    } else if contents.unknown {
        None
    } else {
        add_on(order, contents, portfolio, settings, &mut holds)
    };
    decision.filter(|_| holds.is_empty()).ok_or(holds)
}

/// The host name that the order wants, if it orders an instance and names one that could be given. The caller looks up
/// whether it is taken before it asks for the judgement.
pub fn wanted_hostname(order: &Order, settings: &Settings, skus: &SkuMap) -> Option<Label> {
    let ecqx = order.lines.iter().any(|line| skus.item(&line.sku) == Some(Item::Ecqx));
    if ecqx { named_hostname(order, settings).ok() } else { None }
}

fn named_hostname(order: &Order, settings: &Settings) -> Result<Label, HostnameError> {
    hostname::from_note(&order.note, &settings.zone)?.unless_reserved(&settings.reserved_hostnames)
}

/// The lines of an order, by what they order.
#[derive(Default)]
struct Contents {
    ecqx_lines: usize,
    ecqx: i64,
    unknown: bool,
    grants: Vec<LineGrant>,
}

impl Contents {
    fn read(order: &Order, skus: &SkuMap, holds: &mut Vec<Hold>) -> Self {
        let mut contents = Self::default();
        for (index, line) in order.lines.iter().enumerate() {
            if !(1..=QUANTITY_LIMIT).contains(&line.quantity) {
                holds.push(Hold::QuantityOutOfRange { line: index, quantity: line.quantity });
            }
            match skus.item(&line.sku) {
                Some(Item::Ecqx) => {
                    contents.ecqx_lines += 1;
                    contents.ecqx = contents.ecqx.saturating_add(line.quantity.max(0));
                }
                Some(Item::Feature(feature)) => {
                    contents.grants.push(LineGrant { line: index, feature, quantity: line.quantity });
                }
                None => {
                    contents.unknown = true;
                    holds.push(Hold::UnknownSku { line: index, sku: line.sku.clone() });
                }
            }
        }
        contents
    }
}

fn new_instance(
    order: &Order,
    contents: Contents,
    portfolio: &Portfolio,
    settings: &Settings,
    holds: &mut Vec<Hold>,
) -> Option<Decision> {
    if contents.ecqx > 1 || contents.ecqx_lines > 1 {
        let lines = i64::try_from(contents.ecqx_lines).unwrap_or(i64::MAX);
        holds.push(Hold::TooManyEcqx { count: contents.ecqx.max(lines) });
    }
    check_maxima(&contents.grants, &BTreeMap::new(), settings, holds);
    match named_hostname(order, settings) {
        Ok(label) if portfolio.hostname_taken => {
            holds.push(Hold::HostnameTaken { label });
            None
        }
        Ok(hostname) => Some(Decision::NewInstance { hostname, grants: contents.grants }),
        Err(error) => {
            holds.push(Hold::Hostname(error));
            None
        }
    }
}

fn add_on(
    order: &Order,
    contents: Contents,
    portfolio: &Portfolio,
    settings: &Settings,
    holds: &mut Vec<Hold>,
) -> Option<Decision> {
    let instance = device(order, portfolio, settings, holds)?;
    if instance.term == OrderTerm::Trial && order.term == OrderTerm::Paid {
        holds.push(Hold::InstanceOnTrial { device: instance.name.clone() });
    }
    check_maxima(&contents.grants, &instance.granted, settings, holds);
    Some(Decision::AddOn { instance: instance.name.clone(), grants: contents.grants })
}

/// The one instance that all lines are for. A line that names none goes with those that do.
fn device<'all>(
    order: &Order,
    portfolio: &'all Portfolio,
    settings: &Settings,
    holds: &mut Vec<Hold>,
) -> Option<&'all Instance> {
    if portfolio.instances.is_empty() {
        holds.push(Hold::FirstOrderWithoutEcqx);
        return None;
    }
    let mut found: Vec<&Instance> = Vec::new();
    let mut named: Vec<&str> = order.lines.iter().filter_map(|line| line.device.as_deref()).collect();
    named.retain(|device| !device.trim().is_empty());
    named.sort_unstable();
    named.dedup();
    let faults = holds.len();
    for device in &named {
        match portfolio.find(device, &settings.zone) {
            Ok(instance) if found.iter().any(|other| other.name == instance.name) => {}
            Ok(instance) => found.push(instance),
            Err(hold) => holds.push(hold),
        }
    }
    if named.is_empty() {
        holds.push(Hold::DeviceMissing);
    } else if found.len() > 1 {
        holds.push(Hold::SeveralDevices { devices: found.iter().map(|instance| instance.name.clone()).collect() });
    }
    found.pop().filter(|_| holds.len() == faults)
}

fn check_maxima(grants: &[LineGrant], granted: &BTreeMap<Feature, u64>, settings: &Settings, holds: &mut Vec<Hold>) {
    let mut ordered: BTreeMap<Feature, u64> = BTreeMap::new();
    for grant in grants {
        let sum = ordered.entry(grant.feature).or_default();
        *sum = sum.saturating_add(u64::try_from(grant.quantity).unwrap_or(0));
    }
    for (feature, ordered) in ordered {
        let base = u64::from(settings.catalogue.base(feature));
        let sum = base.saturating_add(granted.get(&feature).copied().unwrap_or(0)).saturating_add(ordered);
        let maximum = settings.catalogue.maximum(feature);
        if sum > u64::from(maximum) {
            holds.push(Hold::OverMaximum { feature, sum, maximum, ordered });
        }
    }
}

#[cfg(test)]
mod tests;
