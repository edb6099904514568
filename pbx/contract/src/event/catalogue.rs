//! The kinds. A line each for severity and who sees it, for the payload, for the text, and for what to do. No I/O.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Plain, Raiser, Severity};

/// Each kind becomes a variant with its payload, and an entry of [`KINDS`]. A text has all of its payload, or it does not compile.
macro_rules! catalogue {
    ($($severity:ident $raiser:ident $(($shown:literal))? $kind:ident { $($field:ident: $type:ty),* } $text:literal $remedy:literal)*) => {
        /// What happened. The fields are those that its text names.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", content = "data", rename_all_fields = "camelCase")]
        pub enum SystemEvent {
            $(
                #[doc = $text]
                $kind {
                    $(#[doc = concat!("`", stringify!($field), "` of the text.")] $field: $type,)*
                },
            )*
        }

        /// All kinds.
        pub static KINDS: [Kind; [$(stringify!($kind)),*].len()] = [
            $(Kind {
                name: stringify!($kind),
                severity: Severity::$severity,
                raiser: Raiser::$raiser,
                shown: concat!($($shown)?),
                text: $text,
                remedy: $remedy,
            },)*
        ];

        /// Where each kind stands in [`KINDS`].
        enum Place { $($kind,)* }

        impl SystemEvent {
            /// Its entry of the catalogue.
            pub const fn kind(&self) -> &'static Kind {
                match self {
                    $(Self::$kind { .. } => &KINDS[Place::$kind as usize],)*
                }
            }

            /// What happened, in words.
            pub fn text(&self) -> String {
                match self {
                    $(Self::$kind { $($field),* } => format!($text),)*
                }
            }
        }
    };
}

