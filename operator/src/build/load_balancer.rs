//! The Service of type `LoadBalancer`: signalling, and each RTP port by its number. Pure.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::{
    metadata,
    service::{port, signalling},
};
use crate::validate::ValidatedInstance;

/// Builds it. A Service cannot say a range, so each RTP port is an entry, of the same number outside and in: SDP names it.
pub(super) fn build(instance: &ValidatedInstance) -> Service {
    let network = &instance.limits.network;
    let mut ports = signalling(instance);
    ports.extend((network.rtp_first..=network.rtp_last).map(|number| port(&format!("rtp-{number}"), "UDP", number)));
    let mut metadata = metadata(instance, instance.names.load_balancer());
    let wanted = &instance.reach.load_balancer;
    metadata.annotations = (!wanted.annotations.is_empty()).then(|| wanted.annotations.clone());
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some("LoadBalancer".to_owned()),
            load_balancer_class: wanted.class.clone(),
            // The addresses of phones are kept: failed registrations are throttled by them, and answers go straight back.
            external_traffic_policy: Some("Local".to_owned()),
            // A node has some 2700 ports for all Services together: a few PBXs would use them up.
            allocate_load_balancer_node_ports: Some(false),
            publish_not_ready_addresses: Some(true),
            selector: Some(instance.names.selector()),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

#[cfg(test)]
mod tests {
    use ecqx_crds::{Exposure, LoadBalancer};
    use ecqx_domain::pbx;
    use insta::assert_yaml_snapshot;

    use crate::validate::{
        Known, LoadBalancerSeen,
        tests::{instance, known, licenses, noon, settings, validated},
        validate,
    };

    fn exposed() -> ecqx_crds::EcqxInstance {
        let mut instance = instance("syunikwin");
        let annotations = [("metallb.io/address-pool".to_owned(), "voice".to_owned())].into();
        let load_balancer = LoadBalancer { class: Some("metallb".into()), annotations };
        instance.spec.exposure =
            Some(Exposure { type_: pbx::Exposure::LoadBalancer, load_balancer: Some(load_balancer) });
        instance
    }

    #[test]
    fn signalling_and_each_rtp_port_have_an_entry() {
        let mut service = super::build(&validated(&exposed(), None));
        let spec = service.spec.as_mut().unwrap();
        let rtp = spec.ports.as_mut().unwrap().split_off(3);
        // 5 extensions and 2 softphones, 2 legs each, 2 ports a leg.
        assert_eq!((rtp.len(), rtp.last().unwrap().port), (27, 10_027));
        assert_yaml_snapshot!(service);
    }

    fn ports(extensions: i32, had: u32) -> (u16, Option<u32>) {
        let licenses = licenses(extensions);
        let load_balancer = LoadBalancerSeen { rtp_ports: had, ..LoadBalancerSeen::default() };
        let validated =
            validate(&exposed(), &Known { load_balancer, ..known(Some(&licenses)) }, &settings(), noon()).unwrap();
        (validated.limits.network.rtp_last - 9_999, validated.reach.wanted_ports)
    }

    #[test]
    fn the_range_follows_the_limits_up_to_its_bound_and_never_shrinks() {
        assert_eq!(ports(10, 0), (68, None));
        assert_eq!(ports(1000, 0), (400, Some(4028)), "bounded, and it says by how much");
        assert_eq!(ports(1, 68), (68, None), "a lowered limit cuts no call's ports");
    }
}
