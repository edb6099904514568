//! The rules of orders that depend on what has become of an instance: conversion, ends, trials, promotions.

use std::collections::BTreeSet;

use super::*;
use crate::{order::wanted_trials, trial::Beneficiary};

fn trial(mut order: Order) -> Order {
    order.term = OrderTerm::Trial;
    order
}

fn ecqx_for(device: &str) -> Order {
    for_device(device, &[("ECQX", 1), ("IP-PHONE-EXT", 10)])
}

#[rstest]
#[case::running(LATER)]
#[case::ended_and_retained(EARLIER)]
fn a_paid_order_of_the_ecqx_that_names_an_instance_on_trial_converts_it(#[case] trial_ends_at: &str) {
    let grants = vec![LineGrant { line: 1, feature: Feature::IpPhoneExtension, quantity: 10 }];
    let expected = Ok(Decision::Conversion { instance: "syunikwin".to_owned(), grants });
    for device in ["syunikwin", "syunikwin.epygicloud.com", "Head Office", "ECQX-H5PK-ZCHK-67HJ-G9HK"] {
        assert_eq!(judge(&ecqx_for(device), &one(on_trial(trial_ends_at))), expected, "{device}");
    }
}

#[test]
fn a_trial_that_has_not_started_is_converted_too() {
    let mut instance = on_trial(LATER);
    instance.life.trial = None;
    assert!(matches!(judge(&ecqx_for("syunikwin"), &one(instance)), Ok(Decision::Conversion { .. })));
}

#[test]
fn a_conversion_needs_no_host_name_and_looks_at_none() {
    let mut order = ecqx_for("syunikwin");
    for note in ["", "thanks", "hostname: a\nhostname: b", "www"] {
        note.clone_into(&mut order.note);
        assert!(matches!(judge(&order, &one(on_trial(LATER))), Ok(Decision::Conversion { .. })), "{note}");
    }
}

#[test]
fn one_line_that_names_the_device_is_enough() {
    for line in [0, 1] {
        let mut order = ecqx_for("syunikwin");
        order.lines[line].device = None;
        assert!(matches!(judge(&order, &one(on_trial(LATER))), Ok(Decision::Conversion { .. })), "{line}");
    }
}

#[rstest]
#[case::paid(ecqx_for("syunikwin"), one_instance(), &["InstanceAlreadyPaid"])]
#[case::paid_though_a_host_name_is_given(
    Order { note: "second".to_owned(), ..ecqx_for("syunikwin") }, one_instance(), &["InstanceAlreadyPaid"]
)]
#[case::unsubscribed(ecqx_for("syunikwin"), unsubscribed(syunikwin(), EARLIER), &["InstanceEnded"])]
#[case::trial_unsubscribed(ecqx_for("syunikwin"), unsubscribed(on_trial(LATER), EARLIER), &["InstanceEnded"])]
#[case::trial_over_and_then_unsubscribed(
    ecqx_for("syunikwin"), unsubscribed(on_trial("2026-11-10T00:00:00Z"), EARLIER), &["InstanceEnded"]
)]
#[case::unsubscription_pending(ecqx_for("syunikwin"), unsubscribed(on_trial(EARLIER), LATER), &["InstanceEndPending"])]
#[case::expired(ecqx_for("syunikwin"), one(on_trial(LONG_AGO)), &["InstanceEnded"])]
#[case::by_a_trial(trial(ecqx_for("syunikwin")), one(on_trial(LATER)), &["TrialOfDevice"])]
#[case::unknown(ecqx_for("syunikwn"), one(on_trial(LATER)), &["DeviceUnknown"])]
#[case::two_ecqx(for_device("syunikwin", &[("ECQX", 2)]), one(on_trial(LATER)), &["TooManyEcqx"])]
#[case::too_much(for_device("syunikwin", &[("ECQX", 1), ("CALL-RECORDING", 153)]), one(on_trial(LATER)), &["OverMaximum"])]
fn what_cannot_be_converted_is_held_with_its_reason(
    #[case] order: Order,
    #[case] portfolio: Portfolio,
    #[case] codes: &[&str],
) {
    assert_eq!(judge(&order, &portfolio), Err(codes.to_vec()));
}

#[test]
fn an_order_that_wants_the_host_name_of_the_resellers_own_trial_is_told_how_to_convert_it() {
    let portfolio = |instance| Portfolio { hostname_taken: true, ..one(instance) };
    let order = order("syunikwin", &[("ECQX", 1)]);
    assert_eq!(judge(&order, &portfolio(on_trial(LATER))), Err(vec!["HostnameOnTrial"]));
    assert_eq!(judge(&order, &portfolio(syunikwin())), Err(vec!["HostnameTaken"]));
}

