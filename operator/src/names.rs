//! The names, labels and annotations of what the operator makes. Pure.

use std::collections::BTreeMap;

/// The operator's field manager for server-side apply.
pub const FIELD_MANAGER: &str = "ecqx-operator";
/// The digest of the object as it was wanted when last applied.
pub const DESIRED_DIGEST: &str = "ecqx.epygicloud.com/desired-digest";
/// Touched on a running pod when its limits change, so that the kubelet looks at once.
pub const LIMITS_GENERATION: &str = "ecqx.epygicloud.com/limits-generation";
/// The label that holds an instance's name on all that belongs to it.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The label by which the operator knows its own.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label selector for all that the operator made.
pub const MANAGED_SELECTOR: &str = "app.kubernetes.io/managed-by=ecqx-operator";

/// The volume that outlives the pod, by its name in the pod.
pub const DATA_VOLUME: &str = "data";

/// The names of one instance's children. The prefix keeps them apart from what users make, and lets an instance's name begin
/// with a digit, which a Service's must not (RFC 1035).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    instance: String,
}

impl Names {
    /// The names for an instance.
    pub fn of(instance: &str) -> Self {
        Self { instance: instance.to_owned() }
    }

    /// StatefulSet, headless Service, NetworkPolicy and PodDisruptionBudget.
    pub fn base(&self) -> String {
        format!("ecqx-{}", self.instance)
    }

    /// The one pod.
    pub fn pod(&self) -> String {
        format!("{}-0", self.base())
    }

    /// The claim of its data volume, as the StatefulSet names it.
    pub fn data(&self) -> String {
        format!("{DATA_VOLUME}-{}", self.pod())
    }

    /// The ConfigMap with the limits file.
    pub fn limits(&self) -> String {
        format!("{}-limits", self.base())
    }

    /// The Service of a load balancer. Its prefix is its own: with a suffix it would have the name of the headless Service of an
    /// instance that is called so.
    pub fn load_balancer(&self) -> String {
        format!("ecqxlb-{}", self.instance)
    }

    /// The Secret with the SIP passwords.
    pub fn sip(&self) -> String {
        format!("{}-sip", self.base())
    }

    /// The labels that select the pod; they can never change.
    pub fn selector(&self) -> BTreeMap<String, String> {
        labels(&[("app.kubernetes.io/name", "ecqx-pbx"), (INSTANCE, &self.instance)])
    }

    /// The labels of every child.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut all = self.selector();
        all.extend(labels(&[
            (MANAGED_BY, FIELD_MANAGER),
            ("app.kubernetes.io/component", "pbx"),
            ("app.kubernetes.io/part-of", "ecqx"),
        ]));
        all
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
