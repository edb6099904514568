//! How an instance will stand at a date, if nobody does anything. I/O: reads only.

use ecqx_crds::Upcoming;
use ecqx_domain::{
    feature::Feature,
    foresight::{self, Forecast},
    ledger,
};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{MicroTime, Time},
    jiff::Timestamp,
};
use serde::Serialize;

use super::{
    InstanceError, Key, look_up,
    view::{self, Identity},
};
use crate::{bridge::Bridge, clock::this_moment};

/// A forecast that a page can draw: every number is there, zero too.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Of when the facts are.
    pub as_of: MicroTime,
    /// The instant that it speaks of.
    pub at: Time,
    /// Which instance.
    pub instance: Identity,
    /// Where it stands then.
    pub phase: &'static str,
    /// Why it takes no calls, if it takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// What it is entitled to, in the order of the guide; while it takes no calls, what it would come back with.
    pub entitlements: Vec<Entitlement>,
    /// The extensions that are disabled, by number.
    pub disabled_extensions: Vec<String>,
    /// Whether its name is in the DNS once its PBX is ready.
    pub resolves: bool,
    /// Whether its name is kept for it.
    pub name_is_kept: bool,
    /// What happens after that.
    pub upcoming: Vec<Upcoming>,
}

/// What may be used of one feature, with the origin of each part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entitlement {
    feature: Feature,
    quantity: u32,
    base: u32,
    paid: u64,
    trial: u64,
    promotion: u64,
    held_back: u64,
}

impl From<&ledger::Entitlement> for Entitlement {
    fn from(of: &ledger::Entitlement) -> Self {
        Self {
            feature: of.feature,
            quantity: of.quantity,
            base: of.base,
            paid: of.paid,
            trial: of.trial,
            promotion: of.promotion,
            held_back: of.held_back(),
        }
    }
}

/// How the instance will stand at `at`; none: now.
///
/// # Errors
/// For a time that is none, or past, and for an unknown instance.
pub async fn forecast(bridge: &Bridge, key: &Key, at: Option<&str>) -> Result<View, InstanceError> {
    let now = this_moment();
    let at = at.map_or(Ok(now), |given| read(given, now))?;
    let seen = look_up(bridge, key).await?;
    let forecast = foresight::forecast(&seen.situation(&bridge.settings, now), at);
    Ok(View::of(forecast, Identity::of(&seen.instance, &bridge.settings), now))
}

fn read(given: &str, now: Timestamp) -> Result<Timestamp, InstanceError> {
    let at: Timestamp = given
        .parse()
        .map_err(|error| InstanceError::NoTime { given: given.to_owned(), problem: format!("{error}") })?;
    // Whoever asks in whole seconds may ask for this one.
    if at.as_second() < now.as_second() { Err(InstanceError::Past { at, now }) } else { Ok(at.max(now)) }
}

impl View {
    fn of(forecast: Forecast, instance: Identity, now: Timestamp) -> Self {
        Self {
            as_of: MicroTime(now),
            at: Time(forecast.at),
            instance,
            phase: forecast.phase.name(),
            cause: forecast.cause.map(ecqx_domain::lifecycle::Cause::name),
            entitlements: forecast.entitlements.iter().map(Entitlement::from).collect(),
            disabled_extensions: forecast.disabled,
            resolves: forecast.resolves,
            name_is_kept: forecast.name_is_kept,
            upcoming: view::upcoming(forecast.upcoming),
        }
    }
}
