//! What an order is judged against: the reseller's own objects, and whether the wanted name is free. I/O: reads only.

use std::{collections::BTreeMap, fmt::Debug};

use ecqx_crds::{EcqxInstance, FqdnClaim, Holder, InstanceRef, InstanceTerm, LicenseSet, PortalOrder};
use ecqx_domain::{
    feature::Feature,
    hostname::Label,
    order::{Instance, Order, OrderTerm, Portfolio, names, wanted_hostname},
};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Namespace};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, Object},
    core::{ApiResource, NotUsed},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{FulfilError, ORDER_ANNOTATION};
use crate::bridge::Bridge;

/// How many instances are read at a time.
const PAGE: u32 = 500;

/// What there is around an order. Read from the API server itself, never from a cache: the order before this one, handled a
/// moment ago, has to show.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The reseller's namespace.
    pub namespace: String,
    /// Whether the namespace exists.
    pub namespace_exists: bool,
    /// The reseller's instances.
    pub instances: Vec<EcqxInstance>,
    /// Their licence sets.
    pub license_sets: Vec<LicenseSet>,
    hostname_taken: bool,
}

/// Of an instance anywhere in the cluster, all that may be looked at: its host name.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct HostnameOnly {
    hostname: String,
}

pub(super) async fn dereference(
    bridge: &Bridge,
    name: &str,
    order: &PortalOrder,
    asked: &Order,
) -> Result<Surroundings, FulfilError> {
    let namespace = names::reseller_namespace(&order.spec.customer);
    let label = wanted_hostname(asked, &bridge.settings, &bridge.config.skus);
    // All at once: an order is answered when it has taken effect, and each read is a way there and back.
    let (namespace_exists, instances, license_sets, held) = tokio::try_join!(
        exists(bridge, &namespace),
        list(bridge, &namespace, "EcqxInstances of"),
        list(bridge, &namespace, "LicenseSets of"),
        is_held(bridge, label.as_ref(), &namespace),
    )?;
    let mut around = Surroundings { namespace, namespace_exists, instances, license_sets, hostname_taken: false };
    if let Some(label) = label
        && around.own_instance(name).is_none()
    {
        around.hostname_taken = held || around.has_instance(&names::instance(&label));
    }
    Ok(around)
}

async fn exists(bridge: &Bridge, namespace: &str) -> Result<bool, FulfilError> {
    let namespaces: Api<Namespace> = Api::all(bridge.client.clone());
    let found = namespaces.get_metadata_opt(namespace).await;
    Ok(found.map_err(FulfilError::api("read", "Namespace", namespace))?.is_some())
}

async fn list<K>(bridge: &Bridge, namespace: &str, what: &'static str) -> Result<Vec<K>, FulfilError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = Api::namespaced(bridge.client.clone(), namespace);
    let listed = api.list(&ListParams::default()).await;
    Ok(listed.map_err(FulfilError::api("list", what, namespace))?.items)
}

/// Whether anything holds the wanted name, be it the order's own instance.
async fn is_held(bridge: &Bridge, label: Option<&Label>, namespace: &str) -> Result<bool, FulfilError> {
    let Some(label) = label else { return Ok(false) };
    let (claimed, wanted) = tokio::try_join!(is_claimed(bridge, label, namespace), is_wanted_anywhere(bridge, label))?;
    Ok(claimed || wanted)
}

/// Whether the name is claimed by anything but an instance of the object name that this order would give. A name that an
/// instance of this reseller held before, under that object name, is the reseller's to use again.
async fn is_claimed(bridge: &Bridge, label: &Label, namespace: &str) -> Result<bool, FulfilError> {
    let fqdn = bridge.settings.fqdn(label);
    let claims: Api<FqdnClaim> = Api::all(bridge.client.clone());
    let claim = claims.get_opt(&fqdn).await.map_err(FulfilError::api("read", "FqdnClaim", &fqdn))?;
    let own = |holder: &Holder| holder.namespace == namespace && holder.name == names::instance(label);
    Ok(claim.is_some_and(|claim| !own(&claim.spec.holder)))
}

/// Whether an instance anywhere wants the name, claimed or not yet.
async fn is_wanted_anywhere(bridge: &Bridge, label: &Label) -> Result<bool, FulfilError> {
    let kind = ApiResource::erase::<EcqxInstance>(&());
    let everywhere: Api<Object<HostnameOnly, NotUsed>> = Api::all_with(bridge.client.clone(), &kind);
    let mut page = ListParams::default().limit(PAGE).fields(&format!("spec.hostname={label}"));
    loop {
        let seen = everywhere.list(&page).await;
        let seen = seen.map_err(FulfilError::api("list", "EcqxInstances for host name", label.as_str()))?;
        if seen.items.iter().any(|instance| instance.spec.hostname == label.as_str()) {
            return Ok(true);
        }
        match seen.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(false),
        }
    }
}

impl Surroundings {
    /// The instance that this very order made, if it was cut off after that.
    pub fn own_instance(&self, order: &str) -> Option<&EcqxInstance> {
        self.instances.iter().find(|instance| is_of_order(*instance, order))
    }

    fn has_instance(&self, name: &str) -> bool {
        self.instances.iter().any(|instance| instance.name_any() == name)
    }

    /// The instance, if all that the order brings about is there already and only the record is missing: its licence set is
    /// what is written last, and in one piece.
    pub fn finished(&self, order: &str) -> Option<InstanceRef> {
        let granted = |set: &LicenseSet| set.spec.grants.iter().any(|grant| grant.order_ref.as_deref() == Some(order));
        let set = self.license_sets.iter().find(|set| is_of_order(*set, order) || granted(set))?;
        Some(InstanceRef { namespace: self.namespace.clone(), name: set.name_any() })
    }

    /// What the domain judges the order against.
    pub fn portfolio(&self, order: &str) -> Portfolio {
        let instances = self.instances.iter().filter(|instance| !is_of_order(*instance, order));
        Portfolio {
            instances: instances.map(|instance| self.to_domain(instance)).collect(),
            hostname_taken: self.hostname_taken,
        }
    }

    fn to_domain(&self, instance: &EcqxInstance) -> Instance {
        let name = instance.name_any();
        let mut granted: BTreeMap<Feature, u64> = BTreeMap::new();
        for grant in self.license_sets.iter().filter(|set| set.name_any() == name).flat_map(|set| &set.spec.grants) {
            let sum = granted.entry(grant.feature).or_default();
            *sum = sum.saturating_add(u64::try_from(grant.quantity).unwrap_or(0));
        }
        Instance {
            name,
            hostname: instance.spec.hostname.clone(),
            display_name: instance.spec.display_name.clone(),
            unique_id: instance.status.as_ref().and_then(|status| status.unique_id.clone()),
            term: match instance.spec.term {
                InstanceTerm::Trial => OrderTerm::Trial,
                InstanceTerm::Paid => OrderTerm::Paid,
            },
            granted,
        }
    }
}

fn is_of_order(object: &impl Resource, order: &str) -> bool {
    object.meta().annotations.as_ref().and_then(|all| all.get(ORDER_ANNOTATION)).is_some_and(|of| of == order)
}
