//! The headless Service that names the pod. Pure.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use pbx_contract::SIP_PORT;

use super::metadata;
use crate::validate::ValidatedInstance;

/// Builds it.
pub(super) fn build(instance: &ValidatedInstance) -> Service {
    Service {
        metadata: metadata(instance, instance.names.base()),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            // A PBX that cannot apply its newest limits is not ready, and goes on with the last good ones.
            publish_not_ready_addresses: Some(true),
            selector: Some(instance.names.selector()),
            ports: Some(vec![port("sip-udp", "UDP"), port("sip-tcp", "TCP")]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn port(name: &str, protocol: &str) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: i32::from(SIP_PORT),
        protocol: Some(protocol.to_owned()),
        target_port: Some(IntOrString::Int(i32::from(SIP_PORT))),
        ..ServicePort::default()
    }
}
