//! The rules of orders, one by one.

use rstest::rstest;

use super::*;
use crate::lifecycle::{Life, Trial};

const NOW: &str = "2026-11-23T09:00:00Z";
const LATER: &str = "2026-12-01T00:00:00Z";
const EARLIER: &str = "2026-11-20T00:00:00Z";
/// More than 30 days before.
const LONG_AGO: &str = "2026-10-01T00:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn line(sku: &str, quantity: i64) -> super::super::Line {
    super::super::Line { sku: sku.to_owned(), quantity, device: None }
}

fn order(note: &str, lines: &[(&str, i64)]) -> Order {
    Order {
        customer: "1042".to_owned(),
        term: OrderTerm::Paid,
        placed_at: None,
        note: note.to_owned(),
        company: None,
        lines: lines.iter().map(|(sku, quantity)| line(sku, *quantity)).collect(),
    }
}

fn for_device(device: &str, lines: &[(&str, i64)]) -> Order {
    let mut order = order("", lines);
    for line in &mut order.lines {
        line.device = Some(device.to_owned());
    }
    order
}

fn syunikwin() -> Instance {
    Instance {
        name: "syunikwin".to_owned(),
        hostname: "syunikwin".to_owned(),
        display_name: Some("Head Office".to_owned()),
        unique_id: Some("ECQX-H5PK-ZCHK-67HJ-G9HK".to_owned()),
        company: None,
        life: Life::new(OrderTerm::Paid),
        paid: BTreeMap::from([(Feature::CallRecording, 100)]),
        converted_by_this_order: false,
    }
}

/// An instance whose trial ends, or ended, then.
fn on_trial(ends_at: &str) -> Instance {
    let mut instance = syunikwin();
    let ends_at = at(ends_at);
    let started_at = ends_at.checked_sub(jiff::SignedDuration::from_hours(720)).unwrap();
    instance.life = Life { trial: Some(Trial { started_at, ends_at }), ..Life::new(OrderTerm::Trial) };
    instance.paid.clear();
    instance
}

fn unsubscribed(mut instance: Instance, from: &str) -> Portfolio {
    instance.life.unsubscribed_at = Some(at(from));
    one(instance)
}

fn one(instance: Instance) -> Portfolio {
    Portfolio { instances: vec![instance], ..Portfolio::default() }
}

fn one_instance() -> Portfolio {
    one(syunikwin())
}

fn judge(order: &Order, portfolio: &Portfolio) -> Result<Decision, Vec<&'static str>> {
    judge_with("{}", order, portfolio)
}

fn judge_with(settings: &str, order: &Order, portfolio: &Portfolio) -> Result<Decision, Vec<&'static str>> {
    let settings = Settings::parse(settings).unwrap();
    evaluate(order, portfolio, &settings, &SkuMap::default(), at(NOW))
        .map_err(|holds| holds.iter().map(Hold::code).collect())
}

fn holds(order: &Order, portfolio: &Portfolio) -> Vec<String> {
    let judged = evaluate(order, portfolio, &Settings::parse("{}").unwrap(), &SkuMap::default(), at(NOW));
    judged.unwrap_err().iter().map(Hold::to_string).collect()
}

#[test]
fn an_ecqx_with_services_is_a_new_instance_with_the_services_granted() {
    let decision = judge(&order("syunikwin", &[("IP-PHONE-EXT", 10), ("ECQX", 1)]), &Portfolio::default());
    let grants = vec![LineGrant { line: 0, feature: Feature::IpPhoneExtension, quantity: 10 }];
    let hostname = Label::parse("syunikwin").unwrap();
    assert_eq!(decision, Ok(Decision::NewInstance { hostname, grants, promotions: Vec::new() }));
}

#[rstest]
#[case("syunikwin")]
#[case("SyunikWin.epygicloud.com")]
#[case(" syunikwin.epygicloud.com. ")]
#[case("head office")]
#[case("ecqx-h5pk-zchk-67hj-g9hk")]
fn an_add_on_goes_to_the_device_it_names(#[case] device: &str) {
    let decision = judge(&for_device(device, &[("CALL-RECORDING", 2)]), &one_instance());
    let grants = vec![LineGrant { line: 0, feature: Feature::CallRecording, quantity: 2 }];
    assert_eq!(decision, Ok(Decision::AddOn { instance: "syunikwin".to_owned(), grants }));
}

#[test]
fn a_line_without_a_device_goes_with_those_that_name_one() {
    let mut order = for_device("syunikwin", &[("CALL-RECORDING", 2), ("SMS-WHATSAPP", 1)]);
    order.lines[1].device = None;
    assert!(judge(&order, &one_instance()).is_ok());
}

#[rstest]
#[case(None)]
#[case(Some("second"))]
#[case(Some("Second.epygicloud.com"))]
fn an_add_on_in_an_order_with_an_ecqx_belongs_to_the_new_instance(#[case] device: Option<&str>) {
    let mut order = order("second", &[("ECQX", 1), ("CALL-RECORDING", 152)]);
    order.lines[1].device = device.map(str::to_owned);
    assert!(matches!(judge(&order, &one_instance()), Ok(Decision::NewInstance { .. })));
}

