//! What a PBX is and whom it serves: the part `spec.pbx` of an instance. Wire type, no I/O.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

pub use dialled::{ConferenceRoom, Queue, QueueStrategy, RingGroup, RingStrategy};
pub use extension::{Extension, MediaEncryption, Recording, Voicemail};

mod dialled;
mod extension;

/// How the PBX is run.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)").message("storageClassName is immutable: a volume cannot change its class"),
    validation = Rule::new("has(self.tls) || !has(self.extensions) || !self.extensions.exists(e, has(e.mediaEncryption) && e.mediaEncryption == 'Required')").message("tls: an extension has mediaEncryption Required, which needs SIP over TLS, or the keys would be read on the way; set tls, or leave mediaEncryption out"),
    validation = Rule::new("!has(self.ringGroups) || !has(self.extensions) || !sets.intersects(self.ringGroups.map(g, g.number), self.extensions.map(e, e.number))").message("ringGroups: a number is an extension's already; each number of a PBX stands for one thing"),
    validation = Rule::new("!has(self.conferenceRooms) || !has(self.extensions) || !sets.intersects(self.conferenceRooms.map(r, r.number), self.extensions.map(e, e.number))").message("conferenceRooms: a number is an extension's already; each number of a PBX stands for one thing"),
    validation = Rule::new("!has(self.queues) || !has(self.extensions) || !sets.intersects(self.queues.map(q, q.number), self.extensions.map(e, e.number))").message("queues: a number is an extension's already; each number of a PBX stands for one thing"),
    validation = Rule::new("!has(self.conferenceRooms) || !has(self.ringGroups) || !sets.intersects(self.conferenceRooms.map(r, r.number), self.ringGroups.map(g, g.number))").message("conferenceRooms: a number is a ring group's already; each number of a PBX stands for one thing"),
    validation = Rule::new("!has(self.queues) || !has(self.ringGroups) || !sets.intersects(self.queues.map(q, q.number), self.ringGroups.map(g, g.number))").message("queues: a number is a ring group's already; each number of a PBX stands for one thing"),
    validation = Rule::new("!has(self.queues) || !has(self.conferenceRooms) || !sets.intersects(self.queues.map(q, q.number), self.conferenceRooms.map(r, r.number))").message("queues: a number is a conference room's already; each number of a PBX stands for one thing")
)]
pub struct PbxSpec {
    /// Another PBX image than the provider's default. It must keep the file contract (docs/pbx-contract.md). A change of it waits
    /// for a moment without calls, and for the maintenance window where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[A-Za-z0-9\[][-A-Za-z0-9._/:@\[\]]*$"))]
    pub image: Option<String>,

    /// The size of the data volume (voicemail, recordings, registrations), such as 1Gi.
    #[serde(default = "one_gibibyte")]
    #[schemars(length(max = 20), regex(pattern = r"^[1-9][0-9]*(Mi|Gi|Ti)$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("storage is immutable: the volume keeps the size that it was made with"))]
    pub storage: String,

    /// The class of the data volume; the cluster's default when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,

    /// Resources of the Asterisk container; the provider's defaults when left out. A change waits as one of the image does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<PbxResources>,

    /// The configured extensions. Left out, they are numbered from 101 up, as many as are licensed. Those beyond the licensed
    /// number are disabled, by number from the highest, and never deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3000))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".into()]))]
    pub extensions: Vec<Extension>,

    /// Numbers that ring several extensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".into()]))]
    pub ring_groups: Vec<RingGroup>,

    /// Rooms for several participants; all rooms share the licensed conference ports. Left out, there is one room, 800, where
    /// ports are licensed and nothing else has that number. Its PINs are in the Secret of the passwords.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".into()]))]
    pub conference_rooms: Vec<ConferenceRoom>,

    /// Queues of the call centre. Without a Call Center bundle they let nobody in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".into()]))]
    pub queues: Vec<Queue>,

    /// SIP over TLS, at port 5061. To add it, or to name another Secret, replaces the pod, as a change of the image does; a
    /// certificate that is renewed in the same Secret is taken up while the PBX runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// The size of a data volume for which none is named.
fn one_gibibyte() -> String {
    "1Gi".to_owned()
}

impl Default for PbxSpec {
    fn default() -> Self {
        Self {
            image: None,
            storage: one_gibibyte(),
            storage_class_name: None,
            resources: None,
            extensions: Vec::new(),
            ring_groups: Vec::new(),
            conference_rooms: Vec::new(),
            queues: Vec::new(),
            tls: None,
        }
    }
}

/// What the Asterisk container is given.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PbxResources {
    /// CPU that is set aside, such as 100m or 2. There is no upper bound: a PBX that is throttled drops audio.
    #[schemars(length(max = 20), regex(pattern = r"^([1-9][0-9]*m|[1-9][0-9]*)$"))]
    pub cpu: String,
    /// Memory that is set aside and the most that may be used, such as 256Mi.
    #[schemars(length(max = 20), regex(pattern = r"^[1-9][0-9]*(Mi|Gi)$"))]
    pub memory: String,
}

/// A certificate for SIP over TLS.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// A Secret in this namespace with tls.crt and tls.key, as cert-manager writes it. While it is missing the PBX goes on without
    /// TLS, and the condition `TlsReady` says so.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub secret_name: String,
}
