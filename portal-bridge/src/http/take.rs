//! Takes an order in: records it, and waits a moment for what comes of it. I/O: the API server.

use std::{sync::Arc, time::Duration};

use ecqx_crds::{PortalOrder, PortalOrderSpec};
use tokio::time::timeout;

use super::answer::Refusal;
use crate::{
    bridge::Bridge,
    fulfil,
    inbox::{self, Recorded},
};

/// How long an answer waits for the order to be recorded.
const RECORD: Duration = Duration::from_secs(10);
/// How long an answer waits for what comes of the order; after that it says that the order was received.
const SETTLE: Duration = Duration::from_secs(2);

/// An order that is recorded.
pub(super) struct Taken {
    /// As far as it has come.
    pub order: PortalOrder,
    /// Whether this delivery was the first.
    pub first: bool,
}

pub(super) async fn take(bridge: &Arc<Bridge>, spec: PortalOrderSpec) -> Result<Taken, Refusal> {
    let recorded = match timeout(RECORD, inbox::record(bridge, spec)).await {
        Ok(Ok(recorded)) => recorded,
        Ok(Err(error)) => {
            tracing::error!(%error, "a delivery could not be recorded");
            return Err(Refusal::Unavailable);
        }
        Err(_) => return Err(Refusal::Unavailable),
    };
    match recorded {
        Recorded::Conflict { name } => Err(Refusal::Conflict { order: name }),
        Recorded::Order { order, first } => Ok(Taken { order: settle(bridge, *order).await, first }),
    }
}

async fn settle(bridge: &Arc<Bridge>, order: PortalOrder) -> PortalOrder {
    if fulfil::is_settled(&order) {
        return order;
    }
    let (seen, worker) = (order.clone(), Arc::clone(bridge));
    // On a task of its own: a client that hangs up, or the time that is up, must not cut it off between two writes.
    let settling = tokio::spawn(async move { fulfil::settle(&worker, &seen).await });
    match timeout(SETTLE, settling).await {
        Ok(Ok(Ok(Some(settled)))) => settled,
        Ok(Ok(Err(error))) => {
            tracing::warn!(%error, "an order is recorded but not settled; the controller goes on with it");
            order
        }
        _ => order,
    }
}
