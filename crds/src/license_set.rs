//! `LicenseSet`: the ledger of one instance, as facts. Wire type, no I/O.

use ecqx_domain::{feature::Feature, ledger::Term};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// The times that every reader takes. The API server's own `date-time` lets through what a reader refuses, such as an offset of
/// +99:99 or the last day of 9999; one such object would make the list of all of them unreadable.
const TIME: &str = "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// The licences of the instance that has the same name in the same namespace.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ecqx.epygicloud.com",
    version = "v1alpha1",
    kind = "LicenseSet",
    plural = "licensesets",
    namespaced,
    status = "LicenseSetStatus",
    derive = "PartialEq",
    shortname = "lic",
    category = "ecqx",
    doc = "The licences of the EcqxInstance that has the same name in the same namespace: facts that were granted, never a computed result.",
    printcolumn(name = "Bound", type_ = "string", json_path = ".status.conditions[?(@.type==\"Bound\")].status"),
    printcolumn(
        name = "Extensions",
        type_ = "integer",
        json_path = ".status.entitlements[?(@.feature==\"IpPhoneExtension\")].quantity"
    ),
    printcolumn(
        name = "Recording",
        type_ = "integer",
        json_path = ".status.entitlements[?(@.feature==\"CallRecording\")].quantity"
    ),
    printcolumn(
        name = "Conference",
        type_ = "integer",
        json_path = ".status.entitlements[?(@.feature==\"AudioConference\")].quantity"
    ),
    printcolumn(
        name = "Held back",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"LimitsHeldBack\")].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct LicenseSetSpec {
    /// What was granted. Each entry is a fact with an id; entries of several writers are merged by it, and the same entry
    /// applied twice is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub grants: Vec<Grant>,
}

/// A fact: so many of a feature were granted.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.feature == oldSelf.feature").message("a grant's feature cannot change; give another feature an entry with an id of its own"))]
pub struct Grant {
    /// Unique in the set, such as the order and line that it came from, or just `extensions`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9]([-A-Za-z0-9._/:]*[A-Za-z0-9])?$"))]
    pub id: String,
    /// What was granted.
    pub feature: Feature,
    /// How many, beside those of the base configuration.
    #[schemars(range(min = 1, max = 100_000))]
    pub quantity: i32,
    /// Under which term.
    #[serde(default = "paid")]
    pub term: Term,
    /// From when it counts (RFC 3339); left out, it counts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub granted_at: Option<Time>,
    /// The order that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub order_ref: Option<String>,
}

/// The term of a grant that names none.
const fn paid() -> Term {
    Term::Paid
}

impl Grant {
    /// The fact that the domain folds.
    pub fn to_fact(&self) -> ecqx_domain::ledger::Grant {
        ecqx_domain::ledger::Grant {
            id: self.id.clone(),
            feature: self.feature,
            quantity: u32::try_from(self.quantity).unwrap_or(0),
            term: self.term,
            granted_at: self.granted_at.as_ref().map(|time| time.0),
            until: None,
        }
    }
}

/// What the facts give now.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LicenseSetStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What may be used, with the origin of each part. Features of which there are none are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["feature".into()]))]
    pub entitlements: Vec<Entitlement>,
    /// Why it is as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// What may be used of one feature.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entitlement {
    /// Of what.
    pub feature: Feature,
    /// What may be used: the sum of the parts, held at the maximum.
    pub quantity: i64,
    /// Part of the base configuration.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub base: i64,
    /// Part that was bought.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paid: i64,
    /// Part on trial.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trial: i64,
    /// Part from promotions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub promotion: i64,
    /// What was granted beyond the maximum and is held back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_back: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_zero(quantity: &i64) -> bool {
    *quantity == 0
}
