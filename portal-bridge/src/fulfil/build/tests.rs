//! What each decision becomes, as objects.

use ecqx_crds::{EcqxInstance, EcqxInstanceSpec, LicenseSet};
use ecqx_domain::{feature::Feature, order::Payment};

use super::*;

fn spec(term: OrderTerm) -> PortalOrderSpec {
    PortalOrderSpec {
        shop: "default".into(),
        number: "1".into(),
        customer: "1042".into(),
        term,
        note: "syunikwin".into(),
        company: Some("Syunik \"Win\" {{LLC}}".into()),
        placed_at: None,
        lines: Vec::new(),
        content_digest: "0".repeat(64),
        payment: Payment::Confirmed,
    }
}

const LINE: LineGrant = LineGrant { line: 1, feature: Feature::CallRecording, quantity: 4 };

fn new_instance(grants: Vec<LineGrant>, promotions: Vec<PromotionGrant>) -> Decision {
    Decision::NewInstance { hostname: Label::parse("syunikwin").unwrap(), grants, promotions }
}

fn effects_of(order: &str, term: OrderTerm, decision: &Decision) -> Effects {
    let mut instance = EcqxInstance::new("syunikwin", EcqxInstanceSpec::of("syunikwin"));
    (instance.metadata.uid, instance.metadata.resource_version) = (Some("u1".into()), Some("7".into()));
    let around = Surroundings::of_instance("reseller-1042", instance);
    effects(order, &spec(term), &around, decision, "2026-11-23T09:00:00.5Z".parse().unwrap())
}

fn made(effects: &Effects) -> Value {
    match &effects.instance {
        Some(InstanceEffect::Made(instance)) => instance.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_with_an_ecqx_makes_an_instance_and_a_licence_set_of_one_name() {
    let effects = effects_of("default-1-abc", OrderTerm::Trial, &new_instance(vec![LINE], Vec::new()));
    let instance: EcqxInstance = serde_json::from_value(made(&effects)).unwrap();
    let set: LicenseSet = serde_json::from_value(effects.license_set.unwrap()).unwrap();
    assert_eq!(instance.metadata.name, set.metadata.name);
    assert_eq!(instance.spec.company.as_deref(), Some("Syunik \"Win\" {{LLC}}"));
    assert_eq!(set.spec.grants[0].id, "default-1-abc/1");
    assert_eq!((set.spec.grants[0].term, &set.spec.grants[0].granted_at), (Term::Trial, &None));
}

#[test]
fn only_what_the_bridge_means_to_own_is_applied() {
    let instance = made(&effects_of("o", OrderTerm::Paid, &new_instance(Vec::new(), Vec::new())));
    let fields: Vec<&String> = instance["spec"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["company", "hostname", "term"]);
}

#[test]
fn what_is_bought_counts_from_the_moment_in_which_it_takes_effect() {
    let effects =
        effects_of("o", OrderTerm::Paid, &Decision::AddOn { instance: "syunikwin".into(), grants: vec![LINE] });
    assert_eq!(effects.license_set.unwrap()["spec"]["grants"][0]["grantedAt"], "2026-11-23T09:00:00.500000Z");
}

#[test]
fn a_promotion_is_a_grant_with_the_promotions_name_and_its_days() {
    let given =
        PromotionGrant { promotion: "autumn".into(), feature: Feature::SmsWhatsapp, quantity: 1, days: Some(90) };
    let effects = effects_of("o", OrderTerm::Paid, &new_instance(Vec::new(), vec![given]));
    let set: LicenseSet = serde_json::from_value(effects.license_set.unwrap()).unwrap();
    let grant = &set.spec.grants[0];
    assert_eq!(
        (grant.id.as_str(), grant.term, grant.days),
        ("promotion/autumn/SmsWhatsapp", Term::Promotion, Some(90))
    );
    assert_eq!(grant.order_ref.as_deref(), Some("o"));
}

#[test]
fn an_add_on_touches_nothing_but_its_own_grants() {
    let decision = Decision::AddOn { instance: "syunikwin".into(), grants: vec![LINE] };
    let effects = effects_of("default-2-abc", OrderTerm::Paid, &decision);
    assert_eq!(effects.instance, None);
    assert_eq!(effects.license_set.unwrap()["metadata"], json!({"name": "syunikwin"}));
}

#[test]
fn a_conversion_says_the_term_of_the_instance_that_was_judged_and_nothing_else() {
    let decision = Decision::Conversion { instance: "syunikwin".into(), grants: Vec::new() };
    let effects = effects_of("o", OrderTerm::Paid, &decision);
    let expected = json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance",
        "metadata": {
            "name": "syunikwin", "uid": "u1", "resourceVersion": "7",
            "annotations": {"ecqx.epygicloud.com/converted-by": "o"},
        },
        "spec": {"term": "Paid"},
    });
    assert_eq!(effects.instance, Some(InstanceEffect::Converted(expected)));
    assert_eq!(effects.license_set, None, "nothing is granted, so nothing is written");
}
