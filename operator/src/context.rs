//! What every reconcile is handed. I/O: holds the clients.

use std::{sync::Arc, time::Duration};

use ecqx_crds::{EcqxInstance, LicenseSet};
use ecqx_domain::settings::Settings;
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
    /// The provider's decisions.
    pub settings: Settings,
    /// What the provider decides for every PBX.
    pub pbx: PbxDefaults,
    /// The one clock.
    pub clock: Clock,
    /// Writes events.
    pub recorder: Recorder,
    /// The instances whose host name another holds.
    pub waiting: Arc<Waiting>,
    /// How often in a row an instance's reconcile failed.
    pub failed_instances: Failures<EcqxInstance>,
    /// How often in a row a licence set's report failed.
    pub failed_license_sets: Failures<LicenseSet>,
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
        clock: Clock,
    ) -> Result<Self, AgentError> {
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: None };
        Ok(Self {
            recorder: Recorder::new(client.clone(), reporter),
            agents: Agents::new()?,
            failed_instances: Failures::default(),
            failed_license_sets: Failures::default(),
            client,
            stores,
            waiting,
            settings,
            pbx,
            clock,
        })
    }
}

/// Notes a failure and says how long to wait: 1 s, 2 s, 4 s, up to a minute.
pub fn backoff<K>(failures: &Failures<K>, object: ObjectRef<K>, known: &Store<K>) -> Duration
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    let count = failures.change(object, known, |count| *count = count.saturating_add(1));
    Duration::from_secs(1 << count.saturating_sub(1).min(6)).min(LONGEST_BACKOFF)
}
