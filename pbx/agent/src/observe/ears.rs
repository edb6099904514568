//! What an event of Asterisk's manager interface means. Pure: it remembers who is registered and logged in, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pbx_contract::event::{Plain, SystemEvent};

use super::Enabled;
use super::moved::Moved;
use crate::ami::Event;
use crate::render::signals;

/// The endpoint of whoever is none of the phones.
const STRANGER: &str = "anonymous";

/// Something that follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something to tell.
    Event(SystemEvent),
    /// Somebody was refused, for a limit of this feature.
    Refused(String),
    /// So many places of a pool were taken at that moment.
    Taken {
        /// Which pool.
        pool: String,
        /// How many, with the one that was just taken.
        places: u32,
    },
}

/// What it takes to understand the next event.
#[derive(Clone, Debug, Default)]
pub struct Ears {
    contacts: BTreeMap<String, BTreeSet<String>>,
    unreachable: BTreeSet<String>,
    members: BTreeMap<String, BTreeSet<String>>,
    messages: BTreeMap<String, u32>,
    /// Who has come to somebody else by a transfer.
    pub(super) moved: Moved,
}

impl Ears {
    /// Who is registered now: extension and contact.
    pub fn know_contacts<'a>(&mut self, contacts: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.contacts.clear();
        for (number, contact) in contacts {
            self.contacts.entry(number.into()).or_default().insert(contact.into());
        }
    }

    /// Who is logged in to queues now: the rows of `QueueStatus`.
    pub fn know_members(&mut self, rows: &[Event]) {
        self.members.clear();
        for row in rows.iter().filter(|row| row.name == "QueueMember") {
            if let (Some(queue), Some(member)) = (row.get("Queue"), row.get("Location")) {
                self.members.entry(queue.into()).or_default().insert(member.into());
            }
        }
    }

    /// What follows.
    pub fn hear(&mut self, event: &Event, enabled: &Enabled) -> Vec<Heard> {
        let told = match event.name.as_str() {
            "AttendedTransfer" => self.transfer(event),
            "UserEvent" if event.get("UserEvent") == Some(signals::MOVED_EVENT) => self.note(event, signals::CHANNEL),
            "UserEvent" => return said_by_dialplan(event, enabled),
            "ContactStatus" => self.contact(event),
            "QueueMemberAdded" | "QueueMemberRemoved" | "QueueMemberPause" | "QueueCallerJoin" => self.queue(event),
            "MessageWaiting" => self.message(event),
            "ChallengeResponseFailed" | "InvalidPassword" | "FailedACL" | "InvalidAccountID" => {
                refused_registration(event)
            }
            _ => told_as_it_is(event),
        };
        told.into_iter().map(Heard::Event).collect()
    }

    /// A phone that moves to another address has two contacts for a moment: gone is who has none left.
    fn contact(&mut self, event: &Event) -> Option<SystemEvent> {
        let (number, contact) = (event.get("AOR")?, event.get("URI")?);
        let extension = Plain::from(number);
        let contacts = self.contacts.entry(number.into()).or_default();
        match event.get("ContactStatus")? {
            "Removed" => {
                let last = forget(contacts, contact) && contacts.is_empty();
                self.unreachable.remove(contact);
                last.then_some(SystemEvent::PhoneGone { extension })
            }
            "Unreachable" => {
                let news = self.unreachable.insert(contact.into());
                news.then_some(SystemEvent::PhoneUnreachable { extension })
            }
            "Reachable" if self.unreachable.remove(contact) => Some(SystemEvent::PhoneReachable { extension }),
            _ => {
                // It may be there as the start of it, and is then kept as the whole.
                let news = !forget(contacts, contact) && contacts.is_empty();
                contacts.insert(contact.into());
                news.then_some(SystemEvent::PhoneRegistered { extension })
            }
        }
    }

    /// Both who are put together; where somebody rings or is waited for, there is only the one yet.
    fn transfer(&mut self, event: &Event) -> Option<SystemEvent> {
        for id in ["TransfereeUniqueid", "TransferTargetUniqueid"] {
            self.note(event, id);
        }
        None
    }

    fn note(&mut self, event: &Event, id: &str) -> Option<SystemEvent> {
        self.moved.note(event.get(id)?.to_owned());
        None
    }

    fn queue(&mut self, event: &Event) -> Option<SystemEvent> {
        let name = event.get("Queue")?;
        let (queue, members) = (Plain::from(name), self.members.entry(name.into()).or_default());
        if event.name == "QueueCallerJoin" {
            return members.is_empty().then_some(SystemEvent::QueueWithoutAgents { queue });
        }
        let member = event.get("Interface")?;
        let extension = extension_of(member);
        match event.name.as_str() {
            "QueueMemberAdded" => {
                members.insert(member.into());
                Some(SystemEvent::AgentLoggedIn { extension, queue })
            }
            "QueueMemberRemoved" => {
                members.remove(member);
                Some(SystemEvent::AgentLoggedOut { extension, queue })
            }
            _ if event.get("Paused") == Some("1") => {
                let reason = event.get("PausedReason").unwrap_or("no reason given").into();
                Some(SystemEvent::AgentPaused { extension, queue, reason })
            }
            _ => Some(SystemEvent::AgentResumed { extension, queue }),
        }
    }

    /// Asterisk tells of a mailbox whenever it was looked at: one message more is news.
    fn message(&mut self, event: &Event) -> Option<SystemEvent> {
        let mailbox = event.get("Mailbox")?.split('@').next()?;
        let messages = event.number("New").unwrap_or_default();
        let before = self.messages.insert(mailbox.into(), messages).unwrap_or_default();
        (messages > before).then(|| SystemEvent::VoicemailLeft { mailbox: mailbox.into(), messages })
    }
}

