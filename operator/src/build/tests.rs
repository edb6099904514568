//! Objects compared whole, built through the real validate step.

use ecqx_crds::{EcqxInstance, Exposure, Tls};
use ecqx_domain::{pbx, settings::Settings};
use insta::assert_yaml_snapshot;

use super::*;
use crate::validate::{
    tests::{instance, known, noon},
    validate,
};

fn defaults() -> PbxDefaults {
    PbxDefaults {
        image: "ecqx/pbx:1".to_owned(),
        cpu: "50m".to_owned(),
        memory: "256Mi".to_owned(),
        image_pull_secrets: vec!["registry".to_owned()],
        operator_namespace: "ecqx-system".to_owned(),
    }
}

fn built(instance: &EcqxInstance, settings: &str) -> Desired {
    let settings = Settings::parse(settings).unwrap();
    let validated = validate(instance, &known(None), &settings, noon()).unwrap();
    build(&validated, Provider { defaults: &defaults(), rules: &settings.pbx }).unwrap()
}

/// On the node's network, with a certificate, a mail relay, a console that is open to some, and longer calls.
fn with_everything() -> Desired {
    let mut instance = instance("syunikwin");
    instance.spec.exposure = Some(Exposure { type_: pbx::Exposure::HostNetwork, load_balancer: None });
    instance.spec.pbx.tls = Some(Tls { secret_name: "syunikwin-tls".into() });
    let settings = r#"{"pbx": {
        "drain": "1h", "consoleFrom": ["10.0.0.0/8"], "agentFrom": ["monitoring"],
        "mail": { "relay": "[2001:db8::25]:587", "from": "pbx@example.net" }
    }}"#;
    built(&instance, settings)
}

#[test]
fn the_pod_is_restricted_and_follows_no_limit() {
    assert_yaml_snapshot!(built(&instance("syunikwin"), "{}").stateful_set);
}

#[test]
fn the_pod_on_the_nodes_network_has_host_ports_a_certificate_and_a_mail_relay() {
    assert_yaml_snapshot!(with_everything().stateful_set.spec.unwrap().template.spec);
}

#[test]
fn phones_reach_signalling_and_media_and_the_operator_the_agent() {
    assert_yaml_snapshot!(built(&instance("syunikwin"), "{}").network_policy);
}

#[test]
fn what_is_wanted_beside_is_named_in_the_network_policy() {
    assert_yaml_snapshot!(with_everything().network_policy.spec);
}

#[test]
fn a_relay_that_is_named_may_be_anywhere_and_its_name_is_asked_for() {
    let settings = r#"{"pbx": {"mail": {"relay": "mail.example.net:25", "from": "pbx@example.net"}}}"#;
    let egress = built(&instance("syunikwin"), settings).network_policy.spec.unwrap().egress.unwrap();
    assert_yaml_snapshot!(egress.last());
}

#[test]
fn a_change_of_limits_changes_no_template() {
    let licensed = crate::validate::tests::licenses(1000);
    let settings = Settings::parse("{}").unwrap();
    let validated = validate(&instance("syunikwin"), &known(Some(&licensed)), &settings, noon()).unwrap();
    let more = build(&validated, Provider { defaults: &defaults(), rules: &settings.pbx }).unwrap();
    assert_eq!(more.stateful_set, built(&instance("syunikwin"), "{}").stateful_set);
}
