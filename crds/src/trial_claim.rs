//! `TrialClaim`: who used the trial of a service. Wire type, no I/O.

use ecqx_domain::item::Item;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{fqdn_claim::Holder, license_set::TIME};

/// A trial is given once: a claim is created, never upserted, and its object's name stands for the beneficiary and the service,
/// so the API server lets one exist. It outlives the instance, its namespace and every status.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "ecqx.epygicloud.com",
    version = "v1alpha1",
    kind = "TrialClaim",
    plural = "trialclaims",
    derive = "PartialEq",
    category = "ecqx",
    doc = "Who used the one trial of a service, when it began and when it ends. It is written by the operator and outlives the instance and its namespace; deleting it gives the trial back, once the instance or the grant that was on trial has gone.",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".spec.holder.namespace"),
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.holder.name"),
    printcolumn(name = "Service", type_ = "string", json_path = ".spec.service"),
    printcolumn(name = "Started", type_ = "string", json_path = ".spec.startedAt"),
    printcolumn(name = "Ends", type_ = "string", json_path = ".spec.endsAt"),
    printcolumn(name = "Company", type_ = "string", json_path = ".spec.company", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.service == oldSelf.service && has(self.company) == has(oldSelf.company) && (!has(self.company) || self.company == oldSelf.company)").message("whose trial of which service it is cannot change"))]
#[x_kube(validation = Rule::new("!has(oldSelf.startedAt) || (has(self.startedAt) && self.startedAt == oldSelf.startedAt && has(self.endsAt) && self.endsAt == oldSelf.endsAt)").message("the start of a trial is recorded once and never moves"))]
#[x_kube(validation = Rule::new("!has(oldSelf.startedAt) || self.holder.uid == oldSelf.holder.uid").message("a trial that has started stays with the instance that used it"))]
#[x_kube(validation = Rule::new("has(self.startedAt) == has(self.endsAt)").message("startedAt and endsAt are recorded together"))]
pub struct TrialClaimSpec {
    /// What is tried: a feature, or Ecqx.
    pub service: Item,
    /// The company, where each company of a reseller has a trial of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub company: Option<String>,
    /// The instance that uses the trial, or used it.
    pub holder: Holder,
    /// When the trial began; absent until its instance is ready for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub started_at: Option<Time>,
    /// From when the trial is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub ends_at: Option<Time>,
}