/// True when it was there. A list of Asterisk's shows the start of a long contact only.
fn forget(contacts: &mut BTreeSet<String>, contact: &str) -> bool {
    let before = contacts.len();
    contacts.retain(|known| !contact.starts_with(known.as_str()));
    contacts.len() < before
}

/// `PJSIP/101` and `PJSIP/101-00000007`.
fn extension_of(channel: &str) -> Plain {
    let name = channel.strip_prefix("PJSIP/").unwrap_or(channel);
    name.rsplit_once('-').map_or(name, |(name, _)| name).into()
}

/// `IPV4/UDP/192.0.2.7/5060` and `IPV6/TLS/2001:db8::7/5061`.
fn address_of(text: &str) -> Option<IpAddr> {
    text.split('/').nth(2)?.parse().ok()
}

/// Whoever shows no valid credentials, for a call too.
fn refused_registration(event: &Event) -> Option<SystemEvent> {
    let source = address_of(event.get("RemoteAddress")?)?;
    match event.get("AccountID").filter(|account| *account != STRANGER) {
        Some(account) if event.name != "FailedACL" && event.name != "InvalidAccountID" => {
            Some(SystemEvent::RegistrationRefusedPassword { extension: account.into(), source })
        }
        Some(_) => None,
        None => Some(SystemEvent::RegistrationRefusedUnknown { source }),
    }
}

/// What needs no memory.
fn told_as_it_is(event: &Event) -> Option<SystemEvent> {
    let text = |name| event.get(name).map(Plain::from);
    match event.name.as_str() {
        "ConfbridgeStart" => Some(SystemEvent::ConferenceStarted { room: text("Conference")? }),
        "ConfbridgeEnd" => Some(SystemEvent::ConferenceEnded { room: text("Conference")? }),
        "QueueCallerAbandon" => {
            let seconds = event.number("HoldTime").unwrap_or_default();
            Some(SystemEvent::QueueAbandoned { queue: text("Queue")?, seconds })
        }
        "AgentRingNoAnswer" => {
            Some(SystemEvent::AgentNoAnswer { extension: extension_of(event.get("Interface")?), queue: text("Queue")? })
        }
        "MixMonitorStop" => Some(SystemEvent::RecordingEnded { extension: extension_of(event.get("Channel")?) }),
        _ => None,
    }
}

/// The dialplan's own events. Their values are the agent's own, digits and addresses: see [`signals`].
fn said_by_dialplan(event: &Event, enabled: &Enabled) -> Vec<Heard> {
    let text = |name| Plain::from(event.get(name).unwrap_or_default());
    let told = |event| vec![Heard::Event(event)];
    match event.get("UserEvent") {
        Some(signals::REFUSED_EVENT) => refused_by_limit(event),
        Some(signals::CALL_REFUSED_EVENT) => told(refused_call(event, enabled)),
        Some(signals::RECORDING_EVENT) => told(SystemEvent::RecordingStarted { file: text("File") }),
        Some(signals::RECORDED_EVENT) => told(SystemEvent::RecordingEnded { extension: text("Extension") }),
        Some(signals::PIN_EVENT) => {
            told(SystemEvent::ConferencePinRefused { extension: text("Extension"), room: text("Number") })
        }
        Some(signals::MAILBOX_EVENT) => told(SystemEvent::VoicemailNotTaken { mailbox: text("Number") }),
        Some(signals::WAITED_EVENT) => told(SystemEvent::QueueTimedOut { queue: text("Number") }),
        Some(signals::PLACE_EVENT) => match (event.get("Pool"), event.number("Taken")) {
            (Some(pool), Some(places)) => vec![Heard::Taken { pool: pool.into(), places }],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn refused_by_limit(event: &Event) -> Vec<Heard> {
    let (extension, number) = (Plain::from(event.get("Extension").unwrap_or_default()), event.get("Number"));
    let Some(feature) = event.get(signals::FEATURE) else { return Vec::new() };
    let told = match feature {
        "CallRecording" => SystemEvent::RecordingRefused { extension },
        "AudioConference" => SystemEvent::ConferenceRefused { extension, room: number.unwrap_or_default().into() },
        _ => SystemEvent::CallRefusedUnlicensed { extension, feature: feature.into() },
    };
    vec![Heard::Refused(feature.into()), Heard::Event(told)]
}

/// Nobody calls from there but strangers, disabled extensions, and all while the PBX is suspended.
fn refused_call(event: &Event, enabled: &Enabled) -> SystemEvent {
    match event.get("Extension") {
        None => SystemEvent::CallRefusedUnknown { source: event.get("Source").unwrap_or("an unknown address").into() },
        Some(extension) if enabled.contains(extension) => {
            SystemEvent::CallRefusedSuspended { extension: extension.into() }
        }
        Some(extension) => SystemEvent::CallRefusedDisabled { extension: extension.into() },
    }
}

#[cfg(test)]
mod tests;