#[test]
fn an_order_that_names_its_new_instance_and_another_device_is_held() {
    let mut order = order("second", &[("ECQX", 1), ("CALL-CENTER", 1)]);
    order.lines[0].device = Some("second".to_owned());
    order.lines[1].device = Some("syunikwin".to_owned());
    assert_eq!(judge(&order, &one(on_trial(LATER))), Err(vec!["SeveralDevices"]));
}

#[test]
fn a_conversion_that_was_cut_off_goes_on_whatever_has_become_of_the_instance() {
    let mut instance = syunikwin();
    (instance.converted_by_this_order, instance.display_name) = (true, None);
    let decision = judge(&ecqx_for("Head Office"), &unsubscribed(instance, LATER));
    assert!(matches!(decision, Ok(Decision::Conversion { instance, .. }) if instance == "syunikwin"));
}

#[rstest]
#[case::paid(
    syunikwin(),
    LATER,
    "device syunikwin is unsubscribed and ends at 2026-12-01T00:00:00Z; cancel the unsubscription first, then order again"
)]
#[case::on_trial(
    on_trial("2026-12-10T00:00:00Z"),
    LATER,
    "device syunikwin is unsubscribed and ends at 2026-12-01T00:00:00Z; cancel the unsubscription first, then order again"
)]
#[case::ended(
    syunikwin(),
    EARLIER,
    "device syunikwin ended at 2026-11-20T00:00:00Z: it was unsubscribed; order a new ecQX"
)]
fn an_add_on_for_an_instance_that_is_unsubscribed_is_held_with_the_date(
    #[case] instance: Instance,
    #[case] from: &str,
    #[case] message: &str,
) {
    let order = for_device("syunikwin", &[("CALL-CENTER", 1)]);
    assert_eq!(holds(&order, &unsubscribed(instance, from)), [message]);
}

#[rstest]
#[case(EARLIER, "its trial is over; convert it with a paid order of its ecQX, then order again")]
#[case(LONG_AGO, "its trial is over, and so is the time in which it could be converted; order a new ecQX")]
fn an_add_on_for_an_instance_whose_trial_is_over_is_refused_with_the_remedy(#[case] ended: &str, #[case] remedy: &str) {
    for order in [for_device("syunikwin", &[("CALL-CENTER", 1)]), trial(for_device("syunikwin", &[("CALL-CENTER", 1)]))]
    {
        let portfolio = one(on_trial(ended));
        assert_eq!(judge(&order, &portfolio), Err(vec!["InstanceEnded"]));
        assert!(holds(&order, &portfolio)[0].ends_with(remedy));
    }
}

#[test]
fn only_what_is_paid_and_in_force_counts_towards_a_maximum() {
    let order = for_device("syunikwin", &[("CALL-RECORDING", 52)]);
    assert!(judge(&order, &one_instance()).is_ok(), "100 are paid, 152 is the maximum");
    let more = for_device("syunikwin", &[("CALL-RECORDING", 53)]);
    assert_eq!(judge(&more, &one_instance()), Err(vec!["OverMaximum"]));
}

const BY_COMPANY: &str = r#"{"lifecycle": {"trial": {"scope": "Company"}}}"#;

fn used(settings: &str, company: Option<&str>, services: &[Item]) -> BTreeSet<String> {
    let scope = Settings::parse(settings).unwrap().lifecycle.trial_scope;
    let beneficiary = Beneficiary::of(scope, "reseller-1042", company);
    services.iter().map(|service| beneficiary.claim_name(*service)).collect()
}

#[test]
fn a_second_trial_is_held_and_names_each_service_that_was_tried_before() {
    let order = trial(order("second", &[("ECQX", 1), ("CALL-CENTER", 1), ("CALL-RECORDING", 1)]));
    let services = [Item::Ecqx, Item::Feature(Feature::CallRecording)];
    let portfolio = Portfolio { used_trials: used("{}", None, &services), ..Portfolio::default() };
    assert_eq!(
        holds(&order, &portfolio),
        ["the one trial of Ecqx, CallRecording was used before; order what was tried as a paid order"]
    );
    assert!(judge(&order, &Portfolio::default()).is_ok());
}

