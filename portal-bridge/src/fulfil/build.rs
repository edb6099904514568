//! The objects that an order brings about, as they are applied. Pure.
//!
//! Only the fields that the bridge means to own are in them: a typed object would also claim the defaults of the rest, and
//! then nobody else could suspend or resize the instance.

use ecqx_crds::{EcqxInstance, PortalOrderSpec};
use ecqx_domain::{
    hostname::Label,
    ledger::Term,
    order::{Decision, LineGrant, OrderTerm, PromotionGrant, names},
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{CONVERTED_BY_ANNOTATION, ORDER_ANNOTATION, dereference::Surroundings};
use crate::{bridge::FIELD_MANAGER, inbox::RESELLER_LABEL};

/// What an order brings about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effects {
    /// The order that brings it about.
    pub order: String,
    /// The reseller's namespace, by name.
    pub namespace: String,
    /// The name of the instance and of its licence set.
    pub instance_name: String,
    /// The namespace, in case it does not exist.
    pub namespace_object: Value,
    /// What becomes of the instance itself, if anything does.
    pub instance: Option<InstanceEffect>,
    /// The licence set with this order's grants; none where a conversion grants nothing.
    pub license_set: Option<Value>,
}

/// What an order makes of an instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum InstanceEffect {
    /// It is made.
    Made(Value),
    /// Its trial becomes a paid term.
    Converted(Value),
}

pub(super) fn effects(
    order: &str,
    spec: &PortalOrderSpec,
    around: &Surroundings,
    decision: &Decision,
    now: Timestamp,
) -> Effects {
    let line = |line: &LineGrant| grant(order, spec.term, *line, now);
    let (instance_name, instance, grants): (_, _, Vec<Value>) = match decision {
        Decision::NewInstance { hostname, grants, promotions } => {
            let promotions = promotions.iter().map(|promotion| promotion_grant(order, promotion));
            let made = InstanceEffect::Made(new_instance(order, hostname, spec));
            (names::instance(hostname), Some(made), grants.iter().map(line).chain(promotions).collect())
        }
        Decision::Conversion { instance, grants } => {
            let seen = around.instance(instance);
            let converted = seen.map(|seen| InstanceEffect::Converted(conversion(order, seen)));
            (instance.clone(), converted, grants.iter().map(line).collect())
        }
        Decision::AddOn { instance, grants } => (instance.clone(), None, grants.iter().map(line).collect()),
    };
    // The set is marked by the order that made the instance; any other order is named in its grants.
    let makes_it = matches!(decision, Decision::NewInstance { .. });
    let license_set = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1",
        "kind": "LicenseSet",
        "metadata": metadata(&instance_name, makes_it.then_some(order)),
        "spec": {"grants": grants},
    });
    Effects {
        namespace_object: namespace_object(&around.namespace, &spec.customer),
        instance,
        license_set: (makes_it || !grants.is_empty()).then_some(license_set),
        order: order.to_owned(),
        namespace: around.namespace.clone(),
        instance_name,
    }
}

fn new_instance(order: &str, hostname: &Label, spec: &PortalOrderSpec) -> Value {
    json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1",
        "kind": "EcqxInstance",
        "metadata": metadata(&names::instance(hostname), Some(order)),
        "spec": instance_spec(hostname.as_str(), spec),
    })
}

/// The term, for the instance that was judged and no other: with another UID or version the API server refuses it. The
/// annotation tells a call after a crash that it was this order.
fn conversion(order: &str, seen: &EcqxInstance) -> Value {
    json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1",
        "kind": "EcqxInstance",
        "metadata": {
            "name": seen.name_any(),
            "uid": seen.metadata.uid,
            "resourceVersion": seen.metadata.resource_version,
            "annotations": {CONVERTED_BY_ANNOTATION: order},
        },
        "spec": {"term": OrderTerm::Paid},
    })
}

fn namespace_object(name: &str, customer: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {
            "app.kubernetes.io/managed-by": FIELD_MANAGER,
            RESELLER_LABEL: customer,
            "pod-security.kubernetes.io/enforce": "restricted",
        }},
    })
}

fn metadata(name: &str, order: Option<&str>) -> Value {
    match order {
        Some(order) => json!({
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER},
            "annotations": {ORDER_ANNOTATION: order},
        }),
        None => json!({"name": name}),
    }
}

fn instance_spec(hostname: &str, spec: &PortalOrderSpec) -> Value {
    let mut wanted = json!({"hostname": hostname, "term": spec.term});
    if let Some(company) = &spec.company {
        wanted["company"] = json!(company);
    }
    wanted
}

/// What is bought counts from now, and says so: a request for less that comes before the operator has seen the grant has to
/// find it. A trial starts when its instance is ready, which only the operator can tell.
fn grant(order: &str, term: OrderTerm, line: LineGrant, now: Timestamp) -> Value {
    let mut grant = json!({
        "id": format!("{order}/{}", line.line),
        "feature": line.feature,
        "quantity": line.quantity,
        "term": Term::from(term),
        "orderRef": order,
    });
    if term == OrderTerm::Paid {
        grant["grantedAt"] = json!(MicroTime(now));
    }
    grant
}

fn promotion_grant(order: &str, given: &PromotionGrant) -> Value {
    let mut grant = json!({
        "id": format!("promotion/{}/{}", given.promotion, given.feature),
        "feature": given.feature,
        "quantity": given.quantity,
        "term": Term::Promotion,
        "orderRef": order,
    });
    if let Some(days) = given.days {
        grant["days"] = json!(days);
    }
    grant
}

#[cfg(test)]
mod tests;
