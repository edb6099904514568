//! What the operator watches, kept as stores; every change names the instance or licence set that must be looked at. I/O: watches.

use std::{collections::BTreeSet, fmt::Debug, hash::Hash, sync::Arc, time::Duration};

use ecqx_crds::{EcqxInstance, FqdnClaim, Holder, LicenseSet, TrialClaim};
use futures::{Stream, StreamExt, channel::mpsc::UnboundedSender};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Pod, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use crate::{
    names,
    naming::{Naming, endpoint::DnsEndpoint},
    notes::Notes,
};

pub use readable::Unreadable;

mod readable;

/// A watch that fell silent is asked for anew after this many seconds; the library's own 290 would hide a dead one for long.
pub(crate) const WATCH_SECONDS: u32 = 110;

/// Makes a client give a connection up on which nothing comes: a server that vanished does not say so, and a request on its
/// connection would wait for as long as the system tries to send, a quarter of an hour.
pub fn notice_silence(config: &mut kube::Config) {
    // No watch in good health is silent for longer than it may last.
    config.read_timeout = Some(Duration::from_secs(u64::from(WATCH_SECONDS) + 10));
    config.reset_reader_on_write = true;
}

/// The objects of one instance can be found here without asking the API server.
#[derive(Clone)]
pub struct Stores {
    /// All instances.
    pub instances: Store<EcqxInstance>,
    /// All licence sets.
    pub license_sets: Store<LicenseSet>,
    /// All claims of names.
    pub claims: Store<FqdnClaim>,
    /// All claims of trials.
    pub trial_claims: Store<TrialClaim>,
    /// The operator's own.
    pub config_maps: Store<ConfigMap>,
    /// The operator's own.
    pub services: Store<Service>,
    /// The operator's own.
    pub network_policies: Store<NetworkPolicy>,
    /// The operator's own.
    pub disruption_budgets: Store<PodDisruptionBudget>,
    /// The operator's own.
    pub stateful_sets: Store<StatefulSet>,
    /// The PBX pods.
    pub pods: Store<Pod>,
    /// The operator's own, where names are handed over to external-dns.
    pub dns_endpoints: Option<Store<DnsEndpoint>>,
    /// Instances and licence sets that this version cannot read.
    pub unreadable: Arc<Unreadable>,
}

/// The claims that an instance waits for, by instance: full host names, and names of trials' claims.
pub type Waiting = Notes<EcqxInstance, BTreeSet<String>>;

/// Whether an object is there, as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    There,
    Gone,
}

/// Where changes are told.
#[derive(Clone)]
pub struct Triggers {
    /// Instances to look at.
    pub instances: UnboundedSender<ObjectRef<EcqxInstance>>,
    /// Licence sets to look at.
    pub license_sets: UnboundedSender<ObjectRef<LicenseSet>>,
    /// Claims of names to look at.
    pub claims: UnboundedSender<ObjectRef<FqdnClaim>>,
    /// Claims of trials to look at.
    pub trial_claims: UnboundedSender<ObjectRef<TrialClaim>>,
    /// Instances that are gone.
    pub gone: UnboundedSender<ObjectRef<EcqxInstance>>,
    /// Instances to look at when a name may have come free.
    pub waiting: Arc<Waiting>,
}

impl Triggers {
    fn instance(&self, name: &str, namespace: &str) {
        // The receiver goes only when the process stops; then there is nobody to tell.
        let _ = self.instances.unbounded_send(ObjectRef::new(name).within(namespace));
    }

    /// Those that wait for a claim.
    fn wake(&self, claim: &str) {
        for instance in self.waiting.with(|wanted| wanted.contains(claim)) {
            self.both(&instance.name, instance.namespace.as_deref().unwrap_or_default());
        }
    }

    /// One that is gone may leave its name to another of its namespace, and gives trials back that never started.
    fn seen_instance(&self, instance: &EcqxInstance, sight: Sight) {
        self.pair(instance);
        let held = instance.status.as_ref().and_then(|status| status.fqdn.as_ref());
        if let Some(fqdn) = held {
            let _ = self.claims.unbounded_send(ObjectRef::new(fqdn));
        }
        if sight == Sight::Gone {
            if let Some(fqdn) = held {
                self.wake(fqdn);
            }
            let _ = self.gone.unbounded_send(ObjectRef::from_obj(instance));
        }
    }

    fn seen_claim(&self, claim: &FqdnClaim) {
        self.instance(&claim.spec.holder.name, &claim.spec.holder.namespace);
        let _ = self.claims.unbounded_send(ObjectRef::from_obj(claim));
        self.wake(&claim.name_any());
    }

    fn seen_trial_claim(&self, claim: &TrialClaim) {
        self.both(&claim.spec.holder.name, &claim.spec.holder.namespace);
        let _ = self.trial_claims.unbounded_send(ObjectRef::from_obj(claim));
        self.wake(&claim.name_any());
    }

    fn both(&self, name: &str, namespace: &str) {
        self.instance(name, namespace);
        self.license_set(name, namespace);
    }

    /// Has the claims looked at of an instance that is gone.
    pub fn claims_of(&self, instance: &ObjectRef<EcqxInstance>, stores: &Stores) {
        let held =
            |holder: &Holder| holder.name == instance.name && Some(&holder.namespace) == instance.namespace.as_ref();
        for claim in stores.claims.state().iter().filter(|claim| held(&claim.spec.holder)) {
            let _ = self.claims.unbounded_send(ObjectRef::from_obj(claim.as_ref()));
        }
        for claim in stores.trial_claims.state().iter().filter(|claim| held(&claim.spec.holder)) {
            let _ = self.trial_claims.unbounded_send(ObjectRef::from_obj(claim.as_ref()));
        }
    }

