//! The record of where an order stands. I/O: one write of the order's status, and none where it already says so.

use ecqx_crds::{
    InstanceRef, OrderPhase, OrderReason, PortalOrder, PortalOrderStatus,
    condition::{self, reason},
};
use ecqx_domain::order::Hold;
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{FulfilError, Outcome, error::RECORD};
use crate::bridge::{Bridge, FIELD_MANAGER};

/// How many reasons an order's status holds.
const REASONS: usize = 50;
/// The longest message in a status.
const MESSAGE: usize = 1000;

pub(super) async fn record(bridge: &Bridge, order: PortalOrder, outcome: &Outcome) -> Result<PortalOrder, FulfilError> {
    let wanted = wanted(&order, outcome, Timestamp::now());
    if says_already(&order, &wanted) {
        return Ok(order);
    }
    let name = order.name_any();
    let patch = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "PortalOrder",
        // As it was judged, and not as another bridge has recorded it meanwhile: what is fulfilled is not on hold again.
        "metadata": { "resourceVersion": order.metadata.resource_version },
        "status": wanted,
    });
    // By force: bridges alone say where an order stands.
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let written = bridge.orders().patch_status(&name, &params, &Patch::Apply(&patch)).await;
    let written = written.map_err(FulfilError::api(RECORD, "PortalOrder", &name))?;
    tracing::info!(order = name, state = ?wanted.phase, "the order's state was recorded");
    Ok(written)
}

fn wanted(order: &PortalOrder, outcome: &Outcome, now: Timestamp) -> PortalOrderStatus {
    let (phase, instance_ref): (_, Option<InstanceRef>) = match outcome {
        Outcome::AwaitingPayment => (Some(OrderPhase::AwaitingPayment), None),
        Outcome::OnHold(_) => (Some(OrderPhase::OnHold), None),
        Outcome::Fulfilled(instance) => (Some(OrderPhase::Fulfilled), instance.clone()),
        Outcome::Void => (Some(OrderPhase::Void), None),
        Outcome::Refused(_) => (None, None),
    };
    PortalOrderStatus {
        observed_generation: order.metadata.generation,
        phase,
        instance_ref,
        reasons: match outcome {
            Outcome::OnHold(holds) => holds.iter().take(REASONS).map(to_reason).collect(),
            _ => Vec::new(),
        },
        conditions: conditions(order, outcome, now),
    }
}

fn to_reason(hold: &Hold) -> OrderReason {
    OrderReason { code: hold.code().to_owned(), field: hold.field(), message: cut(&hold.to_string()) }
}

fn cut(message: &str) -> String {
    match message.char_indices().nth(MESSAGE - 1) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// `Ready`, and beside it what says whether anything further is to come (kstatus).
fn conditions(order: &PortalOrder, outcome: &Outcome, now: Timestamp) -> Vec<Condition> {
    let (ready, beside, reason, message) = match outcome {
        Outcome::Fulfilled(_) => ("True", None, reason::FULFILLED, "the order has taken effect".to_owned()),
        Outcome::AwaitingPayment => {
            let message = "the order takes effect when its payment is confirmed".to_owned();
            ("False", Some(condition::RECONCILING), reason::AWAITING_PAYMENT, message)
        }
        Outcome::OnHold(holds) => {
            let first = holds.first().map(Hold::to_string).unwrap_or_default();
            let more = if holds.len() > 1 { format!(" (and {} more)", holds.len() - 1) } else { String::new() };
            ("False", Some(condition::STALLED), reason::ON_HOLD, format!("{}{more}", cut(&first)))
        }
        Outcome::Refused(words) => {
            ("False", Some(condition::RECONCILING), reason::APPLY_FAILED, cut(&format!("{words}; it is tried again")))
        }
        Outcome::Void => {
            let message = "the order was cancelled, refunded or failed before it took effect".to_owned();
            ("False", Some(condition::STALLED), reason::VOID, message)
        }
    };
    let make = |type_: &str, status: &str| Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.clone(),
        observed_generation: order.metadata.generation,
        last_transition_time: since(order, type_, status).unwrap_or(Time(now)),
    };
    std::iter::once(make(condition::READY, ready)).chain(beside.map(|type_| make(type_, "True"))).collect()
}

/// Since when the condition has had this status.
fn since(order: &PortalOrder, type_: &str, status: &str) -> Option<Time> {
    let live = order.status.iter().flat_map(|status| &status.conditions);
    live.into_iter().find(|c| c.type_ == type_ && c.status == status).map(|c| c.last_transition_time.clone())
}

fn says_already(order: &PortalOrder, wanted: &PortalOrderStatus) -> bool {
    let Some(mut live) = order.status.clone() else { return false };
    // Noted by the inbox, under its own field manager.
    live.conditions.retain(|condition| condition.type_ != condition::CONTENT_CONFLICT);
    live.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    let mut wanted = wanted.clone();
    wanted.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    live == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(status: Option<PortalOrderStatus>) -> PortalOrder {
        let mut order: PortalOrder = serde_json::from_value(json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "PortalOrder",
            "metadata": {"name": "o", "generation": 1},
            "spec": {"shop": "s", "number": "1", "customer": "1", "term": "Paid", "lines": [], "contentDigest": ""},
        }))
        .unwrap();
        order.status = status;
        order
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_same_outcome_later_is_what_the_record_says_already() {
        let held = Outcome::OnHold(vec![Hold::NoLines]);
        let first = wanted(&order(None), &held, at(1));
        let recorded = order(Some(first.clone()));
        assert!(says_already(&recorded, &wanted(&recorded, &held, at(1000))));
        assert!(!says_already(&recorded, &wanted(&recorded, &Outcome::Fulfilled(None), at(1000))));
    }

    #[test]
    fn a_held_order_is_stalled_and_a_fulfilled_one_ready() {
        let types = |outcome| {
            let status = wanted(&order(None), &outcome, at(1));
            status.conditions.into_iter().map(|c| format!("{}={}", c.type_, c.status)).collect::<Vec<_>>()
        };
        assert_eq!(types(Outcome::OnHold(vec![Hold::NoLines])), ["Ready=False", "Stalled=True"]);
        assert_eq!(types(Outcome::AwaitingPayment), ["Ready=False", "Reconciling=True"]);
        assert_eq!(types(Outcome::Fulfilled(None)), ["Ready=True"]);
    }

    #[test]
    fn a_message_with_hostile_text_stays_within_the_schema() {
        let hold = Hold::UnknownSku { line: 0, sku: "\u{10ffff}".repeat(100) };
        assert!(to_reason(&hold).message.chars().count() <= MESSAGE);
    }
}
