//! What an order is judged against: the reseller's own objects, whether the wanted name is free, and which trials were used.
//! I/O: reads only.

use std::{collections::BTreeSet, fmt::Debug};

use ecqx_crds::{Change, EcqxInstance, FqdnClaim, Holder, InstanceRef, LicenseSet, TrialClaim, condition};
use ecqx_domain::{
    hostname::Label,
    order::{Decision, Item, Order, Portfolio, SkuMap, names, wanted_hostname, wanted_trials},
};
use futures::future::try_join_all;
use k8s_openapi::{
    NamespaceResourceScope, api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, Object},
    core::ApiResource,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{CONVERTED_BY_ANNOTATION, FulfilError, ORDER_ANNOTATION};
use crate::bridge::Bridge;

mod portfolio;

/// How many instances are read at a time.
const PAGE: u32 = 500;

/// What there is around an order. Read from the API server itself, never from a cache: the order before this one, handled a
/// moment ago, has to show.
#[derive(Debug)]
pub(super) struct Surroundings {
    order: String,
    /// The reseller's namespace.
    pub namespace: String,
    /// Whether the namespace exists.
    pub namespace_exists: bool,
    instances: Vec<EcqxInstance>,
    license_sets: Vec<LicenseSet>,
    /// What the domain judges the order against.
    pub portfolio: Portfolio,
}

/// Of an instance anywhere in the cluster, all that may be looked at: its host name, and whether it holds it.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct HostnameOnly {
    hostname: String,
}

/// What the operator has found of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Judged {
    #[serde(default)]
    conditions: Vec<Condition>,
}

type Wanting = Object<HostnameOnly, Judged>;

pub(super) async fn dereference(
    bridge: &Bridge,
    order: &str,
    asked: &Order,
    now: Timestamp,
) -> Result<Surroundings, FulfilError> {
    let namespace = names::reseller_namespace(&asked.customer);
    let label = wanted_hostname(asked, &bridge.settings, &bridge.config.skus);
    // All at once: an order is answered when it has taken effect, and each read is a way there and back.
    let (namespace_exists, instances, license_sets, held) = tokio::try_join!(
        exists(bridge, &namespace),
        list(bridge, &namespace, "EcqxInstances of"),
        list(bridge, &namespace, "LicenseSets of"),
        is_held(bridge, label.as_ref(), &namespace),
    )?;
    let order = order.to_owned();
    let portfolio = Portfolio::default();
    let mut around = Surroundings { order, namespace, namespace_exists, instances, license_sets, portfolio };
    around.portfolio.instances = around.domain_instances(&bridge.settings, now);
    if let Some(label) = label
        && around.own_instance().is_none()
    {
        around.portfolio.hostname_taken = held || around.instance(&names::instance(&label)).is_some();
    }
    around.portfolio.used_trials = used_trials(bridge, asked, &around).await?;
    Ok(around)
}

/// The records of used trials, as far as the order wants the same: those that there are, and those that the reseller's
/// instances will get.
async fn used_trials(bridge: &Bridge, asked: &Order, around: &Surroundings) -> Result<BTreeSet<String>, FulfilError> {
    let wanted = wanted_trials(asked, &around.portfolio, &bridge.settings, &bridge.config.skus);
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let claims: Api<TrialClaim> = Api::all(bridge.client.clone());
    let look_up = |name: String| {
        let claims = claims.clone();
        async move { claims.get_opt(&name).await.map_err(FulfilError::api("read", "TrialClaim", &name)) }
    };
    let found = try_join_all(wanted.into_values().map(look_up)).await?;
    let used = found.into_iter().flatten().filter(|claim| !around.is_own(&claim.spec.holder));
    let mut names: BTreeSet<String> = used.map(|claim| claim.name_any()).collect();
    names.extend(around.trials_in_specs(bridge.settings.lifecycle.trial_scope));
    Ok(names)
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

/// Whether an instance anywhere will claim the name: one that the operator has not looked at, or that holds it. One that was looked at
/// and holds no name, such as one whose trial was refused or whose reservation is over, stands in nobody's way: the claim decides.
async fn is_wanted_anywhere(bridge: &Bridge, label: &Label) -> Result<bool, FulfilError> {
    let kind = ApiResource::erase::<EcqxInstance>(&());
    let everywhere: Api<Wanting> = Api::all_with(bridge.client.clone(), &kind);
    let mut page = ListParams::default().limit(PAGE).fields(&format!("spec.hostname={label}"));
    loop {
        let seen = everywhere.list(&page).await;
        let seen = seen.map_err(FulfilError::api("list", "EcqxInstances for host name", label.as_str()))?;
        if seen.items.iter().any(|instance| instance.spec.hostname == label.as_str() && may_hold(instance)) {
            return Ok(true);
        }
        match seen.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(false),
        }
    }
}

