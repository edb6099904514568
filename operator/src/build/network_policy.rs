//! The `NetworkPolicy`: nothing reaches the pod but signalling, media, the operator's questions and the console. Pure.

use std::{collections::BTreeMap, net::IpAddr};

use ecqx_domain::pbx::Mail;
use k8s_openapi::{
    api::networking::v1::{
        IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
        NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use pbx_contract::{AGENT_PORT, CONSOLE_PORT, RTP_FIRST, RTP_LAST, SIP_PORT, SIPS_PORT};

use super::{Provider, metadata};
use crate::validate::ValidatedInstance;

/// Builds it. Phones may be anywhere, so signalling and media are open by port and not by address; what goes out is SIP and
/// UDP media, since a phone behind NAT may use any port, and mail to its relay.
pub(super) fn build(instance: &ValidatedInstance, provider: Provider<'_>) -> NetworkPolicy {
    let mut ingress = vec![from_phones(instance), to_agent(provider)];
    ingress.extend(to_console(&provider.rules.console_from));
    let mut egress = vec![to_phones()];
    egress.extend(provider.rules.mail.as_ref().map(to_relay));
    NetworkPolicy {
        metadata: metadata(instance, instance.names.base()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(instance.names.selector()),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(ingress),
            egress: Some(egress),
        }),
    }
}

/// The whole range that the contract has, though a load balancer may bring fewer: a call that began before a change of the
/// exposure keeps its port.
fn from_phones(instance: &ValidatedInstance) -> NetworkPolicyIngressRule {
    let mut ports =
        vec![port("UDP", SIP_PORT, None), port("TCP", SIP_PORT, None), port("UDP", RTP_FIRST, Some(RTP_LAST))];
    if instance.pbx.tls.is_some() {
        ports.push(port("TCP", SIPS_PORT, None));
    }
    NetworkPolicyIngressRule { ports: Some(ports), from: None }
}

/// From the operator, and from all pods of the namespaces that the provider named: who watches PBXs, or fetches recordings.
fn to_agent(provider: Provider<'_>) -> NetworkPolicyIngressRule {
    let select = |key: &str, value: &str| LabelSelector {
        match_labels: Some(BTreeMap::from([(key.to_owned(), value.to_owned())])),
        ..LabelSelector::default()
    };
    let in_namespace = |name: &str, pods| NetworkPolicyPeer {
        namespace_selector: Some(select("kubernetes.io/metadata.name", name)),
        pod_selector: pods,
        ip_block: None,
    };
    let operator = select("app.kubernetes.io/component", "operator");
    let mut from = vec![in_namespace(&provider.defaults.operator_namespace, Some(operator))];
    from.extend(provider.rules.agent_from.iter().map(|name| in_namespace(name, None)));
    NetworkPolicyIngressRule { ports: Some(vec![port("TCP", AGENT_PORT, None)]), from: Some(from) }
}

/// From the networks that the provider named, and from nowhere when it named none.
fn to_console(networks: &[String]) -> Option<NetworkPolicyIngressRule> {
    let from = networks.iter().map(|network| block(network.clone())).collect();
    let ports = Some(vec![port("TCP", CONSOLE_PORT, None)]);
    (!networks.is_empty()).then_some(NetworkPolicyIngressRule { ports, from: Some(from) })
}

fn to_phones() -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { ports: Some(vec![port("UDP", 1, Some(65_535)), port("TCP", SIP_PORT, None)]), to: None }
}

/// A relay that is named rather than addressed may be anywhere, and its name is asked for, by UDP as above or by TCP.
fn to_relay(mail: &Mail) -> NetworkPolicyEgressRule {
    let relay = port("TCP", mail.port, None);
    match mail.host.parse::<IpAddr>() {
        Ok(address) => {
            let one = format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 });
            NetworkPolicyEgressRule { ports: Some(vec![relay]), to: Some(vec![block(one)]) }
        }
        Err(_) => NetworkPolicyEgressRule { ports: Some(vec![relay, port("TCP", 53, None)]), to: None },
    }
}

fn block(cidr: String) -> NetworkPolicyPeer {
    NetworkPolicyPeer { ip_block: Some(IPBlock { cidr, except: None }), ..NetworkPolicyPeer::default() }
}

fn port(protocol: &str, first: u16, last: Option<u16>) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(i32::from(first))),
        end_port: last.map(i32::from),
    }
}
