//! `EcqxInstance`: one virtual PBX. Wire type, no I/O.

use std::collections::BTreeMap;

use ecqx_domain::{
    feature::Feature,
    foresight,
    lifecycle::{Phase, Reached},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::license_set::TIME;

pub use pbx::{
    ConferenceRoom, Extension, MediaEncryption, PbxResources, PbxSpec, Queue, QueueStrategy, Recording, RingGroup,
    RingStrategy, Tls, Voicemail,
};
pub use reach::{Day, Exposure, LoadBalancer, MaintenanceWindow};

mod pbx;
mod reach;

/// What a reseller wants of one ecQX.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ecqx.epygicloud.com",
    version = "v1alpha1",
    kind = "EcqxInstance",
    plural = "ecqxinstances",
    namespaced,
    status = "EcqxInstanceStatus",
    derive = "PartialEq",
    shortname = "ecqx",
    category = "ecqx",
    selectable = ".spec.hostname",
    doc = "One ecQX: a virtual PBX with a name under the zone, a StatefulSet with one Asterisk pod, and the limits of the LicenseSet that has the same name.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "FQDN", type_ = "string", json_path = ".status.fqdn"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Extensions", type_ = "integer", json_path = ".status.limits.IpPhoneExtension"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message"),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.nextTransition.what", priority = 1),
    printcolumn(name = "Next at", type_ = "string", json_path = ".status.nextTransition.at", priority = 1),
    printcolumn(name = "Address", type_ = "string", json_path = ".status.addresses[0]", priority = 1),
    printcolumn(name = "Unique ID", type_ = "string", json_path = ".status.uniqueId", priority = 1),
    printcolumn(name = "Company", type_ = "string", json_path = ".spec.company", priority = 1),
    validation = Rule::new("size(self.metadata.name) <= 47").message("metadata.name must have at most 47 characters: the names of pods and revisions are made from it"),
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("metadata.name must be a DNS label: lower-case letters, digits and inner hyphens, no dots"),
    validation = Rule::new("self.spec.term == oldSelf.spec.term || !has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase != 'Expired'").message("spec.term: the trial can no longer be converted, for the time after its end has passed for which data is kept; order a new ecQX")
)]
#[serde(rename_all = "camelCase")]
pub struct EcqxInstanceSpec {
    /// The label under the zone: `syunikwin` becomes syunikwin.epygicloud.com. It can never change, and one instance in the
    /// whole cluster can hold it.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(
        validation = Rule::new("self == oldSelf").message("hostname is immutable: the name was published; make a new instance for another name"),
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("hostname must be a DNS label: lower-case letters, digits and inner hyphens, such as syunikwin")
    )]
    pub hostname: String,

    /// The name that people see; it changes freely, and the FQDN never follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), regex(pattern = r"^[^\x00-\x1f\x7f]*$"))]
    pub display_name: Option<String>,

    /// The end customer for whom the reseller ordered the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), regex(pattern = r"^[^\x00-\x1f\x7f]*$"))]
    pub company: Option<String>,

    /// Trial or Paid. A trial can become paid, never the reverse.
    #[serde(default)]
    #[x_kube(validation = Rule::new("self == oldSelf || (oldSelf == 'Trial' && self == 'Paid')").message("term can only change from Trial to Paid"))]
    pub term: InstanceTerm,

    /// True takes the instance out of service: no pod and no name in the DNS. Data and host name are kept.
    #[serde(default)]
    pub suspended: bool,

    /// Since when the payment for the next period is overdue (RFC 3339). After the grace period the instance is suspended, with
    /// data and host name kept; taking this field out again, once the payment has come, resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub payment_failed_at: Option<Time>,

    /// True makes the operator leave the instance and its objects as they are, for repairs by hand.
    #[serde(default)]
    pub paused: bool,

    /// The PBX itself.
    #[serde(default)]
    pub pbx: PbxSpec,

    /// How phones reach the PBX; the provider's default when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,

    /// When the pod may be replaced for a change of image, resources or certificate. Left out, that is done at the next moment
    /// without calls. A pod that is broken is replaced at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_window: Option<MaintenanceWindow>,

    /// When somebody means to move the instance, so that its addresses change (RFC 3339): resolvers are asked to keep its records
    /// for a shorter time from before that until an hour after it. Nothing is moved by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub planned_move_at: Option<Time>,
}

impl EcqxInstanceSpec {
    /// An instance of which nothing but its host name is said, as the API server would complete it.
    pub fn of(hostname: &str) -> Self {
        Self {
            hostname: hostname.to_owned(),
            display_name: None,
            company: None,
            term: InstanceTerm::default(),
            suspended: false,
            payment_failed_at: None,
            paused: false,
            pbx: PbxSpec::default(),
            exposure: None,
            maintenance_window: None,
            planned_move_at: None,
        }
    }
}

/// Under which term an instance runs.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceTerm {
    /// 30 days, once.
    Trial,
    /// Bought.
    #[default]
    Paid,
}