#[test]
fn a_trial_of_a_feature_on_an_instance_is_given_once() {
    let order = trial(for_device("syunikwin", &[("CALL-CENTER", 1)]));
    let mut portfolio = one_instance();
    assert!(judge(&order, &portfolio).is_ok());
    portfolio.used_trials = used("{}", None, &[Item::Feature(Feature::CallCenter)]);
    assert_eq!(judge(&order, &portfolio), Err(vec!["TrialUsed"]));
    portfolio.used_trials = used("{}", None, &[Item::Ecqx, Item::Feature(Feature::CallRecording)]);
    assert!(judge(&order, &portfolio).is_ok(), "other trials do not matter");
}

#[test]
fn a_paid_order_has_nothing_to_do_with_trials() {
    let mut portfolio = one_instance();
    portfolio.used_trials = used("{}", None, &[Item::Feature(Feature::CallCenter)]);
    assert!(judge(&for_device("syunikwin", &[("CALL-CENTER", 1)]), &portfolio).is_ok());
}

#[test]
fn where_companies_count_the_trial_of_one_is_not_that_of_another() {
    let mut order = trial(order("second", &[("ECQX", 1)]));
    order.company = Some("Ararat".to_owned());
    let mut portfolio =
        Portfolio { used_trials: used(BY_COMPANY, Some("Syunik"), &[Item::Ecqx]), ..Portfolio::default() };
    assert!(judge_with(BY_COMPANY, &order, &portfolio).is_ok());
    portfolio.used_trials.extend(used(BY_COMPANY, Some(" ARARAT"), &[Item::Ecqx]));
    assert_eq!(judge_with(BY_COMPANY, &order, &portfolio), Err(vec!["TrialUsed"]));
}

#[test]
fn an_add_on_uses_the_trial_of_its_instances_company() {
    let settings = Settings::parse(BY_COMPANY).unwrap();
    let mut portfolio = one_instance();
    portfolio.instances[0].company = Some("Syunik".to_owned());
    let wanted = |order: &Order| wanted_trials(order, &portfolio, &settings, &SkuMap::default());
    let mut order = trial(for_device("syunikwin", &[("CALL-CENTER", 1)]));
    order.company = Some("Ararat".to_owned());
    let names: BTreeSet<String> = wanted(&order).into_values().collect();
    assert_eq!(names, used(BY_COMPANY, Some("Syunik"), &[Item::Feature(Feature::CallCenter)]));
    assert!(wanted(&trial(for_device("other", &[("CALL-CENTER", 1)]))).is_empty(), "nobody knows whose it would be");
}

const AUTUMN: &str = r#"{"promotions": [{"id": "autumn", "from": "2026-09-01T00:00:00Z", "until": "2026-12-01T00:00:00Z",
    "grants": {"CallRecording": 152, "SmsWhatsapp": 1}, "days": 90}]}"#;

fn promised(order: &Order) -> Vec<(Feature, u32, Option<u32>)> {
    match judge_with(AUTUMN, order, &Portfolio::default()) {
        Ok(Decision::NewInstance { promotions, .. }) => {
            promotions.into_iter().map(|grant| (grant.feature, grant.quantity, grant.days)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case("2026-08-31T23:59:59Z", false)]
#[case("2026-09-01T00:00:00Z", true)]
#[case("2026-11-30T23:59:59Z", true)]
#[case("2026-12-01T00:00:00Z", false)]
fn an_order_with_an_ecqx_that_is_placed_in_a_promotions_window_gets_its_grants(
    #[case] placed: &str,
    #[case] gets: bool,
) {
    let mut order = order("syunikwin", &[("ECQX", 1), ("CALL-RECORDING", 10)]);
    order.placed_at = Some(at(placed));
    let expected = [(Feature::CallRecording, 152, Some(90)), (Feature::SmsWhatsapp, 1, Some(90))];
    // With what is ordered it is more than the maximum: that holds no order, the rest is held back on the instance.
    assert_eq!(promised(&order), if gets { expected.to_vec() } else { Vec::new() });
    assert_eq!(promised(&trial(order)).len(), if gets { 2 } else { 0 });
}

#[test]
fn an_add_on_and_a_conversion_get_no_promotion() {
    let placed = |mut order: Order| {
        order.placed_at = Some(at("2026-10-01T00:00:00Z"));
        order
    };
    let add_on = placed(for_device("syunikwin", &[("CALL-CENTER", 1)]));
    assert!(matches!(judge_with(AUTUMN, &add_on, &one_instance()), Ok(Decision::AddOn { .. })));
    let conversion = placed(ecqx_for("syunikwin"));
    assert!(matches!(judge_with(AUTUMN, &conversion, &one(on_trial(LATER))), Ok(Decision::Conversion { .. })));
}
