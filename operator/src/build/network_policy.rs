//! The `NetworkPolicy`: nothing reaches the pod but signalling, media and the operator's questions. Pure.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use pbx_contract::{AGENT_PORT, RTP_FIRST, RTP_LAST, SIP_PORT};

use super::{PbxDefaults, metadata};
use crate::validate::ValidatedInstance;

/// Builds it. Phones may be anywhere, so signalling and media are open by port and not by address; what goes out is SIP and
/// UDP media, since a phone behind NAT may use any port.
pub(super) fn build(instance: &ValidatedInstance, defaults: &PbxDefaults) -> NetworkPolicy {
    NetworkPolicy {
        metadata: metadata(instance, instance.names.base()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(instance.names.selector()),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(vec![from_phones(), from_operator(&defaults.operator_namespace)]),
            egress: Some(vec![to_phones()]),
        }),
    }
}

fn from_phones() -> NetworkPolicyIngressRule {
    let ports = vec![port("UDP", SIP_PORT, None), port("TCP", SIP_PORT, None), port("UDP", RTP_FIRST, Some(RTP_LAST))];
    NetworkPolicyIngressRule { ports: Some(ports), from: None }
}

fn from_operator(namespace: &str) -> NetworkPolicyIngressRule {
    let select = |key: &str, value: &str| LabelSelector {
        match_labels: Some(BTreeMap::from([(key.to_owned(), value.to_owned())])),
        ..LabelSelector::default()
    };
    let operator = NetworkPolicyPeer {
        namespace_selector: Some(select("kubernetes.io/metadata.name", namespace)),
        pod_selector: Some(select("app.kubernetes.io/component", "operator")),
        ip_block: None,
    };
    NetworkPolicyIngressRule { ports: Some(vec![port("TCP", AGENT_PORT, None)]), from: Some(vec![operator]) }
}

fn to_phones() -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { ports: Some(vec![port("UDP", 1, Some(65_535)), port("TCP", SIP_PORT, None)]), to: None }
}

fn port(protocol: &str, first: u16, last: Option<u16>) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(i32::from(first))),
        end_port: last.map(i32::from),
    }
}