/// What holds now.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EcqxInstanceStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The identity that never changes and is never reused; quote it in orders and to support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<String>,
    /// The full name, once it is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// Where the instance stands in its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<InstancePhase>,
    /// When it was ready for the first time, recorded once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub first_ready_at: Option<Time>,
    /// Its trial, once it has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialPeriod>,
    /// Since when and why it takes no calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_service: Option<OutOfService>,
    /// When it ended: its trial was over, or it was unsubscribed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub ended_at: Option<Time>,
    /// When its data is deleted; absent where data is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub data_deletion_at: Option<Time>,
    /// From when others may take its host name, recorded at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub name_release_at: Option<Time>,
    /// When its data was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub data_deleted_at: Option<Time>,
    /// What has happened by itself, each once: a clock that is set back undoes none of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub reached: Vec<Milestone>,
    /// What happens next by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_transition: Option<Milestone>,
    /// Everything that will happen by itself as things stand, in order of time; the nearest 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub upcoming: Vec<Upcoming>,
    /// Where SIP is answered; this is what the DNS publishes. Empty while the instance is not ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub addresses: Vec<String>,
    /// True while SIP over TLS is answered there too; the DNS then publishes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sips: bool,
    /// When the records of its name are about to change; it stands here from so long before that all copies with the usual TTL have
    /// run out by then, and the DNS gives a shorter one meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub records_change_at: Option<Time>,
    /// What the instance may use, by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, i64>,
    /// The generation of limits.json that the operator has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits_generation: Option<String>,
    /// Extensions that are configured but beyond the licensed number, so disabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled_extensions: Vec<String>,
    /// Why it is as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// Where an instance stands in its life.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstancePhase {
    /// In service on trial; its clock starts when it is ready for the first time.
    Trial,
    /// In service, bought.
    Paid,
    /// In service, though a payment is overdue.
    Grace,
    /// Out of service; data and host name are kept.
    Suspended,
    /// The trial is over, or the ecQX was unsubscribed. Data and host name are kept for a time.
    Ended,
    /// The time for which data is kept has passed as well.
    Expired,
}

/// The time of a trial.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialPeriod {
    /// When the instance was ready for the first time.
    #[schemars(regex(pattern = TIME))]
    pub started_at: Time,
    /// From when the trial is over.
    #[schemars(regex(pattern = TIME))]
    pub ends_at: Time,
}

/// An instance that is to take no more calls.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutOfService {
    /// From when no new call is let in.
    #[schemars(regex(pattern = TIME))]
    pub since: Time,
    /// Why: `Suspended`, `PaymentFailed`, `TrialEnded` or `Unsubscribed`.
    #[schemars(length(max = 64))]
    pub cause: String,
    /// Until when calls in progress may finish.
    #[schemars(regex(pattern = TIME))]
    pub drain_until: Time,
    /// When it was noticed, where that was late: calls get their full time to finish from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    pub noticed_at: Option<Time>,
}

/// Something that happens by itself, with its date.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Milestone {
    /// When.
    #[schemars(regex(pattern = TIME))]
    pub at: Time,
    /// What, such as `TrialEnd`.
    #[schemars(length(max = 64))]
    pub what: String,
}

impl From<foresight::Upcoming> for Upcoming {
    fn from(upcoming: foresight::Upcoming) -> Self {
        let step = upcoming.quantity;
        Self {
            // As it is written: what is worked out anew has to be what is read back.
            at: Time(jiff::Timestamp::from_second(upcoming.at.as_second()).unwrap_or(upcoming.at)),
            what: upcoming.event.name().to_owned(),
            cause: upcoming.cause,
            effect: upcoming.effect,
            feature: step.map(|step| step.feature),
            from: step.map(|step| i64::from(step.from)),
            to: step.map(|step| i64::from(step.to)),
            disables: upcoming.disables,
        }
    }
}

impl From<Phase> for InstancePhase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Trial => Self::Trial,
            Phase::Paid => Self::Paid,
            Phase::Grace => Self::Grace,
            Phase::Suspended => Self::Suspended,
            Phase::Ended => Self::Ended,
            Phase::Expired => Self::Expired,
        }
    }
}

impl From<Reached> for Milestone {
    fn from(reached: Reached) -> Self {
        Self { at: Time(reached.at), what: reached.milestone.name().to_owned() }
    }
}

/// One thing that will happen by itself.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upcoming {
    /// When.
    #[schemars(regex(pattern = TIME))]
    pub at: Time,
    /// What, such as Decrease.
    #[schemars(length(max = 64))]
    pub what: String,
    /// Why: which request, which trial.
    #[schemars(length(max = 500))]
    pub cause: String,
    /// What it does.
    #[schemars(length(max = 500))]
    pub effect: String,
    /// The feature whose quantity changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature>,
    /// How many may be used before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// How many may be used after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// The extensions that are disabled by it, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3000))]
    pub disables: Vec<String>,
}
