//! `pbx-agent sendmail`: takes a voicemail's mail from Asterisk and hands it to the provider's relay. Does I/O (SMTP).
//!
//! Asterisk runs it as its `mailcmd`, with the message on standard input. Recipients are read from the message, and those that are
//! no plain address are left out: what a reseller typed never becomes an SMTP command.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use lettre::address::{AddressError, Envelope};
use lettre::{Address, SmtpTransport, Transport as _};

use pbx_contract::event::SystemEvent;

use crate::args::RUN_DIR;
use crate::events::inbox;
use crate::render::text::email_address;

/// The argument by which the agent is asked to deliver a mail.
pub const COMMAND: &str = "sendmail";
/// The longest message: a recording of some minutes, encoded.
const MESSAGE_MAX: u64 = 32 << 20;
/// How long the relay may take for each step.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// No relay.
    #[error("no mail relay is set: ECQX_SMTP_RELAY must be HOST:PORT, such as smtp.example.net:25; it is {0:?}")]
    Relay(Option<String>),
    /// No sender.
    #[error("ECQX_MAIL_FROM must be an e-mail address; it is {0:?}")]
    From(Option<String>),
    /// Nobody to send it to.
    #[error("the message has no recipient that is an e-mail address")]
    Nobody,
    /// The message did not come.
    #[error("cannot read the message: {0}")]
    Read(#[from] std::io::Error),
    /// An address that the mail library does not take.
    #[error("an address is not valid: {0}")]
    Address(#[from] AddressError),
    /// Sender and recipients make no envelope.
    #[error("no envelope: {0}")]
    Envelope(#[from] lettre::error::Error),
    /// The relay did not take it.
    #[error("the relay {relay} did not take the mail: {source}")]
    Refused {
        /// Which.
        relay: String,
        /// Why.
        source: lettre::transport::smtp::Error,
    },
}

/// Where mails go, and from whom they are.
#[derive(Clone, Debug)]
pub struct Relay {
    host: String,
    port: u16,
    from: Address,
}

impl Relay {
    /// From the environment's `ECQX_SMTP_RELAY` and `ECQX_MAIL_FROM`.
    ///
    /// # Errors
    /// When one is missing or is not what it should be.
    pub fn new(relay: Option<String>, from: Option<String>) -> Result<Self, MailError> {
        let parts = relay.as_deref().and_then(|relay| relay.rsplit_once(':'));
        let parts = parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        let (host, port) = parts.filter(|(host, _)| !host.is_empty()).ok_or(MailError::Relay(relay))?;
        let address = from.as_deref().and_then(email_address).map(str::parse).transpose()?;
        Ok(Self { host, port, from: address.ok_or(MailError::From(from))? })
    }

    /// Delivers a message to the recipients that it names, and says how many they are.
    ///
    /// # Errors
    /// When it names none, or the relay does not take it.
    pub fn deliver(&self, message: &[u8]) -> Result<usize, MailError> {
        let recipients: Vec<Address> =
            recipients(message).iter().map(|address| address.parse()).collect::<Result<_, _>>()?;
        if recipients.is_empty() {
            return Err(MailError::Nobody);
        }
        let count = recipients.len();
        let envelope = Envelope::new(Some(self.from.clone()), recipients)?;
        let transport = SmtpTransport::builder_dangerous(&self.host).port(self.port).timeout(Some(PATIENCE)).build();
        let refused = |source| MailError::Refused { relay: format!("{}:{}", self.host, self.port), source };
        transport.send_raw(&envelope, &on_the_wire(message)).map(|_| count).map_err(refused)
    }
}

/// Reads the message from standard input, delivers it, and tells the agent how that went.
///
/// # Errors
/// When it cannot be delivered; Asterisk keeps the voicemail all the same.
pub fn run() -> Result<(), MailError> {
    let outcome = deliver_input();
    let event = match &outcome {
        Ok(count) => SystemEvent::VoicemailMailed { recipients: u32::try_from(*count).unwrap_or(u32::MAX) },
        Err(error) => SystemEvent::VoicemailMailFailed { reason: error.to_string().into() },
    };
    let run_dir = std::env::var_os("ECQX_RUN_DIR").map_or_else(|| RUN_DIR.into(), PathBuf::from);
    inbox::tell(&run_dir, &event);
    outcome.map(drop)
}

fn deliver_input() -> Result<usize, MailError> {
    let relay = Relay::new(std::env::var("ECQX_SMTP_RELAY").ok(), std::env::var("ECQX_MAIL_FROM").ok())?;
    let mut message = Vec::new();
    std::io::stdin().take(MESSAGE_MAX).read_to_end(&mut message)?;
    relay.deliver(&message)
}

/// Asterisk ends lines as files do; SMTP asks for CR and LF (RFC 5321, 2.3.8), and servers refuse what seems one long line.
fn on_the_wire(message: &[u8]) -> Vec<u8> {
    let lines = message.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.collect::<Vec<_>>().join(&b"\r\n"[..])
}

/// The plain addresses of the message's `To` header.
fn recipients(message: &[u8]) -> Vec<String> {
    let fields = head(message);
    let to =
        fields.iter().filter_map(|field| field.split_once(':')).filter(|(name, _)| name.eq_ignore_ascii_case("to"));
    to.filter_map(|(_, value)| email_address(address_of(value)).map(str::to_owned)).collect()
}

/// The header's fields. A line that begins with a space goes on with the one before (RFC 5322, 2.2.3): Asterisk folds long names.
fn head(message: &[u8]) -> Vec<String> {
    let lines = message.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut fields: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()).map(String::from_utf8_lossy) {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => field.push_str(&line),
            _ => fields.push(line.into_owned()),
        }
    }
    fields
}

/// What stands in the last angle brackets, or all of it.
fn address_of(value: &str) -> &str {
    let inner = value.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(value, |(address, _)| address).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipient_stands_in_the_head_of_the_message_alone() {
        let message =
            b"From: x@y.example\r\nTo: \"Ani, <evil@x.example>\" <ani@noravank.example>\r\n\r\nTo: no@z.example\r\n";
        assert_eq!(recipients(message), ["ani@noravank.example"]);
        assert!(recipients(b"To: nobody\n\n").is_empty());
        assert_eq!(
            recipients(b"To: =?UTF-8?Q?a?=\n =?UTF-8?Q?b?= <a@x.example>\nCc: <b@x.example>\n\n"),
            ["a@x.example"]
        );
        assert!(recipients(b"To: <a@x.example RCPT TO:b@y.example>\n\n").is_empty());
    }

    #[test]
    fn lines_end_with_cr_and_lf_however_they_came() {
        assert_eq!(on_the_wire(b"a\nb\r\n\nc\n"), b"a\r\nb\r\n\r\nc\r\n");
    }

    #[test]
    fn what_is_missing_is_named_with_the_remedy() {
        let some = |text: &str| Some(text.to_owned());
        let said = |relay, from| Relay::new(relay, from).unwrap_err().to_string();
        for relay in [None, some("smtp.example.net"), some(":25"), some("smtp.example.net:x")] {
            assert!(said(relay, some("a@x.example")).contains("ECQX_SMTP_RELAY must be HOST:PORT"));
        }
        assert!(said(some("h:25"), some("a b")).contains("ECQX_MAIL_FROM"));
    }
}
