//! The `PodDisruptionBudget`: a drained node waits for an answer rather than cutting calls. Pure.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::metadata;
use crate::validate::ValidatedInstance;

/// Builds it: the one pod is not evicted while it is ready; one that is not ready may go.
pub(super) fn build(instance: &ValidatedInstance) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: metadata(instance, instance.names.base()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(0)),
            selector: Some(LabelSelector { match_labels: Some(instance.names.selector()), ..LabelSelector::default() }),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    }
}
