//! Between applying and reporting: looks at the pod and asks its agent. I/O: HTTP to the pod.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use crate::{context::Context, status::Observed, validate::ValidatedInstance};

/// What the instance's PBX shows. An agent that does not answer is no error: the pod's own readiness tells the rest.
pub async fn observe(instance: &ValidatedInstance, pod: Option<&Pod>, ctx: &Context) -> Observed {
    let Some(pod) = pod.filter(|pod| pod.metadata.deletion_timestamp.is_none()) else { return Observed::default() };
    let addresses = addresses(pod);
    let pod_ready = is_ready(pod);
    let asked: Option<IpAddr> = addresses.first().and_then(|address| address.parse().ok()).filter(|_| is_running(pod));
    let agent = match asked {
        Some(address) => ctx.agents.status(address).await.map_err(|error| {
            tracing::debug!(instance = %instance.name, namespace = %instance.namespace, %error, "agent not reached");
        }),
        None => Err(()),
    };
    Observed { pod_waiting: waiting_for(pod), addresses, pod_ready, agent: agent.ok(), ..Observed::default() }
}

/// Those at which the PBX answers: it listens on IPv4, and a phone that is led to another address of the pod finds nobody.
fn addresses(pod: &Pod) -> Vec<String> {
    let all = pod.status.as_ref().and_then(|status| status.pod_ips.as_ref()).into_iter().flatten();
    all.map(|ip| ip.ip.clone()).filter(|ip| ip.parse::<std::net::Ipv4Addr>().is_ok()).collect()
}

/// True once the container runs; before that nobody is there to answer.
pub(super) fn is_running(pod: &Pod) -> bool {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten().any(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()))
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// The first thing that the pod waits for, in the kubelet's or the scheduler's words.
fn waiting_for(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let container = status.container_statuses.iter().flatten().find_map(waiting);
    container.or_else(|| {
        let unscheduled =
            |c: &&k8s_openapi::api::core::v1::PodCondition| c.type_ == "PodScheduled" && c.status == "False";
        status.conditions.iter().flatten().find(unscheduled).and_then(|c| c.message.clone())
    })
}

fn waiting(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.clone()?;
    Some(match &waiting.message {
        Some(message) => format!("the pod waits: {reason}: {message}"),
        None => format!("the pod waits: {reason}"),
    })
}
