//! The provider's decisions on how every PBX is run: what holds in it, how it is reached, how long it waits for calls. Pure.

use std::net::IpAddr;

use jiff::SignedDuration;
use pbx_contract::{Digests, Policy};
use serde::{Deserialize, Serialize};

use crate::lifecycle::{self, LifecycleError};

/// The part `pbx` of the settings. Times are written as `5m` or `4h`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PbxDocument {
    /// Registered phones of one extension (§7 of the product rules), softphone seats not counted.
    pub phones_per_extension: u32,
    /// The most that recordings may take of the data volume, in MiB.
    pub recordings_mib: u32,
    /// Whom a PBX stops listening to.
    pub failed_logins: FailedLoginsDocument,
    /// By which digests phones authenticate.
    pub digests: Digests,
    /// How long calls in progress may go on when the pod is told to stop.
    pub drain: String,
    /// How long a change of image, resources or certificate waits for a moment without calls, where there is no maintenance window.
    pub rollout_deadline: String,
    /// How many pods are replaced at one time.
    pub rollouts_at_once: u32,
    /// How phones reach a PBX whose instance does not say.
    pub exposure: Exposure,
    /// The most RTP ports that a load balancer is given for one PBX. Each leg of a call takes two.
    pub rtp_ports: u32,
    /// Who takes the mails of voicemail.
    pub mail: MailDocument,
    /// Networks from which the call-centre console may be reached.
    pub console_from: Vec<String>,
    /// Namespaces whose pods may ask the agent: for metrics, events, recordings.
    pub agent_from: Vec<String>,
}

/// Whom a PBX stops listening to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FailedLoginsDocument {
    /// Failed authentications of one address after which it is blocked; 0: never.
    pub before_block: u32,
    /// For how long.
    pub block: String,
}

/// Who takes the mails of voicemail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MailDocument {
    /// `HOST:PORT` of the relay; without one no mail is sent.
    pub relay: String,
    /// The sender's address.
    pub from: String,
}

/// How phones reach a PBX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Exposure {
    /// At the pod's own address: phones and pods are in networks that reach one another.
    #[default]
    #[serde(rename = "PodIP")]
    PodIp,
    /// At the address of a load balancer, which the cluster has to provide; signalling and a range of RTP ports go through it.
    LoadBalancer,
    /// At the address of the node: one such PBX a node, and a namespace that admits pods on the node's network.
    HostNetwork,
}

impl Default for PbxDocument {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            phones_per_extension: policy.phones_per_extension,
            recordings_mib: policy.recordings_mib,
            failed_logins: FailedLoginsDocument::default(),
            digests: policy.digests,
            drain: "5m".to_owned(),
            rollout_deadline: "4h".to_owned(),
            rollouts_at_once: 20,
            exposure: Exposure::default(),
            rtp_ports: 400,
            mail: MailDocument::default(),
            console_from: Vec::new(),
            agent_from: Vec::new(),
        }
    }
}

impl Default for FailedLoginsDocument {
    fn default() -> Self {
        Self { before_block: Policy::default().failures_before_block, block: "5m".to_owned() }
    }
}

/// The decisions, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PbxRules {
    /// What changes in a running PBX without a restart.
    pub policy: Policy,
    /// How long calls in progress may go on when the pod is told to stop.
    pub drain: SignedDuration,
    /// How long a change of the pod waits for a moment without calls, where there is no maintenance window.
    pub rollout_deadline: SignedDuration,
    /// How many pods are replaced at one time; more than none.
    pub rollouts_at_once: u16,
    /// How phones reach a PBX whose instance does not say.
    pub exposure: Exposure,
    /// The most RTP ports of a load balancer for one PBX; even.
    pub rtp_ports: u16,
    /// Who takes the mails of voicemail, if anybody.
    pub mail: Option<Mail>,
    /// Networks from which the console may be reached.
    pub console_from: Vec<String>,
    /// Namespaces whose pods may ask the agent.
    pub agent_from: Vec<String>,
}

/// Who takes the mails of voicemail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The sender's address.
    pub from: String,
}

