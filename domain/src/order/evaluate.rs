//! Whether an order can take effect, and which one it has (§6 of the guide). Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Hold, Instance, Item, Order, OrderTerm, Portfolio, SkuMap,
    contents::Contents,
    devices::{self, Target},
    hold::End,
    maxima, trials,
};
use crate::{
    feature::Feature,
    hostname::{self, HostnameError, Label},
    promotion::{self, Promotion},
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
        /// What promotions give beside that.
        promotions: Vec<PromotionGrant>,
    },
    /// An instance on trial becomes a paid one; name, data and registrations stay.
    Conversion {
        /// Its object name.
        instance: String,
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

/// What a promotion gives without its being ordered (§5 of the guide).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromotionGrant {
    /// Which promotion.
    pub promotion: String,
    /// What it gives.
    pub feature: Feature,
    /// How many.
    pub quantity: u32,
    /// For how many days of 24 hours; none: as long as the instance.
    pub days: Option<u32>,
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
    now: Timestamp,
) -> Result<Decision, Vec<Hold>> {
    let mut holds = Vec::new();
    if order.customer.is_empty() {
        holds.push(Hold::CustomerMissing);
    }
    let contents = Contents::read(order, skus, &mut holds);
    let decision = if contents.ecqx_lines > 0 {
        with_ecqx(order, contents, portfolio, settings, now, &mut holds)
    } else if order.lines.is_empty() {
        holds.push(Hold::NoLines);
        None
    } else if contents.unknown {
        None
    } else {
        add_on(order, contents, portfolio, settings, now, &mut holds)
    };
    trials::check(order, portfolio, settings, skus, &mut holds);
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

fn with_ecqx(
    order: &Order,
    contents: Contents,
    portfolio: &Portfolio,
    settings: &Settings,
    now: Timestamp,
    holds: &mut Vec<Hold>,
) -> Option<Decision> {
    // Cut off half-way, it goes on with the instance that it has begun with, whatever that is called by now.
    if let Some(begun) = portfolio.instances.iter().find(|instance| instance.converted_by_this_order) {
        return Some(Decision::Conversion { instance: begun.name.clone(), grants: contents.grants });
    }
    if contents.ecqx > 1 || contents.ecqx_lines > 1 {
        let lines = i64::try_from(contents.ecqx_lines).unwrap_or(i64::MAX);
        holds.push(Hold::TooManyEcqx { count: contents.ecqx.max(lines) });
    }
    let hostname = named_hostname(order, settings);
    match devices::of_ecqx(order, hostname.as_ref().ok(), portfolio, settings, holds) {
        Target::New => new_instance(order, contents, hostname, portfolio, settings, holds),
        Target::Named(instance) => Some(convert(order, contents, instance, settings, now, holds)),
        Target::Unclear => None,
    }
}

fn new_instance(
    order: &Order,
    contents: Contents,
    hostname: Result<Label, HostnameError>,
    portfolio: &Portfolio,
    settings: &Settings,
    holds: &mut Vec<Hold>,
) -> Option<Decision> {
    maxima::check(&contents.grants, &BTreeMap::new(), settings, holds);
    match hostname {
        Ok(label) if portfolio.hostname_taken => {
            let on_trial = |own: &Instance| own.hostname == label.as_str() && own.life.term == OrderTerm::Trial;
            let own = portfolio.instances.iter().any(on_trial);
            holds.push(if own { Hold::HostnameOnTrial { label } } else { Hold::HostnameTaken { label } });
            None
        }
        Ok(hostname) => {
            let promotions = promotions(order, &settings.promotions);
            Some(Decision::NewInstance { hostname, grants: contents.grants, promotions })
        }
        Err(error) => {
            holds.push(Hold::Hostname(error));
            None
        }
    }
}

/// What the promotions give in whose window the order was placed. They never hold an order: what is too much with them is held
/// back on the instance.
fn promotions(order: &Order, promotions: &[Promotion]) -> Vec<PromotionGrant> {
    let running = order.placed_at.into_iter().flat_map(|at| promotion::running(promotions, at));
    let grants = running.flat_map(|promotion| {
        promotion.grants.iter().map(|(feature, quantity)| PromotionGrant {
            promotion: promotion.id.clone(),
            feature: *feature,
            quantity: *quantity,
            days: promotion.days,
        })
    });
    grants.collect()
}

/// A trial becomes paid, up to its end, and (**Decision**) through the retention after it.
fn convert(
    order: &Order,
    contents: Contents,
    instance: &Instance,
    settings: &Settings,
    now: Timestamp,
    holds: &mut Vec<Hold>,
) -> Decision {
    holds.extend(unless_convertible(order.term, instance, settings, now));
    maxima::check(&contents.grants, &instance.paid, settings, holds);
    Decision::Conversion { instance: instance.name.clone(), grants: contents.grants }
}

fn unless_convertible(ordered: OrderTerm, instance: &Instance, settings: &Settings, now: Timestamp) -> Option<Hold> {
    let device = instance.name.clone();
    match (instance.end(&settings.lifecycle, now), instance.life.unsubscribed_at) {
        (Some(ended @ Hold::InstanceEnded { end: End::Expired | End::Unsubscribed, .. }), _) => Some(ended),
        _ if instance.life.term == OrderTerm::Paid => Some(Hold::AlreadyPaid { device }),
        (_, Some(at)) => Some(Hold::EndPending { device, at }),
        _ if ordered == OrderTerm::Trial => Some(Hold::TrialOfDevice { device }),
        _ => None,
    }
}

fn add_on(
    order: &Order,
    contents: Contents,
    portfolio: &Portfolio,
    settings: &Settings,
    now: Timestamp,
    holds: &mut Vec<Hold>,
) -> Option<Decision> {
    let instance = devices::of_add_on(order, portfolio, settings, holds)?;
    match instance.end(&settings.lifecycle, now) {
        Some(hold) => holds.push(hold),
        None if instance.life.term == OrderTerm::Trial && order.term == OrderTerm::Paid => {
            holds.push(Hold::InstanceOnTrial { device: instance.name.clone() });
        }
        None => {}
    }
    maxima::check(&contents.grants, &instance.paid, settings, holds);
    Some(Decision::AddOn { instance: instance.name.clone(), grants: contents.grants })
}

#[cfg(test)]
mod tests;
