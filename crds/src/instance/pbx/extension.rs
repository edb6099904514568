//! One configured extension. Wire type, no I/O.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// One configured extension. Its passwords and PINs are generated, in the Secret ecqx-NAME-sip.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.voicemail) || !(self.voicemail in ['Notify', 'Attach']) || has(self.email)").message("voicemail: Notify and Attach send mails; set email too"))]
pub struct Extension {
    /// Two to eight digits, the first not 0: what people dial and phones register with.
    #[schemars(length(min = 2, max = 8), regex(pattern = r"^[1-9][0-9]+$"))]
    pub number: String,
    /// The name that the called party sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80), regex(pattern = r"^[^\x00-\x1f\x7f]*$"))]
    pub name: Option<String>,
    /// Where mails about voicemail go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 254),
        regex(pattern = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")
    )]
    pub email: Option<String>,
    /// What happens to a call that is not taken: Off, Mailbox (the default), Notify (a mail says that there is a message) or Attach
    /// (the message goes with the mail).
    #[serde(default, skip_serializing_if = "is_default")]
    pub voicemail: Voicemail,
    /// Which of its calls are recorded, as far as recording ports are free: Never, `OnDemand` (the default: those in which it dials
    /// the code for it) or Always.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recording: Recording,
    /// Whether its audio goes encrypted (SRTP): Offered (the default: where its phone can, with `spec.pbx.tls`) or Required (never in
    /// the clear between phone and PBX, and so also for phones that take nothing else; needs `spec.pbx.tls`, and the phone must use TLS,
    /// or the keys can be read on the way).
    #[serde(default, skip_serializing_if = "is_default")]
    pub media_encryption: MediaEncryption,
    /// True asks for an eQall Softphone seat: a softphone beside the phone. Of those that ask, the lowest numbers get the licensed
    /// seats; where nobody asks, the lowest of all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub softphone: bool,
    /// True asks for an eQall Receptionist seat, given out in the same way: it may watch whether others are talking.
    #[serde(default, skip_serializing_if = "is_default")]
    pub receptionist: bool,
    /// True asks for a CRM seat, given out in the same way.
    #[serde(default, skip_serializing_if = "is_default")]
    pub crm: bool,
}

impl Extension {
    /// One of which nothing but its number is said.
    pub fn of(number: &str) -> Self {
        Self { number: number.to_owned(), ..Self::default() }
    }
}

/// What happens to a call that is not taken.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Voicemail {
    /// Its caller hears that nobody is there.
    Off,
    /// It goes to the mailbox.
    #[default]
    Mailbox,
    /// It goes to the mailbox, and a mail says so.
    Notify,
    /// It goes to the mailbox, and by mail.
    Attach,
}

/// Which calls are recorded.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recording {
    /// None, and nobody can start one.
    Never,
    /// Those in which it dials the code for it.
    #[default]
    OnDemand,
    /// All.
    Always,
}

/// Whether audio goes encrypted.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaEncryption {
    /// Where the phone can.
    #[default]
    Offered,
    /// Always, or there is no call.
    Required,
}

/// What is as it is by default is not written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
