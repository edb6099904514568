//! The drawn example of docs/entitlements.md comes to what the page says.

use super::*;

const PAGE: &str = include_str!("../../../../docs/entitlements.md");

/// The YAML blocks of the page, in order.
fn blocks() -> Vec<Value> {
    let blocks = PAGE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|yaml| serde_saphyr::from_str(yaml).unwrap()).collect()
}

#[test]
fn twenty_ports_a_request_for_twelve_and_an_order_of_five_are_what_the_documentation_draws() {
    let [written, shown] = &blocks()[..] else { panic!("the page has two blocks of YAML") };
    let set: LicenseSet = serde_json::from_value(written.clone()).unwrap();
    let shown: LicenseSetStatus = serde_json::from_value(shown["status"].clone()).unwrap();
    let now = "2025-10-22T00:00:00Z";
    let status = recorded(&set, now).status.unwrap();
    assert_eq!(status.grants, shown.grants);
    let standing = standing(&set, now);
    let ledger::Verdict::Pending { reduction, effective_at } = standing.requests["fewer"] else {
        panic!("not pending")
    };
    assert_eq!(reduction, 8);
    assert_eq!(shown.changes, [ChangeRecord { reduction: Some(8), ..status.changes[0].clone() }]);
    assert_eq!(shown.next_transition, Some(Time(effective_at)));
    let recording = standing.entitlements.get(Feature::CallRecording).unwrap();
    assert_eq!((recording.quantity, recording.paid), (25, 25));
    assert_eq!((shown.entitlements[0].quantity, shown.entitlements[0].paid), (25, 25));
    assert_eq!(ports(&set, "2025-11-01T00:00:00Z"), 17);
}
