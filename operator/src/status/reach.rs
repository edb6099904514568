//! What is said of the ways to an instance: its exposure, its certificate, its configuration. Pure.

use ecqx_crds::condition::{self, reason};
use ecqx_domain::pbx::Exposure;

use super::{Finding, Observed, finding};
use crate::validate::ValidatedInstance;

/// Whether what the spec says of the PBX is what it is given.
pub(super) fn configuration(instance: &ValidatedInstance) -> Finding {
    match &instance.refused {
        None => {
            finding(condition::CONFIGURATION_ACCEPTED, true, reason::AS_DESIRED, "the PBX is given what the spec says")
        }
        Some(refused) => {
            let message = format!("{}; until then the PBX keeps the last one that could be", refused.message);
            finding(condition::CONFIGURATION_ACCEPTED, false, refused.reason, message)
        }
    }
}

/// Whether phones come by the way that is wanted; nothing is said of the pod's own address.
pub(super) fn exposed(instance: &ValidatedInstance, observed: &Observed) -> Option<Finding> {
    let say = |holds, reason, message: String| Some(finding(condition::EXPOSED, holds, reason, message));
    match instance.reach.exposure {
        Exposure::PodIp => None,
        Exposure::HostNetwork if observed.addresses.is_empty() => {
            let message = "waiting for the pod; a namespace that enforces the restricted or baseline pod security standard admits \
                           none on the node's network, and a node takes one such PBX";
            say(false, reason::AWAITING_ADDRESS, message.to_owned())
        }
        Exposure::HostNetwork => say(true, reason::AS_DESIRED, "phones reach the PBX at its node's address".to_owned()),
        Exposure::LoadBalancer => {
            let (holds, reason, message) = load_balancer(instance);
            say(holds, reason, message)
        }
    }
}

fn load_balancer(instance: &ValidatedInstance) -> (bool, &'static str, String) {
    let (service, seen) = (instance.names.load_balancer(), &instance.reach.seen);
    let network = &instance.limits.network;
    let ports = u32::from(network.rtp_last - network.rtp_first) + 1;
    match (&network.external_address, &seen.host_name, instance.reach.wanted_ports) {
        (None, None, _) => {
            let message =
                format!("Service {service} has no address yet; a load balancer of this cluster has to give it one");
            (false, reason::AWAITING_ADDRESS, message)
        }
        (None, Some(name), _) => {
            let message = format!(
                "the load balancer of Service {service} gives the name {name}; SIP needs an address, so choose one that gives it"
            );
            (false, reason::AWAITING_ADDRESS, message)
        }
        (Some(address), _, Some(wanted)) => {
            let message = format!(
                "phones reach the PBX at {address}; it has {ports} RTP ports, for {} legs of calls at one time, where the licences could use {wanted}",
                ports / 2
            );
            (true, reason::FEWER_PORTS, message)
        }
        (Some(address), _, None) => {
            (true, reason::AS_DESIRED, format!("phones reach the PBX at {address}, with {ports} RTP ports"))
        }
    }
}

/// Whether SIP over TLS is answered; nothing is said where none is wanted.
pub(super) fn tls(instance: &ValidatedInstance, sips: bool) -> Option<Finding> {
    let name = &instance.pbx.tls.as_ref()?.secret_name;
    if sips {
        let message = format!("SIP over TLS is answered with the certificate of Secret {name}");
        return Some(finding(condition::TLS_READY, true, reason::AS_DESIRED, message));
    }
    let message = format!(
        "SIP over TLS is not answered: Secret {name} is missing, or tls.crt and tls.key in it do not fit; the PBX goes on without"
    );
    Some(finding(condition::TLS_READY, false, reason::NO_CERTIFICATE, message))
}

/// Whether SIP over TLS is answered: as the agent says, or, while it does not answer, as it was.
pub(super) fn sips(instance: &ValidatedInstance, observed: &Observed, previous: bool) -> bool {
    instance.pbx.tls.is_some() && observed.agent.as_ref().map_or(previous, |agent| agent.sips)
}
