//! Wires watches to reconciles and runs them until told to stop. I/O: all of it.

use std::{fmt::Debug, pin::pin, sync::Arc, time::Duration};

use ecqx_crds::EcqxInstance;
use ecqx_domain::settings::Settings;
use futures::{FutureExt, Stream, StreamExt, channel::mpsc};
use kube::{
    Client, Resource,
    runtime::{
        applier,
        controller::{self, Action, ReconcileRequest},
        reflector::{ObjectRef, Store},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::AgentError,
    build::PbxDefaults,
    clock::Clock,
    context::Context,
    health::Ready,
    licensing,
    naming::Naming,
    reconcile, reservation, trials,
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

/// Runs all controllers until `stop`; what is under way then is finished first.
///
/// # Errors
/// When they could not be started.
pub async fn run(
    client: Client,
    settings: Settings,
    pbx: PbxDefaults,
    naming: Naming,
    clock: Clock,
    ready: Ready,
    stop: CancellationToken,
) -> Result<(), ControllerError> {
    let (instances, instance_triggers) = mpsc::unbounded();
    let (license_sets, license_triggers) = mpsc::unbounded();
    let (claims, claim_triggers) = mpsc::unbounded();
    let (trial_claims, trial_claim_triggers) = mpsc::unbounded();
    let (gone, gone_instances) = mpsc::unbounded();
    let waiting = Arc::<Waiting>::default();
    let triggers = Triggers { instances, license_sets, claims, trial_claims, gone, waiting: waiting.clone() };
    let stores = Stores::start(&client, &triggers, &naming);
    tokio::select! {
        filled = stores.filled() => filled?,
        () = stop.cancelled() => return Ok(()),
    }
    let ctx = Arc::new(Context::new(client, stores.clone(), waiting, settings, pbx, naming, clock)?);
    ready.store(true, std::sync::atomic::Ordering::Relaxed);
    tracing::info!(instances = stores.instances.len(), "watching");
    tokio::join!(
        control((reconcile::reconcile, reconcile::on_error), &stores.instances, instance_triggers, &ctx, &stop),
        control((licensing::reconcile, licensing::on_error), &stores.license_sets, license_triggers, &ctx, &stop),
        control((reservation::reconcile, reservation::on_error), &stores.claims, claim_triggers, &ctx, &stop),
        control((trials::reconcile, trials::on_error), &stores.trial_claims, trial_claim_triggers, &ctx, &stop),
        look_after_jumps(&ctx, &triggers, &stop),
        look_after_the_gone(gone_instances, &triggers, &stores, &stop),
    );
    Ok(())
}

/// A clock that was set makes everything be looked at: dates may have come, or lie ahead again.
async fn look_after_jumps(ctx: &Context, triggers: &Triggers, stop: &CancellationToken) {
    while let Some(jump) = stop.run_until_cancelled(ctx.clock.jump()).await {
        tracing::warn!(seconds = jump.as_secs(), now = %ctx.clock.now(), "the clock was set; looking at everything again");
        triggers.everything(&ctx.stores);
    }
}

/// The claims of an instance that is gone: its name is reserved from now on, and a trial that never started is given back.
async fn look_after_the_gone(
    gone: impl Stream<Item = ObjectRef<EcqxInstance>>,
    triggers: &Triggers,
    stores: &Stores,
    stop: &CancellationToken,
) {
    let mut gone = pin!(gone.take_until(stop.cancelled()));
    while let Some(instance) = gone.next().await {
        triggers.claims_of(&instance, stores);
    }
}

/// Runs one controller until `stop`: its triggers, through a queue, to its reconcile.
async fn control<K, E, F>(
    (reconcile, on_error): (impl Fn(Arc<K>, Arc<Context>) -> F, impl Fn(Arc<K>, &E, Arc<Context>) -> Action),
    store: &Store<K>,
    triggers: impl Stream<Item = ObjectRef<K>>,
    ctx: &Arc<Context>,
    stop: &CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    E: std::error::Error + Send + 'static,
    F: Future<Output = Result<Action, E>> + Send + 'static,
{
    let config = controller::Config::default().debounce(DEBOUNCE).concurrency(CONCURRENCY);
    let reconcile = |object, ctx| reconcile(object, ctx).boxed();
    drain(applier(reconcile, on_error, Arc::clone(ctx), store.clone(), until(triggers, stop), config)).await;
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
