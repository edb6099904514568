//! Finishes what a restart, an outage or a hand on a record left undone. I/O: the API server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ecqx_crds::PortalOrder;
use futures::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        Controller,
        controller::{Action, Config},
        watcher,
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    bridge::Bridge,
    fulfil::{self, FulfilError},
};

/// How many orders are settled at once.
const AT_ONCE: u16 = 8;

/// The controller of the orders in a namespace; its store is what the rest of the bridge looks at first.
pub fn controller(client: Client, orders_namespace: &str) -> Controller<PortalOrder> {
    Controller::new(Api::namespaced(client, orders_namespace), watcher::Config::default())
        .with_config(Config::default().concurrency(AT_ONCE))
}

struct Context {
    bridge: Arc<Bridge>,
    failures: Mutex<HashMap<String, u32>>,
}

/// Runs until `stop`, and then lets the order in hand end.
///
/// An order is looked at on start and on each change of its record. One that is held is left alone otherwise: what holds it
/// needs a person, and whoever has cleared it delivers the order again, touches its record or restarts the bridge.
pub async fn run(bridge: Arc<Bridge>, controller: Controller<PortalOrder>, stop: CancellationToken) {
    let context = Arc::new(Context { bridge, failures: Mutex::default() });
    controller
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, retry, context)
        .for_each(|result| async {
            if let Err(error) = result {
                tracing::warn!(%error, "an order is not settled yet");
            }
        })
        .await;
}

async fn reconcile(order: Arc<PortalOrder>, context: Arc<Context>) -> Result<Action, FulfilError> {
    let name = order.name_any();
    if !fulfil::is_settled(&order) {
        fulfil::settle(&context.bridge, &order).await?;
    }
    context.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    Ok(Action::await_change())
}

#[allow(clippy::needless_pass_by_value)] // the signature is the controller's
/// Waits twice as long after each failure of the same order: 1 s up to about a minute.
fn retry(order: Arc<PortalOrder>, _: &FulfilError, context: Arc<Context>) -> Action {
    let mut failures = context.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let count = failures.entry(order.name_any()).or_default();
    let wait = Duration::from_secs(1 << (*count).min(6));
    *count += 1;
    Action::requeue(wait)
}
