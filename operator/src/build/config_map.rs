//! The ConfigMap with the PBX's two files. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::metadata;
use crate::validate::ValidatedInstance;

/// Builds it. Its content alone changes when limits change; the pod stays.
pub(crate) fn build(instance: &ValidatedInstance) -> Result<ConfigMap, serde_json::Error> {
    let files = [
        (pbx_contract::LIMITS_FILE.to_owned(), serde_json::to_string(&instance.limits)?),
        (pbx_contract::EXTENSIONS_FILE.to_owned(), serde_json::to_string(&instance.extensions)?),
    ];
    Ok(ConfigMap {
        metadata: metadata(instance, instance.names.limits()),
        data: Some(BTreeMap::from(files)),
        ..ConfigMap::default()
    })
}

#[cfg(test)]
mod tests {
    use pbx_contract::{Document as _, EXTENSIONS_FILE, ExtensionsFile, LIMITS_FILE, LimitsFile};

    use crate::validate::tests::{instance, licenses, validated};

    #[test]
    fn the_agent_reads_back_what_was_written() {
        let validated = validated(&instance("syunikwin"), Some(&licenses(10)));
        let config_map = super::build(&validated).unwrap();
        let files = config_map.data.unwrap();
        assert_eq!(LimitsFile::parse(&files[LIMITS_FILE]).unwrap(), validated.limits);
        assert_eq!(ExtensionsFile::parse(&files[EXTENSIONS_FILE]).unwrap(), validated.extensions);
    }
}