catalogue! {
    // The PBX: its own life.
    Info Pbx AgentStarted { version: Plain }
        "The agent {version} has started."
        "Nothing. Without an upgrade or a move before it: look why the pod was restarted."
    Info Pbx AsteriskStarted { milliseconds: u64 }
        "Asterisk is booted, {milliseconds} ms after its start."
        "Nothing."
    Critical Pbx AsteriskEnded { status: Plain, pause: u64 }
        "Asterisk has ended by itself ({status}); it is started again in {pause} ms. Calls in progress are lost."
        "When it comes again: keep the pod's log and report it; take back the last change of image."
    Critical Pbx AsteriskSilent { seconds: u64 }
        "Asterisk has not answered for {seconds} s; the kubelet restarts the container."
        "Look at the node's load and memory, and at the pod's log."
    Error Pbx AsteriskComplained { message: Plain }
        "Asterisk says: {message}."
        "Read the pod's log around it."
    Warning Pbx ManagerLost { reason: Plain }
        "The agent has lost its connection to Asterisk's manager interface ({reason}) and makes it anew."
        "Nothing, when Asterisk was restarted. Otherwise look at the pod's log."
    Warning Pbx EventsMissed { count: u64 }
        "{count} happenings in Asterisk came faster than the agent took them; peaks and events may lack some."
        "Give the pod more CPU."
    Warning Pbx EventsHeldBack { kind: Plain, count: u64 }
        "{count} more events of the kind {kind} within a minute were counted, and not kept."
        "Look at those of the kind that were kept."
    Info Pbx DrainStarted { calls: u32, seconds: u64 }
        "The PBX stops: {calls} calls in progress may go on for {seconds} s, new ones get 480."
        "Nothing."
    Info Pbx DrainEnded { milliseconds: u64 }
        "The last call has ended {milliseconds} ms after the PBX was told to stop; none was cut."
        "Nothing."
    Warning Pbx CallsCut { calls: u32 }
        "{calls} calls were cut, for they went on beyond the time that a stop may take."
        "Raise the drain time in the provider's settings when this happens often."

    // The PBX: what it is to do.
    Info Pbx LimitsApplied { generation: Plain, milliseconds: u64 }
        "The limits {generation} are in force, after {milliseconds} ms."
        "Nothing."
    Info Pbx LimitRaised { feature: Plain, from: u32, to: u32 }
        "The limit of {feature} was raised from {from} to {to}."
        "Nothing."
    Warning Pbx LimitLowered { feature: Plain, from: u32, to: u32 }
        "The limit of {feature} was lowered from {from} to {to}; what is in use goes on."
        "Nothing, if it was ordered."
    Info Pbx ExtensionsEnabled { count: u32, first: Plain }
        "{count} extensions were enabled, from {first} on."
        "Nothing."
    Warning Pbx ExtensionsDisabled { count: u32, first: Plain }
        "{count} extensions were disabled, from {first} on; their settings and voicemail are kept."
        "Order more extensions to have them back."
    Warning Pbx ServiceSuspended { generation: Plain }
        "The PBX lets no new call in (limits {generation}); those in progress go on."
        "See why the instance is suspended: payment, trial's end, or the provider."
    Info Pbx ServiceResumed { generation: Plain }
        "The PBX lets calls in again (limits {generation})."
        "Nothing."
    Error Pbx ConfigurationVersionUnknown { file: Plain, found: u32, known: u32 }
        "{file} has schema {found}, this PBX reads {known}; the last good configuration stays in force."
        "Deploy matching versions of operator and PBX image."
    Error Pbx ConfigurationDamaged { file: Plain, reason: Plain }
        "{file} cannot be used: {reason}. The last good configuration stays in force."
        "Let the operator write it anew: delete the ConfigMap if somebody edited it."
    Error Pbx ConfigurationMissing { reason: Plain }
        "A mounted file cannot be read: {reason}."
        "Look at the pod's volumes."
    Error Pbx ConfigurationUnfit { reason: Plain }
        "What is mounted makes no PBX: {reason}. The last good configuration stays in force."
        "Correct the instance's spec."
    Error Pbx SecretMissing { key: Plain }
        "The Secret lacks {key}, or it is not valid; the last good configuration stays in force."
        "Nothing, if it comes within a minute. Otherwise look at the Secret of the instance."
    Error Pbx ConfigurationNotTaken { part: Plain, generation: Plain }
        "Asterisk has not taken {part} of the limits {generation}; it is tried again."
        "Read the pod's log around it and report it."
    Info Pbx ConfigurationRecovered { generation: Plain }
        "The configuration is applied again, with the limits {generation}."
        "Nothing."

    // The PBX: the certificate.
    Info Pbx CertificateTaken { until: Plain }
        "SIP over TLS is answered, with a certificate that is valid until {until}."
        "Nothing."
    Info Pbx CertificateRenewed { until: Plain }
        "A renewed certificate was taken; it is valid until {until}."
        "Nothing."
    Error Pbx CertificateRefused { reason: Plain }
        "The mounted certificate is not used: {reason}. One that is in force stays."
        "Put chain and key that belong together into the Secret."
    Warning Pbx CertificateExpiring { days: i64, until: Plain }
        "The certificate for SIP over TLS ends in {days} days, at {until}."
        "See why it was not renewed (cert-manager's Certificate and its events)."
    Error Pbx CertificateExpired { until: Plain }
        "The certificate for SIP over TLS has ended at {until}; telephones refuse it."
        "Renew it at once."
    Warning Pbx CertificateRemoved {}
        "There is no certificate any more; SIP over TLS is no longer answered."
        "Nothing, if it was meant. Otherwise restore the Secret."

    // The PBX: telephones.
    Info Pbx PhoneRegistered { extension: Plain }
        "A telephone of extension {extension} has registered."
        "Nothing."
    Warning Pbx PhoneGone { extension: Plain }
        "A telephone of extension {extension} is no longer registered: it has signed off, or did not register again in time."
        "Look at the telephone and its network, unless it was switched off."
    Warning Pbx PhoneUnreachable { extension: Plain }
        "The telephone of extension {extension} does not answer."
        "Look at the telephone and its network."
    Info Pbx PhoneReachable { extension: Plain }
        "The telephone of extension {extension} answers again."
        "Nothing."
    Warning Pbx RegistrationRefusedPassword { extension: Plain, source: IpAddr }
        "A telephone at {source} showed a wrong password for extension {extension}."
        "Set the password of the telephone anew. Many of these from one address are an attack, and blocked."
    Warning Pbx RegistrationRefusedUnknown { source: IpAddr }
        "A telephone at {source} tried to register an extension that does not exist."
        "Check the telephone's number. Many of these from one address are an attack, and blocked."
    Warning Pbx RegistrationRefusedDisabled { extension: Plain, source: IpAddr }
        "The telephone of extension {extension} at {source} got no place: the extension is beyond the limit."
        "Order more extensions, or use a lower number."
    Warning Pbx SourceBlocked { source: IpAddr, failures: u32, seconds: u32 }
        "{source} failed to authenticate {failures} times and is blocked for {seconds} s."
        "Nothing against a stranger. If it is a customer's network: correct the telephone's password."
    Info Pbx SourceReleased { source: IpAddr }
        "{source} is no longer blocked."
        "Nothing."
    Info Pbx SubscriptionRefused { extension: Plain }
        "Extension {extension} asked for the state of others without a receptionist's seat."
        "Order seats, or switch the busy lamps off at the telephone."

    // The PBX: calls.
    Warning Pbx CallRefusedDisabled { extension: Plain }
        "A call of extension {extension} was refused: the extension is beyond the limit."
        "Order more extensions, or use a lower number."
    Warning Pbx CallRefusedSuspended { extension: Plain }
        "A call of extension {extension} was refused: the PBX is suspended."
        "See why the instance is suspended."
    Warning Pbx CallRefusedUnknown { source: Plain }
        "A call from {source} was refused: it came from no extension."
        "Nothing against a stranger."
    Warning Pbx CallRefusedUnlicensed { extension: Plain, feature: Plain }
        "A call of extension {extension} was refused: {feature} is not licensed."
        "Order the feature."

    // The PBX: recording, conference, voicemail.
    Info Pbx RecordingStarted { file: Plain }
        "The recording {file} has begun."
        "Nothing."
    Info Pbx RecordingEnded { extension: Plain }
        "A recording of extension {extension} has ended."
        "Nothing."
    Warning Pbx RecordingRefused { extension: Plain }
        "A call of extension {extension} is not recorded: all recording ports are in use."
        "Order more recording ports when this happens often."
    Warning Pbx RecordingRemoved { file: Plain, bytes: u64 }
        "The recording {file} ({bytes} octets) was deleted, as the oldest, to keep the bound."
        "Fetch recordings sooner, or raise the bound."
    Warning Pbx ConferenceRefused { extension: Plain, room: Plain }
        "Extension {extension} was not let into conference room {room}: all ports are in use."
        "Order more conference ports when this happens often."
    Info Pbx ConferenceStarted { room: Plain }
        "A conference has begun in room {room}."
        "Nothing."
    Info Pbx ConferenceEnded { room: Plain }
        "The conference in room {room} has ended."
        "Nothing."
    Warning Pbx ConferencePinRefused { extension: Plain, room: Plain }
        "Extension {extension} gave no right PIN for conference room {room}."
        "Tell the PIN, or find out who tries."
    Info Pbx VoicemailLeft { mailbox: Plain, messages: u32 }
        "Mailbox {mailbox} has {messages} new messages."
        "Nothing."
    Warning Pbx VoicemailNotTaken { mailbox: Plain }
        "A message for mailbox {mailbox} could not be taken; the mailbox may be full."
        "Have the owner delete messages."
    Info Pbx VoicemailMailed { recipients: u32 }
        "A voicemail was mailed to {recipients} addresses."
        "Nothing."
    Error Pbx VoicemailMailFailed { reason: Plain }
        "A voicemail was not mailed: {reason}. The message is kept in the mailbox."
        "Look at the mail relay in the provider's settings, and at the address of the extension."

    // The PBX: call centre.
    Warning Pbx QueueWithoutAgents { queue: Plain }
        "A caller waits in queue {queue}, in which nobody is logged in."
        "Have agents log in at the console."
    Warning Pbx QueueAbandoned { queue: Plain, seconds: u32 }
        "A caller has left queue {queue} after {seconds} s without having been served."
        "More agents, when this happens often."
    Warning Pbx QueueTimedOut { queue: Plain }
        "A caller has waited in queue {queue} for as long as may be, and was let go."
        "More agents, or a longer wait."
    Info Pbx AgentLoggedIn { extension: Plain, queue: Plain }
        "Agent {extension} has logged in to queue {queue}."
        "Nothing."
    Info Pbx AgentLoggedOut { extension: Plain, queue: Plain }
        "Agent {extension} has logged out of queue {queue}."
        "Nothing."
    Info Pbx AgentPaused { extension: Plain, queue: Plain, reason: Plain }
        "Agent {extension} takes a pause in queue {queue}: {reason}."
        "Nothing."
    Info Pbx AgentResumed { extension: Plain, queue: Plain }
        "Agent {extension} takes calls of queue {queue} again."
        "Nothing."
    Warning Pbx AgentNoAnswer { extension: Plain, queue: Plain }
        "Agent {extension} did not take a call of queue {queue}."
        "Have agents pause or log out when they leave."
    Info Pbx ConsoleConnected { extension: Plain }
        "Extension {extension} has connected to the call-centre console."
        "Nothing."
    Info Pbx ConsoleDisconnected { extension: Plain }
        "Extension {extension} has left the call-centre console."
        "Nothing."
    Warning Pbx ConsoleLoginRefused { extension: Plain, source: IpAddr }
        "A login of {extension} to the call-centre console from {source} was refused."
        "Tell the password, or find out who tries."
    Warning Pbx ConsoleFull { extension: Plain, limit: u32 }
        "Extension {extension} was not let into the call-centre console: all {limit} places are in use."
        "Order more call-centre bundles."
    Info Pbx BargeStarted { supervisor: Plain, agent: Plain, mode: Plain }
        "Supervisor {supervisor} has entered the call of {agent} ({mode})."
        "Nothing."
    Warning Pbx TokenRefused { source: IpAddr }
        "Somebody at {source} asked the agent for what is protected, without the right token."
        "Find out who asks; the token is `agent.token` of the instance's Secret."

    // The PBX: its volume.
    Warning Pbx DiskNearlyFull { percent: u64, free: u64 }
        "The data volume is {percent} % full; {free} MiB are free."
        "Give the instance a larger volume, or lower the bound on recordings."
    Critical Pbx DiskFull { free: u64 }
        "The data volume is full ({free} MiB are free): voicemail, recordings and registrations are at risk."
        "Give the instance a larger volume at once."
    Info Pbx DiskRecovered { percent: u64 }
        "The data volume has room again; it is {percent} % full."
        "Nothing."

    // The operator.
    Info Operator("EcqxInstance: Ready=True") InstanceReady { fqdn: Plain }
        "{fqdn} takes calls."
        "Nothing."
    Error Operator("EcqxInstance: Ready=False, PodNotReady") InstanceNotReady { fqdn: Plain, reason: Plain }
        "{fqdn} takes no calls: {reason}."
        "Look at the pod of the instance."
    Error Operator("EcqxInstance: LicensesApplied=Unknown, NoAnswer") InstanceUnreachable { fqdn: Plain }
        "The agent of {fqdn} does not answer the operator."
        "Look at the network policy, the node and the pod's log."
    Error Operator("EcqxInstance: HostnameClaimed=False, HostnameTaken") HostnameTaken { hostname: Plain }
        "The name {hostname} is held by another instance."
        "Choose another name."
    Error Operator("EcqxInstance: ConfigurationAccepted=False") SpecRefused { field: Plain, reason: Plain }
        "The spec cannot be applied: {field}: {reason}. The last one that could be goes on."
        "Correct the field."
    Error Operator("EcqxInstance: Stalled=True, ApplyFailed") ObjectRefused { reason: Plain }
        "The API server refuses what the instance needs: {reason}."
        "Correct what it names: a quota, a policy, a right."
    Warning Operator("LicenseSet: LimitsHeldBack=True, OverMaximum") LimitsHeldBack { feature: Plain }
        "More {feature} was granted than one instance can hold; the rest is held back."
        "Distribute it over several instances."
    Error Operator("EcqxInstance: LicensesApplied=False, LimitsRefused") LimitsRefused { reason: Plain }
        "The PBX does not apply its limits: {reason}."
        "See the event of the PBX."
    Info Operator("EcqxInstance: status.trial") TrialStarted { until: Plain }
        "The trial has begun and lasts until {until}."
        "Nothing."
    Warning Operator("EcqxInstance: status.upcoming") TrialEnding { at: Plain }
        "The trial ends at {at}."
        "Order the instance, or let it end."
    Error Operator("EcqxInstance: Suspended=True, TrialEnded") TrialEnded { fqdn: Plain }
        "The trial of {fqdn} is over; it takes no calls."
        "Order the instance within its retention."
    Error Operator("EcqxInstance, LicenseSet: TrialEligible=False, TrialUsed") TrialRefused { feature: Plain }
        "A trial of {feature} was used before."
        "Order it."
    Error Operator("EcqxInstance: Suspended=True, PaymentFailed") PaymentOverdue { fqdn: Plain }
        "A payment for {fqdn} is overdue; it takes no calls."
        "Have the reseller pay."
    Warning Operator("EcqxInstance: status.upcoming") LimitWillFall { feature: Plain, to: u32, at: Plain }
        "The limit of {feature} falls to {to} at {at}."
        "Nothing, if it was ordered."
    Warning Operator("EcqxInstance: RolloutPending=True") RolloutWaits { reason: Plain }
        "A change of the pod waits: {reason}."
        "Nothing; it comes with the end of the calls or with the maintenance window."
    Info Operator("EcqxInstance: Ready, Replacing") MaintenanceStarted { fqdn: Plain }
        "The pod of {fqdn} is being replaced."
        "Nothing."
    Error Operator("EcqxInstance: TlsReady=False, NoCertificate") CertificateMissing { secret: Plain }
        "The Secret {secret} has no certificate that the PBX can use."
        "Create it, or look at cert-manager."
    Warning Operator("EcqxInstance: Exposed=False, FewerPorts") FewerPorts { ports: u32 }
        "Only {ports} ports for audio can be exposed: fewer than the limits could use."
        "Use another exposure for an instance of that size."

    // The name server.
    Error Dns("ecqx_dns_zone_stale is 1") ZoneStale { seconds: u64 }
        "The name server serves a zone from disk and has not seen the API server for {seconds} s."
        "Look at the API server and the network policy."
    Warning Dns("ecqx_dns_api_silence_seconds grows") ZoneUnrefreshed { seconds: u64 }
        "The name server has not heard from the API server for {seconds} s; the last zone is served."
        "Look at the API server."
    Warning Dns("ecqx_dns_rate_limited_total grows") QueriesLimited { network: Plain }
        "Queries from {network} come faster than they are answered."
        "Nothing against an attack. A large resolver can be put on the allow list."

    // The bridge.
    Warning Bridge("PortalOrder: phase OnHold") OrderHeld { order: Plain, reason: Plain }
        "Order {order} is on hold: {reason}."
        "Correct it in the shop, or decide by hand."
    Info Bridge("PortalOrder: phase Fulfilled") OrderFulfilled { order: Plain }
        "Order {order} has taken effect."
        "Nothing."
    Warning Bridge("PortalOrder: ContentConflict") OrderConflict { order: Plain }
        "Order {order} was delivered again with other content, and refused."
        "Find out who sent it."
    Warning Bridge("its log; 401 to the sender") OrderForged { source: Plain }
        "An order from {source} has no valid signature, and was refused."
        "Check the shop's secret, or find out who sent it."
}
