//! The objects that should be, from a validated instance. Pure: one builder a file, each compared whole in its tests.

use ecqx_domain::pbx::{Exposure, PbxRules};
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{ConfigMap, Service},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::validate::ValidatedInstance;

pub mod config_map;
pub mod disruption_budget;
pub mod dns_endpoint;
pub mod load_balancer;
pub mod network_policy;
pub mod secret;
pub mod service;
pub mod stateful_set;

/// What the provider decides for every PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PbxDefaults {
    /// The image where the spec names none.
    pub image: String,
    /// CPU that is set aside where the spec names none.
    pub cpu: String,
    /// Memory, set aside and at most, where the spec names none.
    pub memory: String,
    /// Names of the Secrets with registry credentials, in the instance's namespace.
    pub image_pull_secrets: Vec<String>,
    /// The namespace from which the agent may be asked.
    pub operator_namespace: String,
}

/// What the provider decides, as the builders take it.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// From the command line.
    pub defaults: &'a PbxDefaults,
    /// From the settings.
    pub rules: &'a PbxRules,
}

/// All objects of an instance, save for the Secret, which is made of what is there (see [`secret`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// The limits file.
    pub config_map: ConfigMap,
    /// Names the pod.
    pub service: Service,
    /// Brings phones to the pod, where a load balancer does.
    pub load_balancer: Option<Service>,
    /// Who may talk to the pod.
    pub network_policy: NetworkPolicy,
    /// Keeps a drain of the node from ending the pod at once.
    pub disruption_budget: PodDisruptionBudget,
    /// The pod and its volume.
    pub stateful_set: StatefulSet,
}

/// Builds all objects of an instance.
///
/// # Errors
/// When the limits cannot be written as JSON.
pub fn build(instance: &ValidatedInstance, provider: Provider<'_>) -> Result<Desired, serde_json::Error> {
    Ok(Desired {
        config_map: config_map::build(instance)?,
        service: service::build(instance),
        load_balancer: (instance.reach.exposure == Exposure::LoadBalancer).then(|| load_balancer::build(instance)),
        network_policy: network_policy::build(instance, provider),
        disruption_budget: disruption_budget::build(instance),
        stateful_set: stateful_set::build(instance, provider),
    })
}

/// The metadata that every child has.
fn metadata(instance: &ValidatedInstance, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(instance.namespace.clone()),
        labels: Some(instance.names.labels()),
        owner_references: Some(vec![instance.owner.clone()]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
