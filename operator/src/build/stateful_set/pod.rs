//! The Asterisk pod: restricted, without a service-account token, probed through the agent. Pure.

use std::collections::BTreeMap;

use ecqx_domain::pbx::{Exposure, PbxRules};
use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource,
        HTTPGetAction, LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec, Probe,
        ResourceRequirements, SeccompProfile, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use pbx_contract::{
    AGENT_PORT, CONSOLE_PORT, DATA_DIR, LIMITS_DIR, PASSWORDS_DIR, PBX_UID, SIP_PORT, SIPS_PORT, TLS_DIR,
};

use super::{super::PbxDefaults, Provider};
use crate::names::DATA_VOLUME;
use crate::validate::ValidatedInstance;

/// What is written and of no use after the pod, by volume name. In memory, since rendered files hold what stands for passwords.
const SCRATCH: &[(&str, &str)] = &[("config", "/etc/asterisk"), ("run", "/run/asterisk")];
/// Seconds that the agent has to stop Asterisk once its calls are over, or their time is.
const STOP_SECONDS: i64 = 15;

/// The pod's spec.
pub(super) fn spec(instance: &ValidatedInstance, Provider { defaults, rules }: Provider<'_>) -> PodSpec {
    let on_host = instance.reach.exposure == Exposure::HostNetwork;
    let pull_secrets = defaults.image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        automount_service_account_token: Some(false),
        // The API server's variables are no business of the PBX, and a namespace with many Services would fill its environment.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(rules.drain.as_secs() + STOP_SECONDS),
        host_network: on_host.then_some(true),
        dns_policy: on_host.then(|| "ClusterFirstWithHostNet".to_owned()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(PBX_UID),
            run_as_group: Some(PBX_UID),
            fs_group: Some(PBX_UID),
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(runtime_default()),
            ..PodSecurityContext::default()
        }),
        image_pull_secrets: (!defaults.image_pull_secrets.is_empty()).then(|| pull_secrets.collect()),
        containers: vec![container(instance, defaults, rules)],
        volumes: Some(volumes(instance)),
        ..PodSpec::default()
    }
}

fn container(instance: &ValidatedInstance, defaults: &PbxDefaults, rules: &PbxRules) -> Container {
    Container {
        name: "pbx".to_owned(),
        image: Some(instance.pbx.image.clone().unwrap_or_else(|| defaults.image.clone())),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        env: Some(environment(instance, rules)),
        ports: Some(ports(instance)),
        resources: Some(resources(instance, defaults)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            ..SecurityContext::default()
        }),
        startup_probe: Some(probe("/livez", 1, 120)),
        readiness_probe: Some(probe("/readyz", 1, 5)),
        liveness_probe: Some(probe("/livez", 10, 3)),
        volume_mounts: Some(mounts(instance)),
        ..Container::default()
    }
}

/// A variable with a field of the pod.
fn of_pod(name: &str, field_path: &str) -> EnvVar {
    let field_ref = Some(ObjectFieldSelector { api_version: None, field_path: field_path.to_owned() });
    let value_from = Some(EnvVarSource { field_ref, ..EnvVarSource::default() });
    EnvVar { name: name.to_owned(), value: None, value_from }
}

/// What is fixed for the life of the pod; what can change is in the mounted files.
fn environment(instance: &ValidatedInstance, rules: &PbxRules) -> Vec<EnvVar> {
    let set = |name: &str, value: String| EnvVar { name: name.to_owned(), value: Some(value), value_from: None };
    let mut all = vec![set("ECQX_DRAIN_SECONDS", rules.drain.as_secs().to_string())];
    if instance.reach.exposure == Exposure::HostNetwork {
        // A node has addresses in several networks: phones are told the one that is in the DNS, not that of the way to them.
        let names = ["ECQX_EXTERNAL_SIGNALING_ADDRESS", "ECQX_EXTERNAL_MEDIA_ADDRESS"];
        all.extend(names.map(|name| of_pod(name, "status.podIP")));
    }
    if let Some(mail) = &rules.mail {
        let host = if mail.host.contains(':') { format!("[{}]", mail.host) } else { mail.host.clone() };
        all.push(set("ECQX_SMTP_RELAY", format!("{host}:{}", mail.port)));
        all.push(set("ECQX_MAIL_FROM", mail.from.clone()));
    }
    all
}

