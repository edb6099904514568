//! The conditions that the kinds carry: types and reasons in one place. Pure.
//!
//! `Ready`, `Reconciling` and `Stalled` follow kstatus, so `kubectl wait`, Flux and Argo CD read them without being taught.

/// The instance takes calls under its name, with the limits that were bought.
pub const READY: &str = "Ready";
/// Something is still being brought about.
pub const RECONCILING: &str = "Reconciling";
/// Nothing further will happen until somebody changes something.
pub const STALLED: &str = "Stalled";
/// The instance holds its host name.
pub const HOSTNAME_CLAIMED: &str = "HostnameClaimed";
/// The PBX itself reports these limits as applied.
pub const LICENSES_APPLIED: &str = "LicensesApplied";
/// More was granted than one instance can hold; the rest is held back.
pub const LIMITS_HELD_BACK: &str = "LimitsHeldBack";
/// The instance is suspended: no pod, no name in the DNS; data and name are kept.
pub const SUSPENDED: &str = "Suspended";
/// The trials that are wanted are the first of their kind.
pub const TRIAL_ELIGIBLE: &str = "TrialEligible";
/// What the spec says of the PBX can be, and is what the PBX is given. While it cannot be, the last one that could stays.
pub const CONFIGURATION_ACCEPTED: &str = "ConfigurationAccepted";
/// A change of the pod waits for its moment.
pub const ROLLOUT_PENDING: &str = "RolloutPending";
/// Phones reach the PBX as `spec.exposure` says.
pub const EXPOSED: &str = "Exposed";
/// SIP over TLS is answered with the certificate that was named.
pub const TLS_READY: &str = "TlsReady";
/// The name servers lead the instance's name to its addresses.
pub const DNS_PUBLISHED: &str = "DnsPublished";
/// A licence set has an instance of its name.
pub const BOUND: &str = "Bound";

/// An order's number was delivered again with other content, and refused.
pub const CONTENT_CONFLICT: &str = "ContentConflict";

/// Reasons, in the form of the API conventions: one word in camel case.
pub mod reason {
    /// Everything is as wanted.
    pub const AS_DESIRED: &str = "AsDesired";
    /// The pod is not ready yet.
    pub const POD_NOT_READY: &str = "PodNotReady";
    /// The agent in the pod did not answer.
    pub const NO_ANSWER: &str = "NoAnswer";
    /// The PBX has not yet reported the newest limits.
    pub const LIMITS_PENDING: &str = "LimitsPending";
    /// The PBX reports a problem with the newest limits.
    pub const LIMITS_REFUSED: &str = "LimitsRefused";
    /// Something is named that is not there.
    pub const NOT_FOUND: &str = "NotFound";
    /// More than one ConfigMap holds.
    pub const TOO_LARGE: &str = "TooLarge";
    /// Calls are in progress.
    pub const CALLS_IN_PROGRESS: &str = "CallsInProgress";
    /// The maintenance window is closed.
    pub const OUTSIDE_WINDOW: &str = "OutsideWindow";
    /// As many pods as may be at one time are being replaced.
    pub const OTHERS_FIRST: &str = "OthersFirst";
    /// The pod is being replaced.
    pub const REPLACING: &str = "Replacing";
    /// The load balancer has given no address yet.
    pub const AWAITING_ADDRESS: &str = "AwaitingAddress";
    /// There are fewer ports than the limits could use.
    pub const FEWER_PORTS: &str = "FewerPorts";
    /// The certificate is missing, or the PBX cannot use it.
    pub const NO_CERTIFICATE: &str = "NoCertificate";
    /// The first reconcile has not come to an end.
    pub const PROGRESSING: &str = "Progressing";
    /// The spec says something that cannot be.
    pub const INVALID: &str = "Invalid";
    /// Another instance holds the host name.
    pub const HOSTNAME_TAKEN: &str = "HostnameTaken";
    /// The provider keeps the host name for itself.
    pub const HOSTNAME_RESERVED: &str = "HostnameReserved";
    /// The name belongs to a name server, or to the static part of the zone.
    pub const NAME_RESERVED: &str = "NameReserved";
    /// The name is of another zone than the one that is served.
    pub const OTHER_ZONE: &str = "OtherZone";
    /// This version cannot read the object.
    pub const UNREADABLE: &str = "Unreadable";
    /// The name servers serve the name as it should be.
    pub const PUBLISHED: &str = "Published";
    /// external-dns has the name, and has not taken it up yet where the condition does not hold.
    pub const HANDED_OVER: &str = "HandedOver";
    /// The instance takes no calls, so it has no name.
    pub const NOT_IN_SERVICE: &str = "NotInService";
    /// The instance holds the name.
    pub const CLAIMED: &str = "Claimed";
    /// The sum of the grants is over the maximum.
    pub const OVER_MAXIMUM: &str = "OverMaximum";
    /// The sum of the grants is within the maximum.
    pub const WITHIN_MAXIMUM: &str = "WithinMaximum";
    /// The provider suspended the instance.
    pub const SUSPENDED: &str = "Suspended";
    /// A payment was overdue for the whole of the grace period.
    pub const PAYMENT_FAILED: &str = "PaymentFailed";
    /// The trial is over.
    pub const TRIAL_ENDED: &str = "TrialEnded";
    /// The ecQX was unsubscribed.
    pub const UNSUBSCRIBED: &str = "Unsubscribed";
    /// The instance is in service.
    pub const ACTIVE: &str = "Active";
    /// A second trial was wanted.
    pub const TRIAL_USED: &str = "TrialUsed";
    /// It is the first.
    pub const FIRST_TRIAL: &str = "FirstTrial";
    /// The reservation of the name is over.
    pub const RELEASED: &str = "Released";
    /// A write was refused by the API server.
    pub const APPLY_FAILED: &str = "ApplyFailed";
    /// An instance of the licence set's name exists.
    pub const INSTANCE_FOUND: &str = "InstanceFound";
    /// No instance of the licence set's name exists.
    pub const NO_INSTANCE: &str = "NoInstance";
    /// The order has taken effect.
    pub const FULFILLED: &str = "Fulfilled";
    /// The order waits for its payment.
    pub const AWAITING_PAYMENT: &str = "AwaitingPayment";
    /// Something is wrong with the order.
    pub const ON_HOLD: &str = "OnHold";
    /// The order was cancelled before it took effect.
    pub const VOID: &str = "Void";
    /// The content of a delivery is not that of the recorded order.
    pub const OTHER_CONTENT: &str = "OtherContent";
}
