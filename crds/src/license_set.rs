//! `LicenseSet`: the ledger of one instance, as facts. Wire type, no I/O.

use ecqx_domain::{feature::Feature, item::Item, ledger::Term};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// The times that every reader takes. The API server's own `date-time` lets through what a reader refuses, such as an offset of
/// +99:99 or the last day of 9999; one such object would make the list of all of them unreadable.
pub(crate) const TIME: &str = "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

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
    printcolumn(name = "Next change", type_ = "string", json_path = ".status.nextTransition"),
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

    /// What was asked to be less. Each entry is a fact with an id, as the grants are; `status.changes` says what became of it
    /// and when it takes effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub changes: Vec<Change>,
}

/// A fact: so many of a feature were granted.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.feature == oldSelf.feature").message("a grant's feature cannot change; give another feature an entry with an id of its own"))]
#[x_kube(validation = Rule::new("!has(self.days) || self.term == 'Promotion'").message("days is for promotions: a trial lasts as long as the provider's settings say, and what is bought has no end"))]
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
    /// From when it counts (RFC 3339); left out, it counts from the first sight, which is recorded in the status. A trial
    /// never starts before its instance is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub granted_at: Option<MicroTime>,
    /// The order that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub order_ref: Option<String>,
    /// Of a promotion: for how many days of 24 hours it counts; left out, as long as the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3660))]
    pub days: Option<i32>,
}

/// The term of a grant that names none.
const fn paid() -> Term {
    Term::Paid
}

/// A fact: somebody asked for less of a service. It is never taken out again: cancel it, so that the record stays whole.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.service == oldSelf.service && self.kind == oldSelf.kind && has(self.newQuantity) == has(oldSelf.newQuantity) && (!has(self.newQuantity) || self.newQuantity == oldSelf.newQuantity)").message("a change request stands as it was made; cancel it, and make another with an id of its own"))]
#[x_kube(validation = Rule::new("!(has(oldSelf.cancelled) && oldSelf.cancelled) || (has(self.cancelled) && self.cancelled)").message("a request that was cancelled stays cancelled; make another with an id of its own"))]
#[x_kube(validation = Rule::new("self.kind == 'Decrease' ? has(self.newQuantity) : !has(self.newQuantity)").message("newQuantity is needed for a Decrease, and has no meaning for an Unsubscribe"))]
#[x_kube(validation = Rule::new("self.service != 'Ecqx' || self.kind == 'Unsubscribe'").message("the ecQX itself has no quantity: use kind Unsubscribe"))]
#[x_kube(validation = Rule::new("!has(self.cancelledAt) || (has(self.cancelled) && self.cancelled)").message("cancelledAt says when a request was cancelled: set cancelled to true as well"))]
pub struct Change {
    /// Unique among the changes of the set.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9]([-A-Za-z0-9._/:]*[A-Za-z0-9])?$"))]
    pub id: String,
    /// Of which service: a feature, or Ecqx, which ends the instance with every service on it.
    pub service: Item,
    /// Decrease or Unsubscribe.
    pub kind: ChangeKind,
    /// Of a decrease: how many are to be left of those that are paid. Neither the base configuration, trials nor promotions
    /// can be reduced, nor do they count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub new_quantity: Option<i32>,
    /// When it was asked (RFC 3339); left out, the first sight counts, which is recorded in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub requested_at: Option<MicroTime>,
    /// True takes the request back, until it has taken effect.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancelled: bool,
    /// When it was taken back (RFC 3339); left out, the first sight counts, which is recorded in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub cancelled_at: Option<MicroTime>,
}

/// What is asked for; an increase is an order.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// Less of it, from the first day of the next month on.
    Decrease,
    /// None of it, from the first day of the next month on, or of the month after where the cut-off has passed.
    Unsubscribe,
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
    /// Each grant, with the dates that were recorded for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub grants: Vec<GrantRecord>,
    /// Each request for less, with its effective date and what became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub changes: Vec<ChangeRecord>,
    /// When something changes next by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub next_transition: Option<Time>,
    /// Why it is as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// What is on record of a grant. First sights are recorded to the microsecond: the order of two facts within a second counts.
/// A date stands as it was recorded, whatever the settings say later.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantRecord {
    /// Which.
    #[schemars(length(max = 128))]
    pub id: String,
    /// From when it counts.
    #[schemars(regex(pattern = TIME))]
    pub counts_from: MicroTime,
    /// From when it no longer counts: the end of a trial that has started, or of a promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub until: Option<Time>,
    /// How it stands.
    pub state: GrantState,
}

/// How a grant stands.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantState {
    /// It counts.
    InForce,
    /// Its time is yet to come, or its instance is.
    Waiting,
    /// It has run out, or what was tried has been bought.
    Ended,
    /// A second trial: it never counts.
    Refused,
}

/// What is on record of a request. A date stands as it was recorded, whatever the settings say later.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRecord {
    /// Which.
    #[schemars(length(max = 128))]
    pub id: String,
    /// When it was asked.
    #[schemars(regex(pattern = TIME))]
    pub requested_at: MicroTime,
    /// When it takes effect, or took: 00:00 in the provider's billing zone on a first of the month.
    #[schemars(regex(pattern = TIME))]
    pub effective_at: Time,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub cancelled_at: Option<MicroTime>,
    /// What became of it.
    pub verdict: Verdict,
    /// By how much it reduces the paid quantity: measured against the quantity at the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduction: Option<i64>,
    /// In words: why it was refused, what replaced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub message: Option<String>,
}

/// What became of a request.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Its own date is yet to come.
    NotYetMade,
    /// It takes effect at its date.
    Pending,
    /// It has taken effect.
    Applied,
    /// It was taken back in time.
    Cancelled,
    /// A later request took its place.
    Replaced,
    /// It cannot be; nothing changed.
    Refused,
    /// The instance had ended before.
    Void,
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

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_false(flag: &bool) -> bool {
    !*flag
}
