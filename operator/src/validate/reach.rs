//! How phones reach an instance: its exposure, its address, its RTP ports. Pure.

use std::net::IpAddr;

use ecqx_crds::LoadBalancer;
use ecqx_domain::pbx::{Exposure, PbxRules};
use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service};
use pbx_contract::{Limits, Network, RTP_FIRST};

/// A leg of a call takes an even port for RTP and the odd one after it for RTCP.
const PORTS_PER_LEG: u32 = 2;
/// A phone talks on one, and holds or transfers another.
const LEGS_PER_PHONE: u32 = 2;
/// The least that a load balancer is given, so that the first licences do not change its ports one by one.
const FEWEST_PORTS: u32 = 20;

/// How phones reach an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// By which way.
    pub exposure: Exposure,
    /// What the load balancer is told.
    pub load_balancer: LoadBalancer,
    /// What the load balancer said.
    pub seen: LoadBalancerSeen,
    /// How many RTP ports the limits could use, where there are fewer.
    pub wanted_ports: Option<u32>,
}

/// What a load balancer has given so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadBalancerSeen {
    /// The addresses; the first is what the PBX says of itself.
    pub addresses: Vec<IpAddr>,
    /// A name, where it gives no address.
    pub host_name: Option<String>,
    /// How many RTP ports it has.
    pub rtp_ports: u32,
}

impl LoadBalancerSeen {
    /// As the Service shows it.
    pub fn of(service: &Service) -> Self {
        let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
        let rtp = ports.filter(|port| port.protocol.as_deref() == Some("UDP") && port.port >= i32::from(RTP_FIRST));
        let ingress: Vec<&LoadBalancerIngress> = service
            .status
            .iter()
            .flat_map(|status| status.load_balancer.iter())
            .flat_map(|balancer| balancer.ingress.iter().flatten())
            .collect();
        Self {
            addresses: ingress.iter().filter_map(|ingress| ingress.ip.as_ref()?.parse().ok()).collect(),
            host_name: ingress.iter().find_map(|ingress| ingress.hostname.clone()),
            rtp_ports: u32::try_from(rtp.count()).unwrap_or(u32::MAX),
        }
    }
}

impl Reach {
    /// By the spec, the provider's default and what the load balancer has given; and with it what the PBX is told.
    pub(super) fn of(
        spec: Option<&ecqx_crds::Exposure>,
        limits: &Limits,
        seen: &LoadBalancerSeen,
        rules: &PbxRules,
    ) -> (Self, Network) {
        let exposure = spec.map_or(rules.exposure, |spec| spec.type_);
        let load_balancer = spec.and_then(|spec| spec.load_balancer.clone()).unwrap_or_default();
        let reach = |wanted_ports| Self { exposure, load_balancer, seen: seen.clone(), wanted_ports };
        if exposure != Exposure::LoadBalancer {
            return (reach(None), Network::default());
        }
        let wanted = rtp_ports(limits, rules);
        let bounded = wanted.min(u32::from(rules.rtp_ports));
        // What was given stays: a call in progress keeps its port when a limit is lowered.
        let ports = u16::try_from(bounded.max(seen.rtp_ports) / 2 * 2).unwrap_or(u16::MAX);
        let network = Network {
            external_address: seen.addresses.first().copied(),
            rtp_first: RTP_FIRST,
            rtp_last: RTP_FIRST.saturating_add(ports.saturating_sub(1)),
        };
        (reach((wanted > u32::from(ports)).then_some(wanted)), network)
    }

    /// Where phones find the instance whose pod has these addresses.
    pub fn published(&self, pod: &[String]) -> Vec<String> {
        match self.exposure {
            Exposure::PodIp | Exposure::HostNetwork => pod.to_vec(),
            Exposure::LoadBalancer => self.seen.addresses.iter().map(IpAddr::to_string).collect(),
        }
    }
}

/// What all phones together can use at one time.
fn rtp_ports(limits: &Limits, rules: &PbxRules) -> u32 {
    let phones = limits.ip_phone_extension.saturating_mul(rules.policy.phones_per_extension);
    let phones = phones.saturating_add(limits.eqall_softphone);
    phones.saturating_mul(LEGS_PER_PHONE * PORTS_PER_LEG).max(FEWEST_PORTS)
}
