//! How phones reach an instance, and when its pod may be replaced. Wire types, no I/O.

use std::collections::BTreeMap;

use ecqx_domain::pbx;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// How phones reach the PBX.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.loadBalancer) || self.type == 'LoadBalancer'").message("loadBalancer: it says something only where type is LoadBalancer"))]
pub struct Exposure {
    /// `PodIP`: at the pod's own address; phones must reach the pods' network. `LoadBalancer`: at an address that the cluster's load
    /// balancer gives, with signalling and a range of RTP ports sized from the limits. `HostNetwork`: at the node's address, one such
    /// PBX a node, in a namespace that admits pods on the node's network (pod security `privileged`). docs/operating.md says what
    /// each needs. A change between `HostNetwork` and another replaces the pod, as a change of the image does.
    #[serde(rename = "type")]
    pub type_: pbx::Exposure,
    /// What the load balancer is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
}

/// What a load balancer is told.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// Which of the cluster's load balancers, by its class; the default one when left out. A Service keeps the class that it was made
    /// with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("class is immutable: a Service keeps the class that it was made with; change type to PodIP and back to have it made anew"))]
    pub class: Option<String>,
    /// Annotations of the Service, as the load balancer reads them, such as an address pool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = Rule::new("self.all(key, !key.startsWith('ecqx.epygicloud.com/'))").message("annotations: those of ecqx.epygicloud.com are the operator's"))]
    pub annotations: BTreeMap<String, String>,
}

/// When the pod may be replaced, each week.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaintenanceWindow {
    /// The weekdays on which it opens, such as Saturday; every day when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub days: Vec<Day>,
    /// When it opens, by the clock on the wall, such as 02:30.
    #[schemars(length(max = 5), regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub start: String,
    /// How long it is open, such as 2h or 1h30m: from 15m to 24h.
    #[schemars(length(max = 6), regex(pattern = r"^([1-9][0-9]?h)?([1-9][0-9]{0,2}m)?$"))]
    #[x_kube(validation = Rule::new("self.size() > 1 && duration(self) >= duration('15m') && duration(self) <= duration('24h')").message("duration must be from 15m to 24h, such as 2h or 1h30m"))]
    pub duration: String,
    /// The time zone of days and start, by its name in the IANA database, such as Europe/Berlin.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// A weekday.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // their names say it
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}
