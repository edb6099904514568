//! The Asterisk pod: restricted, without a service-account token, probed through the agent. Pure.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, HTTPGetAction,
        LocalObjectReference, PodSecurityContext, PodSpec, Probe, ResourceRequirements, SeccompProfile,
        SecretVolumeSource, SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use pbx_contract::{AGENT_PORT, DATA_DIR, LIMITS_DIR, PASSWORDS_DIR, PBX_UID, SIP_PORT};

use super::PbxDefaults;
use crate::names::DATA_VOLUME;
use crate::validate::ValidatedInstance;

/// What is written and of no use after the pod, by volume name. In memory, since rendered files hold what stands for passwords.
const SCRATCH: &[(&str, &str)] = &[("config", "/etc/asterisk"), ("run", "/run/asterisk")];
/// Seconds that the agent has to stop Asterisk once the pod is to end.
const GRACE_SECONDS: i64 = 60;

/// The pod's spec.
pub(super) fn spec(instance: &ValidatedInstance, defaults: &PbxDefaults) -> PodSpec {
    let pull_secrets = defaults.image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        automount_service_account_token: Some(false),
        // The API server's variables are no business of the PBX, and a namespace with many Services would fill its environment.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
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
        containers: vec![container(instance, defaults)],
        volumes: Some(volumes(instance)),
        ..PodSpec::default()
    }
}

fn container(instance: &ValidatedInstance, defaults: &PbxDefaults) -> Container {
    Container {
        name: "pbx".to_owned(),
        image: Some(instance.pbx.image.clone().unwrap_or_else(|| defaults.image.clone())),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        ports: Some(vec![
            container_port("sip-udp", SIP_PORT, "UDP"),
            container_port("sip-tcp", SIP_PORT, "TCP"),
            container_port("agent", AGENT_PORT, "TCP"),
        ]),
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
        volume_mounts: Some(mounts()),
        ..Container::default()
    }
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
    let in_memory = EmptyDirVolumeSource { medium: Some("Memory".to_owned()), ..EmptyDirVolumeSource::default() };
    all.extend(SCRATCH.iter().map(|(name, _)| Volume { empty_dir: Some(in_memory.clone()), ..named(name) }));
    all
}

fn mounts() -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    let mut all =
        vec![mount("limits", LIMITS_DIR, true), mount("sip", PASSWORDS_DIR, true), mount(DATA_VOLUME, DATA_DIR, false)];
    all.extend(SCRATCH.iter().map(|(name, path)| mount(name, path, false)));
    all
}

fn container_port(name: &str, port: u16, protocol: &str) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(port),
        protocol: Some(protocol.to_owned()),
        ..ContainerPort::default()
    }
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}
