//! `FqdnClaim`: who holds a name of the zone. Wire type, no I/O.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

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
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct FqdnClaimSpec {
    /// The instance that holds the name, or held it last.
    #[x_kube(validation = Rule::new("self.__namespace__ == oldSelf.__namespace__").message("a name stays with the namespace that claimed it"))]
    pub holder: Holder,
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
