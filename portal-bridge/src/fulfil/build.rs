//! The objects that an order brings about, as they are applied. Pure.
//!
//! Only the fields that the bridge means to own are in them: a typed object would also claim the defaults of the rest, and
//! then nobody else could suspend or resize the instance.

use ecqx_crds::PortalOrderSpec;
use ecqx_domain::{
    ledger::Term,
    order::{Decision, LineGrant, OrderTerm, names},
};
use serde_json::{Value, json};

use super::ORDER_ANNOTATION;
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
    /// The instance, if the order makes one.
    pub instance: Option<Value>,
    /// The licence set with this order's grants.
    pub license_set: Value,
}

pub(super) fn effects(order: &str, spec: &PortalOrderSpec, namespace: &str, decision: &Decision) -> Effects {
    let (instance_name, hostname, grants) = match decision {
        Decision::NewInstance { hostname, grants } => (names::instance(hostname), Some(hostname), grants),
        Decision::AddOn { instance, grants } => (instance.clone(), None, grants),
    };
    let of_order = hostname.is_some();
    Effects {
        namespace_object: namespace_object(namespace, &spec.customer),
        instance: hostname.map(|hostname| {
            json!({
                "apiVersion": "ecqx.epygicloud.com/v1alpha1",
                "kind": "EcqxInstance",
                "metadata": metadata(&instance_name, Some(order)),
                "spec": instance_spec(hostname.as_str(), spec),
            })
        }),
        license_set: json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1",
            "kind": "LicenseSet",
            // The set is marked by the order that made the instance; any other order is named in its grants.
            "metadata": metadata(&instance_name, of_order.then_some(order)),
            "spec": {"grants": grants.iter().map(|line| grant(order, spec.term, *line)).collect::<Vec<_>>()},
        }),
        order: order.to_owned(),
        namespace: namespace.to_owned(),
        instance_name,
    }
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

fn grant(order: &str, term: OrderTerm, line: LineGrant) -> Value {
    json!({
        "id": format!("{order}/{}", line.line),
        "feature": line.feature,
        "quantity": line.quantity,
        "term": Term::from(term),
        "orderRef": order,
    })
}

#[cfg(test)]
mod tests {
    use ecqx_crds::{EcqxInstance, LicenseSet};
    use ecqx_domain::{feature::Feature, hostname::Label, order::Payment};

    use super::*;

    fn spec(term: OrderTerm) -> PortalOrderSpec {
        PortalOrderSpec {
            shop: "default".into(),
            number: "1".into(),
            customer: "1042".into(),
            term,
            note: "syunikwin".into(),
            company: Some("Syunik \"Win\" {{LLC}}".into()),
            lines: Vec::new(),
            content_digest: "0".repeat(64),
            payment: Payment::Confirmed,
        }
    }

    const GRANTS: [LineGrant; 1] = [LineGrant { line: 1, feature: Feature::CallRecording, quantity: 4 }];

    #[test]
    fn an_order_with_an_ecqx_makes_an_instance_and_a_licence_set_of_one_name() {
        let decision = Decision::NewInstance { hostname: Label::parse("syunikwin").unwrap(), grants: GRANTS.to_vec() };
        let effects = effects("default-1-abc", &spec(OrderTerm::Trial), "reseller-1042", &decision);
        let instance: EcqxInstance = serde_json::from_value(effects.instance.unwrap()).unwrap();
        let set: LicenseSet = serde_json::from_value(effects.license_set).unwrap();
        assert_eq!(instance.metadata.name, set.metadata.name);
        assert_eq!(instance.spec.company.as_deref(), Some("Syunik \"Win\" {{LLC}}"));
        assert_eq!(set.spec.grants[0].id, "default-1-abc/1");
        assert_eq!(set.spec.grants[0].term, Term::Trial);
    }

    #[test]
    fn only_what_the_bridge_means_to_own_is_applied() {
        let decision = Decision::NewInstance { hostname: Label::parse("syunikwin").unwrap(), grants: Vec::new() };
        let instance = effects("o", &spec(OrderTerm::Paid), "reseller-1042", &decision).instance.unwrap();
        let fields: Vec<&String> = instance["spec"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["company", "hostname", "term"]);
    }

    #[test]
    fn an_add_on_touches_nothing_but_its_own_grants() {
        let decision = Decision::AddOn { instance: "syunikwin".into(), grants: GRANTS.to_vec() };
        let effects = effects("default-2-abc", &spec(OrderTerm::Paid), "reseller-1042", &decision);
        assert_eq!(effects.instance, None);
        assert_eq!(effects.license_set["metadata"], json!({"name": "syunikwin"}));
    }
}
