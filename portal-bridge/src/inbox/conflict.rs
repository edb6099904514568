//! The note on an order that its number was used again with other content. I/O: the API server.

use ecqx_crds::{PortalOrder, condition};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::InboxError;
use crate::bridge::Bridge;

/// A manager apart from that of the order's state: each applies its own conditions and neither removes the other's.
const FIELD_MANAGER: &str = "ecqx-portal-bridge-inbox";

/// Notes it once; the note says nothing of the delivery, so every further one finds it already there.
pub(super) async fn note(bridge: &Bridge, name: &str) -> Result<(), InboxError> {
    let _turn = bridge.notes.lock().await;
    let orders = bridge.orders();
    let Some(live) = orders.get_opt(name).await.map_err(InboxError::api("read", name))? else { return Ok(()) };
    if is_noted(&live) {
        return Ok(());
    }
    tracing::warn!(order = name, "the order's number was delivered again with other content; refused");
    let note = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1",
        "kind": "PortalOrder",
        "status": {"conditions": [condition(live.metadata.generation)]},
    });
    let written = orders.patch_status(name, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(&note)).await;
    written.map(|_| ()).map_err(InboxError::api("note a refused delivery on", name))
}

fn is_noted(order: &PortalOrder) -> bool {
    let conditions = order.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|condition| condition.type_ == condition::CONTENT_CONFLICT)
}

fn condition(generation: Option<i64>) -> Condition {
    Condition {
        type_: condition::CONTENT_CONFLICT.to_owned(),
        status: "True".to_owned(),
        reason: condition::reason::OTHER_CONTENT.to_owned(),
        message:
            "the same number was delivered again with other content, and refused; this order stands as it was first \
                  received. Place a new order for what has changed"
                .to_owned(),
        observed_generation: generation,
        last_transition_time: Time(Timestamp::now()),
    }
}