/// Why the decisions are refused: with the field and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PbxError {
    /// No length of time.
    #[error(transparent)]
    Duration(#[from] LifecycleError),
    /// Out of range.
    #[error("field {field}: {value} is out of range; it can be {least} to {most}")]
    Range {
        /// Which.
        field: &'static str,
        /// As it was written.
        value: String,
        /// The least that is possible.
        least: &'static str,
        /// The most that is possible.
        most: &'static str,
    },
    /// No relay.
    #[error("field pbx.mail.relay: {0:?} is no mail relay; write it as HOST:PORT, such as mail.example.net:25")]
    Relay(String),
    /// No sender.
    #[error("field pbx.mail.from: {0:?} is no mail address; a relay needs one, such as pbx@example.net")]
    From(String),
    /// No network.
    #[error("field pbx.consoleFrom: {0:?} is no network; write it as 203.0.113.0/24")]
    Network(String),
    /// No namespace.
    #[error(
        "field pbx.agentFrom: {0:?} is no name of a namespace; write it in lower case, as `kubectl get namespaces` does"
    )]
    Namespace(String),
}

impl TryFrom<PbxDocument> for PbxRules {
    type Error = PbxError;

    fn try_from(document: PbxDocument) -> Result<Self, PbxError> {
        Ok(Self {
            policy: policy(&document)?,
            drain: between("pbx.drain", &document.drain, ("0s", 0), ("1d", 86_400))?,
            rollout_deadline: between(
                "pbx.rolloutDeadline",
                &document.rollout_deadline,
                ("0s", 0),
                ("30d", 2_592_000),
            )?,
            rollouts_at_once: small(number("pbx.rolloutsAtOnce", document.rollouts_at_once, ("1", 1), ("1000", 1000))?),
            exposure: document.exposure,
            rtp_ports: rtp_ports(document.rtp_ports)?,
            mail: mail(document.mail)?,
            console_from: document.console_from.into_iter().map(network).collect::<Result<_, _>>()?,
            agent_from: document.agent_from.into_iter().map(namespace).collect::<Result<_, _>>()?,
        })
    }
}

fn policy(document: &PbxDocument) -> Result<Policy, PbxError> {
    let block = between("pbx.failedLogins.block", &document.failed_logins.block, ("1s", 1), ("1d", 86_400))?;
    Ok(Policy {
        phones_per_extension: number("pbx.phonesPerExtension", document.phones_per_extension, ("1", 1), ("10", 10))?,
        recordings_mib: number("pbx.recordingsMib", document.recordings_mib, ("1", 1), ("1048576", 1_048_576))?,
        failures_before_block: document.failed_logins.before_block,
        block_seconds: u32::try_from(block.as_secs()).unwrap_or(u32::MAX),
        digests: document.digests,
    })
}

