//! Writes what an order brings about. I/O: the API server.

use ecqx_crds::{EcqxInstance, LicenseSet};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};

use super::{FulfilError, build::Effects, dereference::Surroundings};
use crate::bridge::{Bridge, FIELD_MANAGER};

/// Applies what is missing: the namespace, then the instance, which takes the name, then the licence set, by which a call
/// after a crash sees that all is there. Never by force: what somebody else has set stands, and the order waits.
pub(super) async fn apply(bridge: &Bridge, around: &Surroundings, effects: &Effects) -> Result<(), FulfilError> {
    let own = PatchParams::apply(FIELD_MANAGER);
    if !around.namespace_exists {
        let namespaces: Api<Namespace> = Api::all(bridge.client.clone());
        let applied = namespaces.patch(&effects.namespace, &own, &Patch::Apply(&effects.namespace_object)).await;
        applied.map_err(FulfilError::api("apply", "Namespace", &effects.namespace))?;
    }
    let full_name = format!("{}/{}", effects.namespace, effects.instance_name);
    if let Some(instance) = effects.instance.as_ref().filter(|_| around.own_instance(&effects.order).is_none()) {
        let instances: Api<EcqxInstance> = Api::namespaced(bridge.client.clone(), &effects.namespace);
        let applied = instances.patch(&effects.instance_name, &own, &Patch::Apply(instance)).await;
        applied.map_err(FulfilError::api("apply", "EcqxInstance", &full_name))?;
    }
    // A manager for each order: with one for all, an order that applies its own grants would take back those of the orders
    // before it, since an applied list says all that its manager wants in it.
    let manager = PatchParams::apply(&format!("ecqx-order-{}", effects.order));
    let license_sets: Api<LicenseSet> = Api::namespaced(bridge.client.clone(), &effects.namespace);
    let applied = license_sets.patch(&effects.instance_name, &manager, &Patch::Apply(&effects.license_set)).await;
    applied.map_err(FulfilError::api("apply", "LicenseSet", &full_name))?;
    Ok(())
}
