//! Wires watches to reconciles and runs them until told to stop. I/O: all of it.

use std::{fmt::Debug, sync::Arc, time::Duration};

use ecqx_domain::settings::Settings;
use futures::{FutureExt, Stream, StreamExt, channel::mpsc};
use kube::{
    Client, Resource,
    runtime::{
        applier,
        controller::{self, ReconcileRequest},
        reflector::ObjectRef,
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::AgentError,
    build::PbxDefaults,
    clock::Clock,
    context::Context,
    health::Ready,
    licensing, reconcile,
    watches::{Stores, Triggers, Waiting},
};

/// Several events of one object within this make one reconcile.
const DEBOUNCE: Duration = Duration::from_millis(5);
/// Instances that are worked on at one time.
const CONCURRENCY: u16 = 16;

/// Why the operator could not run.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// No client for the agents.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A watch ended.
    #[error("a watch has ended: {0}")]
    Watch(#[from] kube::runtime::reflector::store::WriterDropped),
}

/// Runs both controllers until `stop`; what is under way then is finished first.
///
/// # Errors
/// When they could not be started.
pub async fn run(
    client: Client,
    settings: Settings,
    pbx: PbxDefaults,
    clock: Clock,
    ready: Ready,
    stop: CancellationToken,
) -> Result<(), ControllerError> {
    let (instances, instance_triggers) = mpsc::unbounded();
    let (license_sets, license_triggers) = mpsc::unbounded();
    let waiting = Arc::<Waiting>::default();
    let stores = Stores::start(&client, &Triggers { instances, license_sets, waiting: waiting.clone() });
    tokio::select! {
        filled = stores.filled() => filled?,
        () = stop.cancelled() => return Ok(()),
    }
    let ctx = Arc::new(Context::new(client, stores.clone(), waiting, settings, pbx, clock)?);
    ready.store(true, std::sync::atomic::Ordering::Relaxed);
    tracing::info!(instances = stores.instances.len(), "watching");

    let config = || controller::Config::default().debounce(DEBOUNCE).concurrency(CONCURRENCY);
    let reconciles = applier(
        |instance, ctx| reconcile::reconcile(instance, ctx).boxed(),
        reconcile::on_error,
        ctx.clone(),
        stores.instances.clone(),
        until(instance_triggers, &stop),
        config(),
    );
    let reports = applier(
        |licenses, ctx| licensing::reconcile(licenses, ctx).boxed(),
        licensing::on_error,
        ctx.clone(),
        stores.license_sets.clone(),
        until(license_triggers, &stop),
        config(),
    );
    tokio::join!(drain(reconciles), drain(reports));
    Ok(())
}

/// The triggers until `stop`, as the applier takes them.
fn until<K: Resource<DynamicType = ()>>(
    triggers: impl Stream<Item = ObjectRef<K>>,
    stop: &CancellationToken,
) -> impl Stream<Item = Result<ReconcileRequest<K>, std::convert::Infallible>> {
    triggers.map(|object| Ok(ReconcileRequest::from(object))).take_until(stop.clone().cancelled_owned())
}

/// Reconciles report their own failures; what is left to tell is for debugging.
async fn drain<T: Debug, E: Debug>(results: impl Stream<Item = Result<T, E>>) {
    results.for_each(|result| async move { tracing::debug!(?result, "reconciled") }).await;
}
