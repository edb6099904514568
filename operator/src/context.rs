//! What every reconcile is handed. I/O: holds the clients.

use std::{sync::Arc, time::Duration};

use ecqx_crds::{EcqxInstance, FqdnClaim, LicenseSet, TrialClaim};
use ecqx_domain::settings::Settings;
use jiff::Timestamp;
use kube::{
    Client,
    runtime::{
        events::{Recorder, Reporter},
        reflector::{Lookup, ObjectRef, Store},
    },
};

use crate::{
    agent::{AgentError, Agents},
    build::PbxDefaults,
    clock::Clock,
    names,
    naming::Naming,
    notes::Notes,
    watches::{Stores, Waiting},
};

/// The longest time between two looks at the same object; dates are derived anew at each.
pub const LONGEST_REQUEUE: Duration = Duration::from_mins(5);
/// How long one look may take. An answer that never comes must not keep the object, and a place in the queue, for ever.
pub const LONGEST_LOOK: Duration = Duration::from_secs(20);
/// The longest wait after a failure.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// What every reconcile is handed.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What is there, as watched.
    pub stores: Stores,
    /// The agents in the pods.
    pub agents: Agents,
    /// Where names come from.
    pub naming: Naming,
    /// The provider's decisions.
    pub settings: Settings,
    /// What the provider decides for every PBX.
    pub pbx: PbxDefaults,
    /// The one clock.
    pub clock: Clock,
    /// Writes events.
    pub recorder: Recorder,
    /// The instances whose host name or trial another holds, or has held.
    pub waiting: Arc<Waiting>,
    /// How often in a row an instance's reconcile failed.
    pub failed_instances: Failures<EcqxInstance>,
    /// How often in a row a licence set's report failed.
    pub failed_license_sets: Failures<LicenseSet>,
    /// How often in a row a name's claim could not be brought up to date.
    pub failed_claims: Failures<FqdnClaim>,
    /// How often in a row a trial's claim could not be given back.
    pub failed_trial_claims: Failures<TrialClaim>,
}

/// How often in a row each object's reconcile failed.
pub type Failures<K> = Notes<K, u32>;

impl Context {
    /// A context over running watches.
    ///
    /// # Errors
    /// When the HTTP client for the agents cannot be made.
    pub fn new(
        client: Client,
        stores: Stores,
        waiting: Arc<Waiting>,
        settings: Settings,
        pbx: PbxDefaults,
        naming: Naming,
        clock: Clock,
    ) -> Result<Self, AgentError> {
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: None };
        Ok(Self {
            recorder: Recorder::new(client.clone(), reporter),
            agents: Agents::new()?,
            failed_instances: Failures::default(),
            failed_license_sets: Failures::default(),
            failed_claims: Failures::default(),
            failed_trial_claims: Failures::default(),
            client,
            stores,
            waiting,
            settings,
            pbx,
            naming,
            clock,
        })
    }
}

impl Context {
    /// Has the instance looked at when that claim changes or goes.
    pub fn waits_for(&self, instance: ObjectRef<EcqxInstance>, claim: &str) {
        self.waiting.change(instance, &self.stores.instances, |claims| claims.extend([claim.to_owned()]));
    }

    /// The instance has it.
    pub fn waits_no_more(&self, instance: &ObjectRef<EcqxInstance>, claim: &str) {
        let waits_for = self
            .waiting
            .change(instance.clone(), &self.stores.instances, |claims| claims.retain(|other| other != claim));
        if waits_for.is_empty() {
            self.waiting.forget(instance);
        }
    }
}

/// How soon to look again after a write that another was ahead of: the view is behind, and catches up in moments.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);

/// How long to wait for an instant: a millisecond late rather than early, since early would find nothing due. The timer is an
/// optimisation: dates are derived anew at each look, and one comes at the latest after minutes.
pub fn until(instant: Option<Timestamp>, now: Timestamp) -> Duration {
    // One that has passed meanwhile is due at once.
    let wait = instant.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO));
    wait.map_or(LONGEST_REQUEUE, |wait| wait.saturating_add(Duration::from_millis(1)).min(LONGEST_REQUEUE))
}

/// An instant as the API keeps it: in whole seconds.
pub fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// An instant as a first sight is recorded.
pub fn to_the_microsecond(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Notes a failure and says how long to wait: 1 s, 2 s, 4 s, up to a minute.
pub fn backoff<K>(failures: &Failures<K>, object: ObjectRef<K>, known: &Store<K>) -> Duration
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    doubling(Duration::from_secs(1), failures, object, known)
}

/// The same after a conflict: 100 ms, 200 ms, up to a minute, for a view that does not catch up either.
pub fn after_conflict<K>(failures: &Failures<K>, object: ObjectRef<K>, known: &Store<K>) -> Duration
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    doubling(AFTER_CONFLICT, failures, object, known)
}

fn doubling<K>(first: Duration, failures: &Failures<K>, object: ObjectRef<K>, known: &Store<K>) -> Duration
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    let count = failures.change(object, known, |count| *count = count.saturating_add(1));
    first.saturating_mul(1 << count.saturating_sub(1).min(10)).min(LONGEST_BACKOFF)
}