fn may_hold(instance: &Wanting) -> bool {
    let conditions = instance.status.as_ref().map(|status| &*status.conditions).unwrap_or_default();
    let claimed = |c: &Condition| c.type_ == condition::HOSTNAME_CLAIMED && c.status == "True";
    conditions.is_empty() || conditions.iter().any(claimed)
}

impl Surroundings {
    /// The instance that this very order made, if it was cut off after that.
    pub fn own_instance(&self) -> Option<&EcqxInstance> {
        self.instances.iter().find(|instance| self.is_of_order(*instance, ORDER_ANNOTATION))
    }

    /// The instance that this very order converted, if it was cut off after that.
    pub fn converted_instance(&self) -> Option<&EcqxInstance> {
        self.instances.iter().find(|instance| self.is_of_order(*instance, CONVERTED_BY_ANNOTATION))
    }

    /// The reseller's instance of that name.
    pub fn instance(&self, name: &str) -> Option<&EcqxInstance> {
        self.instances.iter().find(|instance| instance.name_any() == name)
    }

    /// The instance, if all that the order brings about is there already and only the record is missing: its licence set is
    /// what is written last, and in one piece; a conversion that grants nothing writes the instance alone.
    pub fn finished(&self, asked: &Order, skus: &SkuMap) -> Option<InstanceRef> {
        let of_order = |grant: &ecqx_crds::Grant| grant.order_ref.as_ref() == Some(&self.order);
        let granted = |set: &&LicenseSet| set.spec.grants.iter().any(of_order);
        let set = self.license_sets.iter().find(|set| self.is_of_order(*set, ORDER_ANNOTATION) || granted(set));
        let name = set.map(ResourceExt::name_any).or_else(|| {
            let grants = asked.lines.iter().any(|line| matches!(skus.item(&line.sku), Some(Item::Feature(_))));
            self.converted_instance().filter(|_| !grants).map(ResourceExt::name_any)
        })?;
        Some(InstanceRef { namespace: self.namespace.clone(), name })
    }

    /// Whether less was asked of what is granted at this very moment or, by another clock, after it.
    pub fn is_asked_for_less(&self, decision: &Decision, now: Timestamp) -> bool {
        let (Decision::AddOn { instance, grants } | Decision::Conversion { instance, grants }) = decision else {
            return false;
        };
        let asked_now = |change: &&Change| change.requested_at.as_ref().is_some_and(|at| at.0 >= now);
        let sets = self.license_sets.iter().filter(|set| set.name_any() == *instance);
        let asked = sets.flat_map(|set| &set.spec.changes).filter(asked_now).map(|change| change.service);
        asked.into_iter().any(|service| grants.iter().any(|grant| Item::Feature(grant.feature) == service))
    }

    /// Whether that is the instance that this very order made.
    fn is_own(&self, holder: &Holder) -> bool {
        let own = self.own_instance().and_then(|instance| instance.metadata.uid.as_deref());
        holder.namespace == self.namespace && own == Some(holder.uid.as_str())
    }

    fn is_of_order(&self, object: &impl Resource, annotation: &str) -> bool {
        let all = object.meta().annotations.as_ref();
        all.and_then(|all| all.get(annotation)).is_some_and(|of| *of == self.order)
    }
}

#[cfg(test)]
impl Surroundings {
    /// Of a reseller with one instance.
    pub fn of_instance(namespace: &str, instance: EcqxInstance) -> Self {
        Self {
            order: "o".to_owned(),
            namespace: namespace.to_owned(),
            namespace_exists: true,
            instances: vec![instance],
            license_sets: Vec::new(),
            portfolio: Portfolio::default(),
        }
    }
}
