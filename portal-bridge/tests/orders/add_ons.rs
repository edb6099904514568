//! Services ordered for an instance that the reseller has.

use ecqx_crds::EcqxInstance;
use ecqx_domain::feature::Feature;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::rig::{Rig, add_on, order};

#[tokio::test]
async fn an_add_on_is_granted_beside_what_was_there_by_any_name_of_the_device() {
    let rig = Rig::start("addon").await;
    rig.deliver(&order(1, 6001, "addon", &[("ECQX", 1), ("IP-PHONE-EXT", 5)])).await;
    let instances: Api<EcqxInstance> = Api::namespaced(rig.admin.clone(), "reseller-6001");
    let (named, status) =
        (json!({"spec": {"displayName": "Head Office"}}), json!({"status": {"uniqueId": "ECQX-H5PK-ZCHK-67HJ-G9HK"}}));
    instances.patch("addon", &PatchParams::default(), &Patch::Merge(&named)).await.unwrap();
    instances.patch_status("addon", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    let devices = ["addon", "addon.epygicloud.com", "Head Office", "ECQX-H5PK-ZCHK-67HJ-G9HK"];
    for (number, device) in (2..).zip(devices) {
        let answer = rig.deliver(&add_on(number, 6001, device, &[("IP-PHONE-EXT", 10)])).await;
        assert_eq!(answer.state(), "Fulfilled", "{device}: {answer:?}");
    }
    let sets = rig.license_sets(6001).await;
    assert_eq!(sets.len(), 1);
    let quantities: Vec<i32> = sets[0].spec.grants.iter().map(|grant| grant.quantity).collect();
    assert_eq!(quantities, [5, 10, 10, 10, 10], "no order takes back what another one granted");
    assert!(sets[0].spec.grants.iter().all(|grant| grant.feature == Feature::IpPhoneExtension));
    let over = rig.deliver(&add_on(9, 6001, "addon", &[("IP-PHONE-EXT", 2951)])).await;
    assert_eq!(over.codes(), ["OverMaximum"]);
    assert!(over.body["reasons"][0]["message"].as_str().unwrap().contains("come to 3001"), "{over:?}");
    assert_eq!(rig.deliver(&add_on(10, 6001, "addon", &[("IP-PHONE-EXT", 2950)])).await.state(), "Fulfilled");
}

#[tokio::test]
async fn the_device_of_another_reseller_is_unknown_and_stays_as_it_is() {
    let rig = Rig::start("tenants").await;
    rig.deliver(&order(1, 6101, "tenant-a", &[("ECQX", 1)])).await;
    rig.deliver(&order(2, 6102, "tenant-b", &[("ECQX", 1)])).await;
    let before = rig.license_sets(6101).await;
    for (number, device) in (3..).zip(["tenant-a", "reseller-6101/tenant-a", "../reseller-6101/tenant-a", ""]) {
        let answer = rig.deliver(&add_on(number, 6102, device, &[("CALL-CENTER", 1)])).await;
        let code = if device.is_empty() { "DeviceMissing" } else { "DeviceUnknown" };
        assert_eq!((answer.state(), answer.codes()), ("OnHold", vec![code]), "{device}");
    }
    assert_eq!(rig.license_sets(6101).await, before);
}

#[tokio::test]
async fn a_paid_add_on_for_an_instance_on_trial_is_held() {
    let rig = Rig::start("on-trial").await;
    let mut trial = order(1, 6201, "on-trial", &[("ECQX", 1)]);
    trial["payment_method"] = json!("trial");
    rig.deliver(&trial).await;
    let paid = add_on(2, 6201, "on-trial", &[("CALL-CENTER", 1)]);
    assert_eq!(rig.deliver(&paid).await.codes(), ["InstanceOnTrial"]);
    let mut feature_trial = add_on(3, 6201, "on-trial", &[("CALL-CENTER", 1)]);
    feature_trial["payment_method"] = json!("trial");
    assert_eq!(rig.deliver(&feature_trial).await.state(), "Fulfilled");
}