    /// Has everything looked at, as after a jump of the clock.
    pub fn everything(&self, stores: &Stores) {
        stores.instances.state().iter().for_each(|instance| self.pair(instance.as_ref()));
        stores.license_sets.state().iter().for_each(|licenses| self.pair(licenses.as_ref()));
        for claim in stores.claims.state() {
            let _ = self.claims.unbounded_send(ObjectRef::from_obj(claim.as_ref()));
        }
    }

    fn license_set(&self, name: &str, namespace: &str) {
        let _ = self.license_sets.unbounded_send(ObjectRef::new(name).within(namespace));
    }

    /// A licence set bears on the instance of its name, and an instance on the licence set of its.
    fn pair<K: Resource>(&self, object: &K) {
        if let (Some(name), Some(namespace)) = (&object.meta().name, &object.meta().namespace) {
            self.both(name, namespace);
        }
    }
}

fn child<K: Resource>(triggers: &Triggers, object: &K, _: Sight) {
    let name = object.labels().get(names::INSTANCE);
    if let (Some(name), Some(namespace)) = (name, &object.meta().namespace) {
        triggers.instance(name, namespace);
    }
}

impl Stores {
    /// Starts all watches. They end with the process, and outlive any outage of the API server.
    pub fn start(client: &Client, triggers: &Triggers, naming: &Naming) -> Self {
        let own = || watcher::Config::default().labels(names::MANAGED_SELECTOR);
        let any = watcher::Config::default;
        let unreadable = Arc::<Unreadable>::default();
        Self {
            instances: follow_each(client, &unreadable, triggers, Triggers::seen_instance),
            license_sets: follow_each(client, &unreadable, triggers, |triggers, set, _| triggers.pair(set)),
            unreadable,
            claims: follow(Api::all(client.clone()), any(), triggers, |triggers, claim, _| triggers.seen_claim(claim)),
            trial_claims: follow(Api::all(client.clone()), any(), triggers, |triggers, claim, _| {
                triggers.seen_trial_claim(claim);
            }),
            config_maps: follow(Api::all(client.clone()), own(), triggers, child),
            services: follow(Api::all(client.clone()), own(), triggers, child),
            network_policies: follow(Api::all(client.clone()), own(), triggers, child),
            disruption_budgets: follow(Api::all(client.clone()), own(), triggers, child),
            stateful_sets: follow(Api::all(client.clone()), own(), triggers, child),
            pods: follow(Api::all(client.clone()), own(), triggers, child),
            dns_endpoints: naming.hands_over.then(|| follow(Api::all(client.clone()), own(), triggers, child)),
        }
    }

    /// Waits until every store has been filled once: before that, absent means nothing. Not for the objects of external-dns, whose kind
    /// may not be installed.
    ///
    /// # Errors
    /// When a watch has ended, which only a fault in this program brings about.
    pub async fn filled(&self) -> Result<(), reflector::store::WriterDropped> {
        self.instances.wait_until_ready().await?;
        self.license_sets.wait_until_ready().await?;
        self.claims.wait_until_ready().await?;
        self.trial_claims.wait_until_ready().await?;
        self.config_maps.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.network_policies.wait_until_ready().await?;
        self.disruption_budgets.wait_until_ready().await?;
        self.stateful_sets.wait_until_ready().await?;
        self.pods.wait_until_ready().await
    }
}

/// Watches one kind into a store and tells of each object that came, changed or went.
fn follow<K>(api: Api<K>, config: watcher::Config, triggers: &Triggers, tell: fn(&Triggers, &K, Sight)) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Hash + Eq,
{
    let (store, writer) = reflector::store();
    let changes = watcher(api, config.timeout(WATCH_SECONDS)).default_backoff();
    keep(changes, writer, triggers, tell);
    store
}

/// The same for what people write: an object that this version cannot read costs the others nothing.
fn follow_each<K>(
    client: &Client,
    unreadable: &Arc<Unreadable>,
    triggers: &Triggers,
    tell: fn(&Triggers, &K, Sight),
) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let api = Api::<DeserializeGuard<K>>::all(client.clone());
    let changes = watcher(api, watcher::Config::default().timeout(WATCH_SECONDS)).default_backoff();
    keep(readable::readable(changes, store.clone(), Arc::clone(unreadable)), writer, triggers, tell);
    store
}

/// Keeps a store up to date, and tells of each change, for as long as the process runs.
fn keep<K>(
    changes: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
    writer: Writer<K>,
    triggers: &Triggers,
    tell: fn(&Triggers, &K, Sight),
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
{
    let (triggers, changes) = (triggers.clone(), changes.modify(slim).reflect(writer));
    tokio::spawn(changes.for_each(move |change| {
        match change {
            Ok(Event::Apply(object) | Event::InitApply(object)) => tell(&triggers, &object, Sight::There),
            Ok(Event::Delete(object)) => tell(&triggers, &object, Sight::Gone),
            Ok(Event::Init | Event::InitDone) => {}
            // The stream goes on by itself, with backoff; the store keeps what it knew.
            Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "watch interrupted; trying again"),
        }
        std::future::ready(())
    }));
}

/// Field ownership is never read here, and is often larger than the object.
fn slim<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
}
