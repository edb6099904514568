//! The headless Service that names the pod, and the ports that phones call. Pure.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use pbx_contract::{CONSOLE_PORT, SIP_PORT, SIPS_PORT};

use super::metadata;
use crate::validate::ValidatedInstance;

/// Builds it.
pub(super) fn build(instance: &ValidatedInstance) -> Service {
    let mut ports = signalling(instance);
    ports.push(port("console", "TCP", CONSOLE_PORT));
    Service {
        metadata: metadata(instance, instance.names.base()),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            // A PBX that cannot apply its newest limits is not ready, and goes on with the last good ones.
            publish_not_ready_addresses: Some(true),
            selector: Some(instance.names.selector()),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// SIP over UDP and TCP, and over TLS where there is to be a certificate.
pub(super) fn signalling(instance: &ValidatedInstance) -> Vec<ServicePort> {
    let mut ports = vec![port("sip-udp", "UDP", SIP_PORT), port("sip-tcp", "TCP", SIP_PORT)];
    if instance.pbx.tls.is_some() {
        ports.push(port("sips", "TCP", SIPS_PORT));
    }
    ports
}

/// A port that is the same outside and in the pod.
pub(super) fn port(name: &str, protocol: &str, number: u16) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: i32::from(number),
        protocol: Some(protocol.to_owned()),
        target_port: Some(IntOrString::Int(i32::from(number))),
        ..ServicePort::default()
    }
}

#[cfg(test)]
mod tests {
    use ecqx_crds::Tls;

    use crate::validate::tests::{instance, validated};

    #[test]
    fn the_port_of_sip_over_tls_is_there_where_a_certificate_is_named() {
        let mut instance = instance("a");
        let names = |instance: &_| -> Vec<String> {
            let ports = super::build(&validated(instance, None)).spec.unwrap().ports.unwrap();
            ports.into_iter().filter_map(|port| port.name).collect()
        };
        assert_eq!(names(&instance), ["sip-udp", "sip-tcp", "console"]);
        instance.spec.pbx.tls = Some(Tls { secret_name: "a-tls".into() });
        assert_eq!(names(&instance), ["sip-udp", "sip-tcp", "sips", "console"]);
    }
}