#[rstest]
#[case::no_lines(order("syunikwin", &[]), &["NoLines"])]
#[case::unknown(order("syunikwin", &[("ECQX", 1), ("PHONES", 1)]), &["UnknownSku"])]
#[case::empty_sku(order("syunikwin", &[("", 1)]), &["UnknownSku"])]
#[case::zero(order("syunikwin", &[("ECQX", 0)]), &["QuantityOutOfRange"])]
#[case::negative(order("syunikwin", &[("ECQX", 1), ("CALL-CENTER", -1)]), &["QuantityOutOfRange"])]
#[case::huge(order("syunikwin", &[("ECQX", 1), ("CALL-CENTER", i64::MAX)]), &["QuantityOutOfRange", "OverMaximum"])]
#[case::two_lines(order("syunikwin", &[("ECQX", 1), ("ECQX", 1)]), &["TooManyEcqx"])]
#[case::quantity_two(order("syunikwin", &[("ECQX", 2)]), &["TooManyEcqx"])]
#[case::no_name(order("please call", &[("ECQX", 1)]), &["HostnameMissing"])]
#[case::two_names(order("hostname: a\nhostname: b", &[("ECQX", 1)]), &["HostnameAmbiguous"])]
#[case::bad_name(order("hostname: -a", &[("ECQX", 1)]), &["HostnameInvalid"])]
#[case::reserved(order("www", &[("ECQX", 1)]), &["HostnameReserved"])]
#[case::first(order("", &[("CALL-RECORDING", 1)]), &["FirstOrderWithoutEcqx"])]
#[case::over(order("syunikwin", &[("ECQX", 1), ("CALL-RECORDING", 100), ("CALL-RECORDING", 53)]), &["OverMaximum"])]
#[case::base_counts(order("syunikwin", &[("ECQX", 1), ("IP-PHONE-EXT", 2996)]), &["OverMaximum"])]
#[case::flag_twice(order("syunikwin", &[("ECQX", 1), ("SMS-WHATSAPP", 2)]), &["OverMaximum"])]
#[case::all_at_once(
    order("", &[("ECQX", 2), ("PHONES", 1), ("CALL-RECORDING", 153)]),
    &["UnknownSku", "TooManyEcqx", "OverMaximum", "HostnameMissing"]
)]
fn a_first_order_is_held_for_every_reason_it_gives(#[case] order: Order, #[case] codes: &[&str]) {
    assert_eq!(judge(&order, &Portfolio::default()), Err(codes.to_vec()));
}

#[rstest]
#[case::missing(order("", &[("CALL-RECORDING", 1)]), &["DeviceMissing"])]
#[case::blank(for_device("  ", &[("CALL-RECORDING", 1)]), &["DeviceMissing"])]
#[case::unknown(for_device("other", &[("CALL-RECORDING", 1)]), &["DeviceUnknown"])]
#[case::over_with_granted(for_device("syunikwin", &[("CALL-RECORDING", 53)]), &["OverMaximum"])]
fn an_add_on_is_held_with_its_reason(#[case] order: Order, #[case] codes: &[&str]) {
    assert_eq!(judge(&order, &one_instance()), Err(codes.to_vec()));
}

#[test]
fn an_order_without_a_customer_is_held() {
    let mut order = order("syunikwin", &[("ECQX", 1)]);
    order.customer.clear();
    assert_eq!(judge(&order, &Portfolio::default()), Err(vec!["CustomerMissing"]));
}

#[test]
fn a_taken_name_is_held_and_the_message_does_not_say_by_whom() {
    let order = order("syunikwin", &[("ECQX", 1)]);
    let portfolio = Portfolio { hostname_taken: true, ..Portfolio::default() };
    assert_eq!(judge(&order, &portfolio), Err(vec!["HostnameTaken"]));
    assert_eq!(holds(&order, &portfolio)[0], "host name syunikwin is taken; order again with another one in the note");
}

#[test]
fn two_devices_of_one_display_name_are_ambiguous_and_nothing_is_guessed() {
    let mut portfolio = one_instance();
    portfolio.instances.push(Instance { name: "b".into(), hostname: "b".into(), unique_id: None, ..syunikwin() });
    assert_eq!(judge(&for_device("Head Office", &[("CALL-CENTER", 1)]), &portfolio), Err(vec!["DeviceAmbiguous"]));
    let mut both = for_device("b", &[("CALL-CENTER", 1), ("SMS-WHATSAPP", 1)]);
    both.lines[1].device = Some("syunikwin".to_owned());
    assert_eq!(judge(&both, &portfolio), Err(vec!["SeveralDevices"]));
}

#[test]
fn a_paid_add_on_for_an_instance_on_trial_is_held_and_a_trial_of_a_feature_is_not() {
    let portfolio = one(on_trial(LATER));
    let mut order = for_device("syunikwin", &[("CALL-CENTER", 1)]);
    assert_eq!(judge(&order, &portfolio), Err(vec!["InstanceOnTrial"]));
    order.term = OrderTerm::Trial;
    assert!(judge(&order, &portfolio).is_ok());
}

#[test]
fn the_message_over_a_maximum_names_feature_sum_maximum_and_what_fits() {
    let order = for_device("syunikwin", &[("CALL-RECORDING", 53)]);
    assert_eq!(
        holds(&order, &one_instance())[0],
        "CallRecording would come to 153 (base configuration and earlier orders included), above the maximum of 152 on one \
         instance; order at most 52"
    );
}

#[test]
fn the_wanted_host_name_is_known_only_of_orders_with_an_ecqx() {
    let settings = Settings::parse("{}").unwrap();
    let wanted = |order: &Order| wanted_hostname(order, &settings, &SkuMap::default()).map(|label| label.to_string());
    assert_eq!(wanted(&order("syunikwin", &[("ECQX", 1)])), Some("syunikwin".to_owned()));
    assert_eq!(wanted(&order("syunikwin", &[("CALL-CENTER", 1)])), None);
    assert_eq!(wanted(&order("www", &[("ECQX", 1)])), None);
}

mod over_time;
