//! The charts as they ship, rendered by Helm and judged by a real API server with strict field validation.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, in its helpers too

use ecqx_domain::{
    settings::{Settings, SettingsDocument},
    trial::Scope,
};
use ecqx_tests::ControlPlane;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::helm::{apply, charts, render};

mod admission;
mod helm;

#[tokio::test]
async fn a_real_api_server_takes_both_charts_and_the_examples() {
    let control_plane = ControlPlane::start().await.unwrap();
    for namespace in ["ecqx-system", "reseller-demo"] {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        let namespaces: Api<Namespace> = Api::all(control_plane.client());
        namespaces.patch(namespace, &PatchParams::apply("tests"), &Patch::Apply(object)).await.unwrap();
    }
    apply(&control_plane, &render("ecqx-crds", &[]).unwrap(), &[]).unwrap();
    let all =
        "dns.service.clusterIP=10.96.0.10,bridge.skus.ECQX=Ecqx,pbx.imagePullSecrets={a,b},imagePullSecrets[0].name=c";
    let names = "dns.externalDns=beside,dns.queryLog=1000,dns.replicas=3";
    for set in [&[][..], &[all][..], &[names][..], &["dns.enabled=false,bridge.enabled=false"][..]] {
        let answer = apply(&control_plane, &render("ecqx", set).unwrap(), &["--dry-run=server"]).unwrap();
        assert!(answer.contains("deployment.apps/ecqx-operator serverside-applied"), "{answer}");
    }
    for example in std::fs::read_dir(charts().with_file_name("examples")).unwrap() {
        let path = example.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let manifests = std::fs::read_to_string(&path).unwrap();
            apply(&control_plane, &manifests, &["--dry-run=server"])
                .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
    control_plane.stop().await.unwrap();
}

#[test]
fn a_wrong_value_is_refused_with_its_path() {
    for (set, path) in [
        ("settings.zona=x", "/settings"),
        ("settings.baseConfiguration.Phones=1", "/settings/baseConfiguration"),
        ("settings.zone=a_b", "/settings/zone"),
        ("dns.replicas=0", "/dns/replicas"),
        ("dns.externalDns=perhaps", "/dns/externalDns"),
        ("dns.queryLog=-1", "/dns/queryLog"),
        ("bridge.skus.X=Nothing", "/bridge/skus/X"),
        ("settings.pbx.exposure=Internet", "/settings/pbx/exposure"),
        ("settings.pbx.rtpPorts=0", "/settings/pbx/rtpPorts"),
        ("settings.pbx.consoleFrom={everywhere}", "/settings/pbx/consoleFrom/0"),
        ("settings.pbx.agentFrom={Monitoring}", "/settings/pbx/agentFrom/0"),
        ("settings.pbx.drain=long", "/settings/pbx/drain"),
        ("settings.lifecycle.trial.length=soon", "/settings/lifecycle/trial/length"),
        ("settings.lifecycle.trial.length=-30d", "/settings/lifecycle/trial/length"),
        ("settings.lifecycle.trial.reminders={7d,never}", "/settings/lifecycle/trial/reminders/1"),
        ("settings.lifecycle.trial.scope=Everybody", "/settings/lifecycle/trial/scope"),
        ("settings.lifecycle.suspension.grace=7", "/settings/lifecycle/suspension/grace"),
        ("settings.lifecycle.suspension.drainDeadline=4 hours", "/settings/lifecycle/suspension/drainDeadline"),
        ("settings.lifecycle.retention.data=d", "/settings/lifecycle/retention/data"),
        ("settings.lifecycle.retention.deleteData=maybe", "/settings/lifecycle/retention/deleteData"),
        ("settings.lifecycle.retention.deletionNotice=1y", "/settings/lifecycle/retention/deletionNotice"),
        ("settings.lifecycle.retention.name=", "/settings/lifecycle/retention/name"),
        ("settings.lifecycle.retention.names=90d", "/settings/lifecycle/retention"),
        ("settings.promotions[0].id=autumn", "/settings/promotions/0"),
        ("admission.enabled=perhaps", "/admission/enabled"),
    ] {
        let complaint = render("ecqx", &[set]).unwrap_err();
        assert!(complaint.contains(path), "{set}: {complaint}");
    }
}

#[test]
fn names_are_handed_over_to_external_dns_where_it_is_said_and_then_only_is_the_right_to_granted() {
    let name_server = "name: ecqx-dns-replicas";
    for (set, hands_over, serves) in [
        (&[][..], false, true),
        (&["dns.externalDns=off"][..], false, true),
        (&["dns.externalDns=false"][..], false, true),
        (&["dns.externalDns=beside"][..], true, true),
        (&["dns.externalDns=instead"][..], true, false),
    ] {
        let rendered = render("ecqx", set).unwrap();
        assert_eq!(rendered.contains("dnsendpoints"), hands_over, "{set:?}");
        assert_eq!(rendered.contains("ECQX_EXTERNAL_DNS"), hands_over, "{set:?}");
        assert_eq!(rendered.contains(name_server), serves, "{set:?}");
        assert_eq!(rendered.contains("ECQX_NAME_SERVERS"), serves, "{set:?}");
        assert_eq!(rendered.contains("endpointslices"), serves, "{set:?}");
    }
}

/// The settings document that the chart renders.
fn rendered_settings(set: &[&str]) -> String {
    let rendered = render("ecqx", set).unwrap();
    let document = rendered.split("settings.json: |").nth(1).unwrap().split("\n---").next().unwrap();
    let json = document.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| line.starts_with("    "));
    json.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_settings_that_the_chart_renders_by_default_are_those_of_the_product() {
    let settings = Settings::parse(&rendered_settings(&[])).unwrap();
    assert_eq!(settings, Settings::parse("{}").unwrap());
}

#[test]
fn every_setting_of_the_lifecycle_stands_in_the_values_with_the_default_of_the_domain() {
    let document: Value = serde_json::from_str(&rendered_settings(&[])).unwrap();
    let defaults = serde_json::to_value(SettingsDocument::default()).unwrap();
    for part in ["lifecycle", "billing", "promotions"] {
        assert_eq!(document[part], defaults[part], "{part}");
    }
}

#[test]
fn what_is_set_in_the_values_is_what_the_product_reads() {
    let promotion = "settings.promotions[0]";
    let set = [
        "settings.lifecycle.trial.length=1d 12h".to_owned(),
        "settings.lifecycle.trial.reminders={6h}".to_owned(),
        "settings.lifecycle.trial.scope=Company".to_owned(),
        "settings.lifecycle.retention.deleteData=true".to_owned(),
        format!("{promotion}.id=autumn,{promotion}.days=90,{promotion}.grants.CallRecording=2"),
        format!("{promotion}.from=2026-09-01T00:00:00Z,{promotion}.until=2026-12-01T00:00:00Z"),
    ];
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let settings = Settings::parse(&rendered_settings(&set)).unwrap();
    assert_eq!(settings.lifecycle.trial.as_hours(), 36);
    assert_eq!(settings.lifecycle.trial_scope, Scope::Company);
    assert!(settings.lifecycle.delete_data);
    assert_eq!((settings.promotions[0].id.as_str(), settings.promotions[0].days), ("autumn", Some(90)));
}
