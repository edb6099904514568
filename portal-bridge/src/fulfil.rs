//! From a recorded order to what it brings about, in named steps. I/O: the API server, in `dereference`, `apply` and
//! `record`; what lies between is pure.

use std::sync::Arc;

use ecqx_crds::{InstanceRef, OrderPhase, PortalOrder};
use ecqx_domain::order::{Decision, Hold, OrderTerm, Payment, evaluate, names, wanted_hostname};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use dereference::Surroundings;
pub use error::FulfilError;

use crate::{
    bridge::Bridge,
    clock::{next_moment, this_moment},
    turns,
};

mod apply;
mod build;
mod dereference;
mod error;
mod status;

/// The annotation with the order that an object came of.
pub const ORDER_ANNOTATION: &str = "ecqx.epygicloud.com/order";
/// The annotation with the order that made an instance's trial a paid term.
pub const CONVERTED_BY_ANNOTATION: &str = "ecqx.epygicloud.com/converted-by";

/// How often an order or a conversion is judged anew when somebody was quicker.
const ATTEMPTS: usize = 8;

/// Where an order stands, and why.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing stands against it but the payment.
    AwaitingPayment,
    /// It is held for these reasons.
    OnHold(Vec<Hold>),
    /// It has taken effect on this instance.
    Fulfilled(Option<InstanceRef>),
    /// It was cancelled before it took effect.
    Void,
    /// The API server refused a write, in these words; it is tried again by itself.
    Refused(String),
}

/// Whether nothing will ever come of this order again: what somebody changes after it was fulfilled is theirs.
pub fn is_settled(order: &PortalOrder) -> bool {
    let status = order.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation) == order.metadata.generation;
    observed && status.is_some_and(|status| status.phase == Some(OrderPhase::Fulfilled))
}

/// Brings the order to where it can be brought, and records that; none if it does not exist.
///
/// # Guarantees
/// It can be cut off anywhere and called again: until the record says that the order is fulfilled, each call finds what is
/// there and does the rest. Where nothing changes, nothing is written.
///
/// # Errors
/// When the API server cannot be asked or refuses; calling again later goes on from there.
pub async fn settle(bridge: &Arc<Bridge>, seen: &PortalOrder) -> Result<Option<PortalOrder>, FulfilError> {
    let _turn = bridge.turns.take(competes_for(bridge, seen)).await;
    for _ in 1..ATTEMPTS {
        match settle_once(bridge, seen).await {
            Err(error) if error.is_overtaken() => tracing::debug!(order = seen.name_any(), %error, "looked at again"),
            settled => return settled,
        }
    }
    settle_once(bridge, seen).await
}

async fn settle_once(bridge: &Arc<Bridge>, seen: &PortalOrder) -> Result<Option<PortalOrder>, FulfilError> {
    let name = &seen.name_any();
    // The record is read anew: the one that was seen could be from before the order was fulfilled.
    let order = bridge.orders().get_opt(name).await.map_err(FulfilError::api("read", "PortalOrder", name))?;
    let Some(order) = order.filter(|order| order.metadata.deletion_timestamp.is_none()) else { return Ok(None) };
    if order.metadata.uid != seen.metadata.uid {
        // Deleted and made anew meanwhile, so the turn may be the wrong one; the new record is seen by itself.
        return Ok(Some(order));
    }
    if is_settled(&order) {
        return Ok(Some(order));
    }
    let outcome = match &order.status {
        Some(status) if status.phase == Some(OrderPhase::Fulfilled) => Outcome::Fulfilled(status.instance_ref.clone()),
        _ => match in_attempts(bridge, name, &order).await {
            Ok(outcome) => outcome,
            Err(error) => {
                if let Some(words) = error.refusal() {
                    status::record(bridge, order, &Outcome::Refused(words)).await?;
                }
                return Err(error);
            }
        },
    };
    status::record(bridge, order, &outcome).await.map(Some)
}

/// What other orders could want too: the reseller's instances and licences, and the host name.
fn competes_for(bridge: &Bridge, order: &PortalOrder) -> Vec<String> {
    let hostname = wanted_hostname(&order.to_order(), &bridge.settings, &bridge.config.skus);
    let hostname = hostname.map(|label| format!("host name {label}"));
    std::iter::once(turns::of_namespace(&names::reseller_namespace(&order.spec.customer))).chain(hostname).collect()
}

/// The instance that is to be converted moves with every write of its status: whoever was slower looks and judges again.
async fn in_attempts(bridge: &Bridge, name: &str, order: &PortalOrder) -> Result<Outcome, FulfilError> {
    for _ in 1..ATTEMPTS {
        match bring_about(bridge, name, order).await {
            Err(error) if error.is_overtaken() => tracing::debug!(order = name, %error, "judged again"),
            outcome => return outcome,
        }
    }
    bring_about(bridge, name, order).await
}

/// What is to be done about an order.
enum Verdict {
    /// Nothing: this is where it stands.
    Stands(Outcome),
    /// It takes effect, on what was seen at this instant.
    TakesEffect(Box<Surroundings>, Decision, Timestamp),
}

async fn judge(bridge: &Bridge, name: &str, order: &PortalOrder) -> Result<Verdict, FulfilError> {
    let asked = order.to_order();
    let now = Timestamp::now();
    let around = dereference::dereference(bridge, name, &asked, now).await?;
    if let Some(instance) = around.finished(&asked, &bridge.config.skus) {
        return Ok(Verdict::Stands(Outcome::Fulfilled(Some(instance))));
    }
    // What was begun goes on, for a payment is never taken back: a paid order that has begun is a paid one. Only a trial begins without, and
    // the mark of having begun stands on an object of the reseller's, so it is no proof of a payment.
    let begun = order.spec.term == OrderTerm::Trial && around.own_instance().is_some();
    if order.spec.payment == Payment::Void && !begun {
        return Ok(Verdict::Stands(Outcome::Void));
    }
    let decision = match evaluate(&asked, &around.portfolio, &bridge.settings, &bridge.config.skus, now) {
        Ok(decision) => decision,
        Err(holds) => return Ok(Verdict::Stands(Outcome::OnHold(holds))),
    };
    if order.spec.payment == Payment::Awaiting && order.spec.term == OrderTerm::Paid {
        return Ok(Verdict::Stands(Outcome::AwaitingPayment));
    }
    Ok(Verdict::TakesEffect(Box::new(around), decision, now))
}

async fn bring_about(bridge: &Bridge, name: &str, order: &PortalOrder) -> Result<Outcome, FulfilError> {
    let mut verdict = judge(bridge, name, order).await?;
    if let Verdict::Stands(Outcome::OnHold(_)) = verdict {
        // What is seen is read in parts, and another bridge may be at this very order: an instance that is made between two reads looks like
        // somebody else's. All that stood in the way in one look is there, as its own, from the beginning of the next.
        verdict = judge(bridge, name, order).await?;
    }
    let (around, decision, now) = match verdict {
        Verdict::Stands(outcome) => return Ok(outcome),
        Verdict::TakesEffect(around, decision, now) => (around, decision, now),
    };
    if around.is_asked_for_less(&decision, now) {
        // What is ordered after a request for less must not be what that is measured against.
        next_moment().await;
    }
    let effects = build::effects(name, &order.spec, &around, &decision, this_moment());
    apply::apply(bridge, &around, &effects).await?;
    tracing::info!(
        order = name,
        namespace = effects.namespace,
        instance = effects.instance_name,
        "the order took effect"
    );
    Ok(Outcome::Fulfilled(Some(InstanceRef { namespace: effects.namespace, name: effects.instance_name })))
}
