//! The `StatefulSet`: one restricted Asterisk pod and its data volume. Pure.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
        core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, PodTemplateSpec, VolumeResourceRequirements},
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
    },
};

use super::{Provider, metadata};
use crate::{names::DATA_VOLUME, validate::ValidatedInstance};

mod pod;

/// Builds it. Nothing in the template follows the limits: a change of limits never restarts a PBX. When the template does change,
/// the operator decides on the moment (see [`crate::rollout`]).
pub(super) fn build(instance: &ValidatedInstance, provider: Provider<'_>) -> StatefulSet {
    StatefulSet {
        metadata: metadata(instance, instance.names.base()),
        spec: Some(StatefulSetSpec {
            service_name: Some(instance.names.base()),
            replicas: Some(i32::from(instance.runs)),
            selector: LabelSelector { match_labels: Some(instance.names.selector()), ..LabelSelector::default() },
            template: template(instance, provider),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".to_owned()),
                rolling_update: None,
            }),
            volume_claim_templates: Some(vec![data_volume(instance)]),
            pod_management_policy: Some("Parallel".to_owned()),
            revision_history_limit: Some(3),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn template(instance: &ValidatedInstance, provider: Provider<'_>) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(instance.names.labels()), ..ObjectMeta::default() }),
        spec: Some(pod::spec(instance, provider)),
    }
}

fn data_volume(instance: &ValidatedInstance) -> PersistentVolumeClaim {
    let size = BTreeMap::from([("storage".to_owned(), Quantity(instance.pbx.storage.clone()))]);
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(DATA_VOLUME.to_owned()),
            labels: Some(instance.names.selector()),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: instance.pbx.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}
