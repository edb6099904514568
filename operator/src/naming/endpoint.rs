//! The kind `DNSEndpoint` of external-dns (`externaldns.k8s.io/v1alpha1`), as far as it is used here. Pure.

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Records that external-dns brings to a provider of DNS.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "externaldns.k8s.io",
    version = "v1alpha1",
    kind = "DNSEndpoint",
    root = "DnsEndpoint",
    plural = "dnsendpoints",
    namespaced,
    status = "DnsEndpointStatus",
    schema = "disabled",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct DnsEndpointSpec {
    /// One for each set of records.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// A set of records with one name and one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The name, without a final dot.
    #[serde(default)]
    pub dns_name: String,
    /// For how many seconds resolvers may keep it.
    #[serde(default, rename = "recordTTL")]
    pub record_ttl: i64,
    /// Such as `A`.
    #[serde(default)]
    pub record_type: String,
    /// The data of each record, as it would stand in a zone file.
    #[serde(default)]
    pub targets: Vec<String>,
}

/// What external-dns says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsEndpointStatus {
    /// The generation that it has taken up.
    #[serde(default)]
    pub observed_generation: Option<i64>,
}