fn ports(instance: &ValidatedInstance) -> Vec<ContainerPort> {
    let mut all = vec![("sip-udp", SIP_PORT, "UDP"), ("sip-tcp", SIP_PORT, "TCP")];
    if instance.pbx.tls.is_some() {
        all.push(("sips", SIPS_PORT, "TCP"));
    }
    all.extend([("agent", AGENT_PORT, "TCP"), ("console", CONSOLE_PORT, "TCP")]);
    // On the node's network these are the node's own ports: the scheduler then finds a node where they are free.
    let on_host = instance.reach.exposure == Exposure::HostNetwork;
    all.into_iter().map(|(name, port, protocol)| container_port(name, port, protocol, on_host)).collect()
}

fn resources(instance: &ValidatedInstance, defaults: &PbxDefaults) -> ResourceRequirements {
    let wanted = instance.pbx.resources.as_ref();
    let cpu = wanted.map_or(&defaults.cpu, |resources| &resources.cpu);
    let memory = wanted.map_or(&defaults.memory, |resources| &resources.memory);
    let quantities = |pairs: &[(&str, &String)]| -> BTreeMap<String, Quantity> {
        pairs.iter().map(|(name, quantity)| ((*name).to_owned(), Quantity((*quantity).clone()))).collect()
    };
    ResourceRequirements {
        requests: Some(quantities(&[("cpu", cpu), ("memory", memory)])),
        // No bound on CPU: a PBX that is throttled drops audio.
        limits: Some(quantities(&[("memory", memory)])),
        claims: None,
    }
}

fn probe(path: &str, period_seconds: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("agent".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(3),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

fn volumes(instance: &ValidatedInstance) -> Vec<Volume> {
    let named = |name: &str| Volume { name: name.to_owned(), ..Volume::default() };
    let limits = ConfigMapVolumeSource { name: instance.names.limits(), ..ConfigMapVolumeSource::default() };
    let sip = SecretVolumeSource {
        secret_name: Some(instance.names.sip()),
        // Read by the pod's group and by nobody else.
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    let mut all =
        vec![Volume { config_map: Some(limits), ..named("limits") }, Volume { secret: Some(sip), ..named("sip") }];
    if let Some(tls) = &instance.pbx.tls {
        let certificate = SecretVolumeSource {
            secret_name: Some(tls.secret_name.clone()),
            default_mode: Some(0o440),
            // A certificate that is late or lost does not keep the PBX from running.
            optional: Some(true),
            ..SecretVolumeSource::default()
        };
        all.push(Volume { secret: Some(certificate), ..named("tls") });
    }
    let in_memory = EmptyDirVolumeSource { medium: Some("Memory".to_owned()), ..EmptyDirVolumeSource::default() };
    all.extend(SCRATCH.iter().map(|(name, _)| Volume { empty_dir: Some(in_memory.clone()), ..named(name) }));
    all
}

fn mounts(instance: &ValidatedInstance) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    let mut all =
        vec![mount("limits", LIMITS_DIR, true), mount("sip", PASSWORDS_DIR, true), mount(DATA_VOLUME, DATA_DIR, false)];
    all.extend(instance.pbx.tls.as_ref().map(|_| mount("tls", TLS_DIR, true)));
    all.extend(SCRATCH.iter().map(|(name, path)| mount(name, path, false)));
    all
}

fn container_port(name: &str, port: u16, protocol: &str, on_host: bool) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(port),
        host_port: on_host.then_some(i32::from(port)),
        protocol: Some(protocol.to_owned()),
        ..ContainerPort::default()
    }
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}
