//! `FqdnClaim`: who holds a name of the zone. Wire type, no I/O.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::license_set::TIME;

/// The API server decides who gets a name: a claim is created, never upserted, and its object's name is the full host name.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "ecqx.epygicloud.com",
    version = "v1alpha1",
    kind = "FqdnClaim",
    plural = "fqdnclaims",
    derive = "PartialEq",
    category = "ecqx",
    doc = "Who holds a name of the zone. The claim's own name is the full host name, so the API server lets one exist. It is written by the operator and outlives the instance.",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".spec.holder.namespace"),
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.holder.name"),
    printcolumn(name = "Reserved until", type_ = "string", json_path = ".spec.reservedUntil"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct FqdnClaimSpec {
    /// The instance that holds the name, or held it last.
    #[x_kube(validation = Rule::new("self.__namespace__ == oldSelf.__namespace__").message("a name stays with the namespace that claimed it"))]
    pub holder: Holder,
    /// Since when the name is no longer in use: its instance ended or was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub freed_at: Option<Time>,
    /// Until when the name is kept for its namespace; then the claim goes, and anybody may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub reserved_until: Option<Time>,
    /// When the data of an instance that was deleted goes as well; absent where data is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub data_deletion_at: Option<Time>,
}

/// An instance, past all doubt.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its UID: an instance deleted and made anew under the same name is another one.
    #[schemars(length(min = 1, max = 64))]
    pub uid: String,
}
