//! Writes what an order brings about. I/O: the API server.

use ecqx_crds::{EcqxInstance, LicenseSet};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};

use super::{
    FulfilError,
    build::{Effects, InstanceEffect},
    dereference::Surroundings,
    error::CONVERT,
};
use crate::bridge::{Bridge, FIELD_MANAGER};

/// Applies what is missing: the namespace, then the instance, which takes the name, then the licence set, by which a call
/// after a crash sees that all is there. Never by force, so that what somebody else has set stands and the order waits; save
/// that a conversion takes over the term, from whoever wrote Trial.
pub(super) async fn apply(bridge: &Bridge, around: &Surroundings, effects: &Effects) -> Result<(), FulfilError> {
    let own = PatchParams::apply(FIELD_MANAGER);
    if !around.namespace_exists {
        let namespaces: Api<Namespace> = Api::all(bridge.client.clone());
        let applied = namespaces.patch(&effects.namespace, &own, &Patch::Apply(&effects.namespace_object)).await;
        applied.map_err(FulfilError::api("apply", "Namespace", &effects.namespace))?;
    }
    let full_name = format!("{}/{}", effects.namespace, effects.instance_name);
    // A manager for each order: with one for all, an order that applies its own grants would take back those of the orders
    // before it, since an applied list says all that its manager wants in it.
    let of_order = PatchParams::apply(&format!("ecqx-order-{}", effects.order));
    let instances: Api<EcqxInstance> = Api::namespaced(bridge.client.clone(), &effects.namespace);
    let name = &effects.instance_name;
    match &effects.instance {
        Some(InstanceEffect::Made(instance)) if around.own_instance().is_none() => {
            let applied = instances.patch(name, &own, &Patch::Apply(instance)).await;
            applied.map_err(FulfilError::api("apply", "EcqxInstance", &full_name))?;
        }
        Some(InstanceEffect::Converted(term)) if around.converted_instance().is_none() => {
            // By force, and for the instance as it was judged alone: the patch carries its UID and version.
            let applied = instances.patch(name, &of_order.clone().force(), &Patch::Apply(term)).await;
            applied.map_err(FulfilError::api(CONVERT, "EcqxInstance", &full_name))?;
        }
        _ => {}
    }
    let Some(license_set) = &effects.license_set else { return Ok(()) };
    let license_sets: Api<LicenseSet> = Api::namespaced(bridge.client.clone(), &effects.namespace);
    let applied = license_sets.patch(name, &of_order, &Patch::Apply(license_set)).await;
    applied.map_err(FulfilError::api("apply", "LicenseSet", &full_name))?;
    Ok(())
}
