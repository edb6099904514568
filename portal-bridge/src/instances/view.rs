//! The parts that answers about an instance have in common, as JSON. Pure.

use ecqx_crds::{EcqxInstance, Upcoming};
use ecqx_domain::{foresight, settings::Settings};
use kube::ResourceExt;
use serde::Serialize;

/// Which instance an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its name in the DNS.
    pub fqdn: String,
    /// The identity that never changes; none until the operator has seen the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<String>,
}

impl Identity {
    /// Of that instance.
    pub fn of(instance: &EcqxInstance, settings: &Settings) -> Self {
        let status = instance.status.as_ref();
        let fqdn = status.and_then(|status| status.fqdn.clone());
        Self {
            namespace: instance.namespace().unwrap_or_default(),
            name: instance.name_any(),
            fqdn: fqdn.unwrap_or_else(|| format!("{}.{}", instance.spec.hostname, settings.zone)),
            unique_id: status.and_then(|status| status.unique_id.clone()),
        }
    }
}

/// What is to come, in the form of `status.upcoming`.
pub fn upcoming(all: Vec<foresight::Upcoming>) -> Vec<Upcoming> {
    all.into_iter().map(Upcoming::from).collect()
}
