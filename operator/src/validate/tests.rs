//! What an instance and its licences come to, and what is refused.

use ecqx_crds::{EcqxInstanceSpec, Grant, LicenseSetSpec};
use ecqx_domain::{feature::Feature, ledger::Term};

use super::*;

/// An instance as the API server would give it.
pub(crate) fn instance(hostname: &str) -> EcqxInstance {
    let mut instance = EcqxInstance::new(hostname, EcqxInstanceSpec::of(hostname));
    instance.metadata.namespace = Some("reseller-7".to_owned());
    instance.metadata.uid = Some("5f0c8a3e-6a52-4c1e-9d0f-2f1f6b6c9a77".to_owned());
    instance.metadata.generation = Some(1);
    instance
}

/// A licence set with one grant of extensions.
pub(crate) fn licenses(extensions: i32) -> LicenseSet {
    let grant = Grant {
        id: "extensions".to_owned(),
        feature: Feature::IpPhoneExtension,
        quantity: extensions,
        term: Term::Paid,
        granted_at: None,
        order_ref: None,
        days: None,
    };
    LicenseSet::new("syunikwin", LicenseSetSpec { grants: vec![grant], ..LicenseSetSpec::default() })
}

pub(crate) fn settings() -> Settings {
    Settings::parse("{}").unwrap()
}

/// What is known of an instance of which nothing is there but its licences.
pub(crate) fn known(licenses: Option<&LicenseSet>) -> Known<'_> {
    Known { licenses, ..Known::default() }
}

/// Noon of a day.
pub(crate) fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn validated(instance: &EcqxInstance, licenses: Option<&LicenseSet>) -> ValidatedInstance {
    validate(instance, &known(licenses), &settings(), noon()).unwrap()
}

fn numbers(validated: &ValidatedInstance) -> Vec<&str> {
    validated.extensions.extensions.iter().map(|e| e.number.as_str()).collect()
}

#[test]
fn ten_licences_beside_the_base_give_the_extensions_101_to_115() {
    let validated = validated(&instance("syunikwin"), Some(&licenses(10)));
    assert_eq!(validated.fqdn, "syunikwin.epygicloud.com");
    assert_eq!(validated.limits.limits.ip_phone_extension, 15);
    assert_eq!((numbers(&validated).len(), numbers(&validated)[0], numbers(&validated)[14]), (15, "101", "115"));
}

#[test]
fn without_a_licence_set_the_base_configuration_is_built() {
    let validated = validated(&instance("syunikwin"), None);
    assert_eq!(numbers(&validated), ["101", "102", "103", "104", "105"]);
    assert_eq!(validated.limits.limits.audio_conference, 4);
}

#[test]
fn an_extension_that_had_a_password_stays_configured_when_the_limit_falls() {
    let had: Vec<String> = (101..=108).map(|n| n.to_string()).collect();
    let known = Known { passwords: Passwords::of(&had), ..Known::default() };
    let validated = validate(&instance("syunikwin"), &known, &settings(), noon()).unwrap();
    assert_eq!(numbers(&validated).len(), 8);
    assert_eq!(validated.enabled().len(), 5);
    let disabled: Vec<_> = validated.disabled().into_iter().map(|e| e.number.as_str()).collect();
    assert_eq!(disabled, ["106", "107", "108"]);
}

#[test]
fn a_list_in_the_spec_is_taken_as_it_is() {
    let mut listed = instance("syunikwin");
    listed.spec.pbx.extensions =
        vec![ecqx_crds::Extension { name: Some("Ani".into()), ..ecqx_crds::Extension::of("2001") }];
    assert_eq!(numbers(&validated(&listed, None)), ["2001"]);
}

#[test]
fn a_reserved_host_name_is_refused_with_the_field() {
    let error = validate(&instance("www"), &known(None), &settings(), noon()).unwrap_err();
    assert_eq!(error.to_string(), "spec.hostname: host name www is reserved; choose another");
}

#[test]
fn a_host_name_that_is_reserved_later_stays_with_the_instance_that_has_it() {
    let mut published = instance("www");
    let status = ecqx_crds::EcqxInstanceStatus {
        fqdn: Some("www.epygicloud.com".to_owned()),
        ..ecqx_crds::EcqxInstanceStatus::default()
    };
    published.status = Some(status);
    assert_eq!(validated(&published, None).fqdn, "www.epygicloud.com");
}

#[test]
fn the_same_wishes_give_the_same_generation_and_others_another() {
    let (one, two) = (validated(&instance("a"), Some(&licenses(1))), validated(&instance("a"), Some(&licenses(2))));
    assert_eq!(one.limits.generation, validated(&instance("a"), Some(&licenses(1))).limits.generation);
    assert_ne!(one.limits.generation, two.limits.generation);
}
