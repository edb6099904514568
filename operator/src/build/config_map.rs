//! The ConfigMap with the limits file. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::metadata;
use crate::validate::ValidatedInstance;

/// Builds it. Its content alone changes when limits change; the pod stays.
pub(super) fn build(instance: &ValidatedInstance) -> Result<ConfigMap, serde_json::Error> {
    let text = serde_json::to_string(&instance.limits)?;
    Ok(ConfigMap {
        metadata: metadata(instance, instance.names.limits()),
        data: Some(BTreeMap::from([(pbx_contract::LIMITS_FILE.to_owned(), text)])),
        ..ConfigMap::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::validate::tests::{instance, licenses, validated};

    #[test]
    fn the_agent_reads_back_what_was_written() {
        let validated = validated(&instance("syunikwin"), Some(&licenses(10)));
        let config_map = super::build(&validated).unwrap();
        let text = &config_map.data.unwrap()[pbx_contract::LIMITS_FILE];
        assert_eq!(pbx_contract::LimitsFile::parse(text).unwrap(), validated.limits);
    }
}
