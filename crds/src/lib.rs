//! The custom resources of `ecqx.epygicloud.com/v1alpha1`: wire types, schema, CEL rules. No I/O.
//!
//! One file per kind. Field comments are what `kubectl explain` shows. `crdgen` prints the manifests.

#![allow(clippy::duplicated_attributes)] // kube reads several `printcolumn(..)` with like arguments; clippy takes them for repeats

pub mod condition;
pub mod facts;
pub mod fqdn_claim;
pub mod instance;
pub mod license_set;
pub mod portal_order;
pub mod publication;
pub mod trial_claim;

pub use fqdn_claim::{FqdnClaim, FqdnClaimSpec, Holder};
pub use instance::{
    ConferenceRoom, Day, EcqxInstance, EcqxInstanceSpec, EcqxInstanceStatus, Exposure, Extension, InstancePhase,
    InstanceTerm, LoadBalancer, MaintenanceWindow, MediaEncryption, Milestone, OutOfService, PbxResources, PbxSpec,
    Queue, QueueStrategy, Recording, RingGroup, RingStrategy, Tls, TrialPeriod, Upcoming, Voicemail,
};
pub use license_set::{
    Change, ChangeKind, ChangeRecord, Entitlement, Grant, GrantRecord, GrantState, LicenseSet, LicenseSetSpec,
    LicenseSetStatus, Verdict,
};
pub use portal_order::{
    InstanceRef, OrderLine, OrderPhase, OrderReason, PortalOrder, PortalOrderSpec, PortalOrderStatus,
};
pub use trial_claim::{TrialClaim, TrialClaimSpec};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The API group of all kinds.
pub const GROUP: &str = "ecqx.epygicloud.com";

/// Every kind's definition, in the order in which they are installed.
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![EcqxInstance::crd(), LicenseSet::crd(), FqdnClaim::crd(), TrialClaim::crd(), PortalOrder::crd()]
}