fn number(
    field: &'static str,
    value: u32,
    (least, from): (&'static str, u32),
    (most, to): (&'static str, u32),
) -> Result<u32, PbxError> {
    let wrong = || PbxError::Range { field, value: value.to_string(), least, most };
    (from..=to).contains(&value).then_some(value).ok_or_else(wrong)
}

fn between(
    field: &'static str,
    text: &str,
    (least, from): (&'static str, i64),
    (most, to): (&'static str, i64),
) -> Result<SignedDuration, PbxError> {
    let length = lifecycle::duration(field, text)?;
    let wrong = || PbxError::Range { field, value: format!("{text:?}"), least, most };
    (from..=to).contains(&length.as_secs()).then_some(length).ok_or_else(wrong)
}

/// Whole pairs; a Service with more entries than this is more than most load balancers take.
fn rtp_ports(wanted: u32) -> Result<u16, PbxError> {
    let ports = number("pbx.rtpPorts", wanted, ("20", 20), ("2000", 2000))?;
    Ok(small(ports / 2 * 2))
}

fn small(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn mail(MailDocument { relay, from }: MailDocument) -> Result<Option<Mail>, PbxError> {
    if relay.is_empty() {
        return Ok(None);
    }
    let (host, port) = host_and_port(&relay).ok_or_else(|| PbxError::Relay(relay.clone()))?;
    let is_address = from.split_once('@').is_some_and(|(local, domain)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        !local.is_empty() && local.chars().all(plain) && is_host_name(domain)
    });
    if is_address { Ok(Some(Mail { host, port, from })) } else { Err(PbxError::From(from)) }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (bare.parse::<IpAddr>().is_ok() || is_host_name(host)).then(|| (bare.to_owned(), port))
}

fn is_host_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-');
    name.len() <= 253 && name.split('.').all(label)
}

fn network(text: String) -> Result<String, PbxError> {
    let parsed = text.split_once('/').and_then(|(address, bits)| Some((address.parse().ok()?, bits.parse().ok()?)));
    let fits = |(address, bits): (IpAddr, u8)| bits <= if address.is_ipv4() { 32 } else { 128 };
    if parsed.is_some_and(fits) { Ok(text) } else { Err(PbxError::Network(text)) }
}

/// A label of RFC 1123 in lower case.
fn namespace(text: String) -> Result<String, PbxError> {
    let is_lower = text.bytes().all(|byte| !byte.is_ascii_uppercase() && byte != b'.');
    if is_lower && !text.ends_with('-') && is_host_name(&text) { Ok(text) } else { Err(PbxError::Namespace(text)) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn checked(document: &str) -> Result<PbxRules, PbxError> {
        serde_json::from_str::<PbxDocument>(document).unwrap().try_into()
    }

    #[test]
    fn an_empty_document_gives_the_defaults() {
        let rules = checked("{}").unwrap();
        assert_eq!(rules.policy, Policy::default());
        assert_eq!((rules.drain.as_secs(), rules.rollout_deadline.as_hours()), (300, 4));
        assert_eq!(
            (rules.exposure, rules.rtp_ports, rules.mail, rules.console_from),
            (Exposure::PodIp, 400, None, vec![])
        );
    }

    #[rstest]
    #[case("mail.example.net:25", "mail.example.net")]
    #[case("192.0.2.1:587", "192.0.2.1")]
    #[case("[2001:db8::1]:25", "2001:db8::1")]
    fn a_relay_is_a_host_with_a_port(#[case] relay: &str, #[case] host: &str) {
        let rules = checked(&format!(r#"{{"mail": {{"relay": "{relay}", "from": "pbx@example.net"}}}}"#)).unwrap();
        assert_eq!(rules.mail.unwrap().host, host);
    }

    #[rstest]
    #[case(r#"{"phonesPerExtension": 0}"#, "field pbx.phonesPerExtension: 0 is out of range; it can be 1 to 10")]
    #[case(r#"{"recordingsMib": 0}"#, "field pbx.recordingsMib")]
    #[case(r#"{"drain": "2d"}"#, "field pbx.drain: \"2d\" is out of range; it can be 0s to 1d")]
    #[case(r#"{"drain": "soon"}"#, "field pbx.drain")]
    #[case(r#"{"rolloutDeadline": "31d"}"#, "field pbx.rolloutDeadline")]
    #[case(r#"{"rolloutsAtOnce": 0}"#, "field pbx.rolloutsAtOnce")]
    #[case(r#"{"failedLogins": {"block": "0s"}}"#, "field pbx.failedLogins.block")]
    #[case(r#"{"rtpPorts": 2002}"#, "field pbx.rtpPorts: 2002 is out of range; it can be 20 to 2000")]
    #[case(r#"{"mail": {"relay": "mail.example.net"}}"#, "field pbx.mail.relay")]
    #[case(r#"{"mail": {"relay": "a b:25"}}"#, "field pbx.mail.relay")]
    #[case(r#"{"mail": {"relay": "a:25"}}"#, "field pbx.mail.from: \"\"")]
    #[case(r#"{"mail": {"relay": "a:25", "from": "x\ny@a"}}"#, "field pbx.mail.from")]
    #[case(r#"{"consoleFrom": ["10.0.0.0"]}"#, "field pbx.consoleFrom: \"10.0.0.0\"")]
    #[case(r#"{"consoleFrom": ["10.0.0.0/33"]}"#, "field pbx.consoleFrom")]
    #[case(r#"{"agentFrom": ["monitoring", "Prometheus"]}"#, "field pbx.agentFrom: \"Prometheus\"")]
    #[case(r#"{"agentFrom": ["a.b"]}"#, "field pbx.agentFrom")]
    #[case(r#"{"agentFrom": [""]}"#, "field pbx.agentFrom")]
    fn a_wrong_value_is_refused_with_its_field(#[case] document: &str, #[case] message: &str) {
        let error = checked(document).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
