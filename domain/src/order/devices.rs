//! Which instance an order is for: the devices that its lines name. Pure.

use super::{Hold, Instance, Order, Portfolio};
use crate::{hostname::Label, settings::Settings};

/// Every device that a line names, once.
fn named(order: &Order) -> Vec<&str> {
    let mut named: Vec<&str> = order.lines.iter().filter_map(|line| line.device.as_deref()).map(str::trim).collect();
    named.retain(|device| !device.is_empty());
    named.sort_unstable();
    named.dedup();
    named
}

/// The one instance that all lines of an add-on are for. A line that names none goes with those that do.
pub(super) fn of_add_on<'all>(
    order: &Order,
    portfolio: &'all Portfolio,
    settings: &Settings,
    holds: &mut Vec<Hold>,
) -> Option<&'all Instance> {
    if portfolio.instances.is_empty() {
        holds.push(Hold::FirstOrderWithoutEcqx);
        return None;
    }
    let faults = holds.len();
    let mut found: Vec<&Instance> = Vec::new();
    let named = named(order);
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

/// What an order with an ecQX is for.
pub(super) enum Target<'all> {
    /// An instance that is to be made.
    New,
    /// An instance that the order names.
    Named(&'all Instance),
    /// It cannot be told; why is among the holds.
    Unclear,
}

/// Whether an order with an ecQX makes an instance, or names one that it is to convert (§6 of the guide). A line may name the
/// instance that is to be made, too.
pub(super) fn of_ecqx<'all>(
    order: &Order,
    hostname: Option<&Label>,
    portfolio: &'all Portfolio,
    settings: &Settings,
    holds: &mut Vec<Hold>,
) -> Target<'all> {
    let faults = holds.len();
    let mut found: Vec<&Instance> = Vec::new();
    let mut new: Option<String> = None;
    for device in named(order) {
        match portfolio.find(device, &settings.zone) {
            Ok(instance) if found.iter().any(|other| other.name == instance.name) => {}
            Ok(instance) => found.push(instance),
            Err(Hold::DeviceUnknown { .. }) if hostname.is_some_and(|label| is_name_of(device, label, settings)) => {
                new = Some(device.to_owned());
            }
            Err(hold) => holds.push(hold),
        }
    }
    let devices: Vec<String> = found.iter().map(|instance| instance.name.clone()).chain(new).collect();
    if devices.len() > 1 {
        holds.push(Hold::SeveralDevices { devices });
    }
    match found.pop() {
        _ if holds.len() > faults => Target::Unclear,
        Some(instance) => Target::Named(instance),
        None => Target::New,
    }
}

fn is_name_of(device: &str, label: &Label, settings: &Settings) -> bool {
    let device = device.to_lowercase();
    device == label.as_str() || device.trim_end_matches('.') == settings.fqdn(label)
}
