//! Step one: gathers what is there. I/O: the stores, and one read of the Secret, which is not watched.

use std::sync::Arc;

use ecqx_crds::{EcqxInstance, LicenseSet, TrialClaim};
use ecqx_domain::{item::Item, lifecycle::Trial};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Pod, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use crate::{
    context::Context,
    names::Names,
    naming::endpoint::DnsEndpoint,
    trials,
    validate::{Known, LoadBalancerSeen, Passwords},
};

/// What is there of an instance.
pub struct Dereferenced {
    /// Its licences.
    pub licenses: Option<Arc<LicenseSet>>,
    /// The claim on its own trial, if it holds one.
    pub trial_claim: Option<Arc<TrialClaim>>,
    /// Its SIP passwords. They stay in here: nothing but the Secret's builder reads them.
    pub secret: Option<Secret>,
    /// Its limits file.
    pub config_map: Option<Arc<ConfigMap>>,
    /// Its Service.
    pub service: Option<Arc<Service>>,
    /// The Service of its load balancer.
    pub load_balancer: Option<Arc<Service>>,
    /// Its policy.
    pub network_policy: Option<Arc<NetworkPolicy>>,
    /// Its budget.
    pub disruption_budget: Option<Arc<PodDisruptionBudget>>,
    /// Its StatefulSet.
    pub stateful_set: Option<Arc<StatefulSet>>,
    /// Its pod.
    pub pod: Option<Arc<Pod>>,
    /// What was handed over to external-dns.
    pub dns_endpoint: Option<Arc<DnsEndpoint>>,
}

/// Why what is there could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {kind} {namespace}/{name}: {source}")]
pub struct DereferenceError {
    kind: &'static str,
    namespace: String,
    name: String,
    source: Unread,
}

/// What came in place of an object.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// No answer, or a refusal.
    #[error(transparent)]
    Api(Box<kube::Error>),
    /// An object of another version.
    #[error(
        "this version cannot read it, so the PBX stays as it is: {0}; mend the object, or run the operator that fits its definition"
    )]
    Unreadable(String),
}

impl Dereferenced {
    /// Whether anything is yet to be made.
    fn is_whole(&self) -> bool {
        self.config_map.is_some()
            && self.service.is_some()
            && self.network_policy.is_some()
            && self.disruption_budget.is_some()
            && self.stateful_set.is_some()
            && self.secret.is_some()
    }

    /// What bears on what is wanted.
    pub fn known(&self) -> Known<'_> {
        Known {
            licenses: self.licenses.as_deref(),
            trial: self.trial(),
            passwords: self.passwords(),
            files: self.config_map.as_deref(),
            load_balancer: self.load_balancer.as_deref().map(LoadBalancerSeen::of).unwrap_or_default(),
        }
    }

    /// The instance's trial as it is on record.
    fn trial(&self) -> Option<Trial> {
        self.trial_claim.as_deref().and_then(trials::period)
    }

    /// Which extensions have a password.
    fn passwords(&self) -> Passwords {
        Passwords::of(self.secret.iter().flat_map(|secret| secret.data.iter()).flat_map(|data| data.keys()))
    }
}

/// Gathers what is there of an instance; nothing when the instance itself has gone.
///
/// # Errors
/// When the Secret or the instance cannot be read.
pub async fn dereference(instance: &EcqxInstance, ctx: &Context) -> Result<Option<Dereferenced>, DereferenceError> {
    let (namespace, names) = (instance.namespace().unwrap_or_default(), Names::of(&instance.name_any()));
    let stores = &ctx.stores;
    let licenses = find(&stores.license_sets, &instance.name_any(), &namespace);
    if licenses.is_none() {
        readable_licenses(&instance.name_any(), &namespace, ctx)?;
    }
    let secrets: Api<Secret> = Api::namespaced(ctx.client.clone(), &namespace);
    let secret = secrets.get_opt(&names.sip()).await;
    let there = Dereferenced {
        licenses,
        trial_claim: trial_claim(instance, ctx),
        config_map: find(&stores.config_maps, &names.limits(), &namespace),
        service: find(&stores.services, &names.base(), &namespace),
        load_balancer: find(&stores.services, &names.load_balancer(), &namespace),
        network_policy: find(&stores.network_policies, &names.base(), &namespace),
        disruption_budget: find(&stores.disruption_budgets, &names.base(), &namespace),
        stateful_set: find(&stores.stateful_sets, &names.base(), &namespace),
        pod: find(&stores.pods, &names.pod(), &namespace),
        dns_endpoint: stores.dns_endpoints.as_ref().and_then(|store| find(store, &names.base(), &namespace)),
        secret: secret.map_err(unread("Secret", &namespace, &names.sip()))?,
    };
    // A view of the instance that is behind would make the children again that the garbage collector removes, without end.
    let is_there = there.is_whole() || is_there(instance, ctx).await?;
    Ok(is_there.then_some(there))
}

impl From<kube::Error> for Unread {
    fn from(error: kube::Error) -> Self {
        Self::Api(Box::new(error))
    }
}

/// Licences that cannot be read are not none: without them the limits would fall.
fn readable_licenses(name: &str, namespace: &str, ctx: &Context) -> Result<(), DereferenceError> {
    match ctx.stores.unreadable.reason::<LicenseSet>(name, namespace) {
        None => Ok(()),
        Some(why) => Err(unread("LicenseSet", namespace, name)(Unread::Unreadable(why))),
    }
}

fn unread<E: Into<Unread>>(kind: &'static str, namespace: &str, name: &str) -> impl FnOnce(E) -> DereferenceError {
    move |source| DereferenceError {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        source: source.into(),
    }
}

fn trial_claim(instance: &EcqxInstance, ctx: &Context) -> Option<Arc<TrialClaim>> {
    let name = trials::claim_name(instance, Item::Ecqx, ctx.settings.lifecycle.trial_scope);
    let claim = ctx.stores.trial_claims.get(&ObjectRef::new(&name));
    claim.filter(|claim| Some(&claim.spec.holder.uid) == instance.metadata.uid.as_ref())
}

async fn is_there(instance: &EcqxInstance, ctx: &Context) -> Result<bool, DereferenceError> {
    let (namespace, name) = (instance.namespace().unwrap_or_default(), instance.name_any());
    let instances: Api<EcqxInstance> = Api::namespaced(ctx.client.clone(), &namespace);
    let found = instances.get_metadata_opt(&name).await;
    let found = found.map_err(unread("EcqxInstance", &namespace, &name))?;
    Ok(found.is_some_and(|found| found.uid() == instance.uid() && found.metadata.deletion_timestamp.is_none()))
}

fn find<K: Resource<DynamicType = ()> + Clone>(store: &Store<K>, name: &str, namespace: &str) -> Option<Arc<K>> {
    store.get(&ObjectRef::new(name).within(namespace))
}
