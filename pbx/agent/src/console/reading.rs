//! What Asterisk says of its queues (`QueueStatus`), and what is to be put right in it. Pure.

use std::collections::BTreeMap;

use crate::ami::{Action, Event};
use crate::wanted::Wanted;

/// How the members of queues are called: the extension's endpoint.
const CHANNELS: &str = "PJSIP/";

/// All queues at one moment, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading(pub BTreeMap<String, QueueReading>);

/// One queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueReading {
    /// Calls that were taken.
    pub completed: u32,
    /// Calls that ended while waiting.
    pub abandoned: u32,
    /// Seconds.
    pub hold: u32,
    /// Seconds.
    pub talk: u32,
    /// By extension.
    pub members: BTreeMap<String, Member>,
    /// In their order.
    pub callers: Vec<Caller>,
}

/// An agent in a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// A device state as Asterisk numbers them.
    pub status: u32,
    /// Whether it gets no calls.
    pub paused: bool,
    /// Why.
    pub reason: Option<String>,
    /// Whether it has a call of this queue.
    pub in_call: bool,
    /// Calls that it took.
    pub calls: u32,
    /// When the last one ended, in seconds since 1970; 0: never.
    pub last_call: i64,
}

/// Somebody who waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The channel's unique id.
    pub id: String,
    /// The number.
    pub number: Option<String>,
    /// The name; hostile.
    pub name: Option<String>,
    /// In seconds since 1970.
    pub since: i64,
}

/// Who is to be a member: by extension, and why it is paused, if it is.
pub type Present = BTreeMap<String, Option<String>>;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// An agent that is connected is no member.
    Add {
        /// The queue.
        queue: String,
        /// The agent.
        extension: String,
        /// Whether it is paused.
        paused: bool,
    },
    /// A member is not connected, or none of the queue's agents any more.
    Remove {
        /// The queue.
        queue: String,
        /// The member.
        extension: String,
    },
    /// An agent is paused and should not be, or the other way round, or for another reason.
    Pause {
        /// The queue.
        queue: String,
        /// The agent.
        extension: String,
        /// Why it is to be paused; none: it is not.
        reason: Option<String>,
    },
}

impl Reading {
    /// Of the rows of the answer. A caller of before keeps its beginning: counted back from `now`, it would tremble by a second.
    pub fn new(rows: &[Event], now: i64, before: &Self) -> Self {
        let mut reading = Self::default();
        for row in rows {
            let Some(number) = row.get("Queue") else { continue };
            let known = before.0.get(number);
            let queue = reading.0.entry(number.to_owned()).or_default();
            match row.name.as_str() {
                "QueueParams" => queue.count(row),
                "QueueMember" => queue.members.extend(member(row)),
                "QueueEntry" => queue.callers.push(caller(row, now, known)),
                _ => {}
            }
        }
        reading
    }

    /// Whether the agent has a call of one of these queues.
    pub fn in_call<'q>(&self, extension: &str, mut queues: impl Iterator<Item = &'q String>) -> bool {
        queues.any(|queue| self.member(queue, extension).is_some_and(|member| member.in_call))
    }

    /// Whether the agent is paused wherever it is a member, or nowhere.
    pub fn is_paused(&self, extension: &str, paused: bool) -> bool {
        let mut own = self.0.values().filter_map(|queue| queue.members.get(extension));
        own.all(|member| member.paused == paused)
    }

    /// The agent in a queue.
    pub fn member(&self, queue: &str, extension: &str) -> Option<&Member> {
        self.0.get(queue)?.members.get(extension)
    }

    /// What is to be put right, so that of each queue's agents those who are present are its members, and nobody else is.
    pub fn corrections(&self, wanted: &Wanted, present: &Present) -> Vec<Correction> {
        let enabled = wanted.enabled();
        let mut all = Vec::new();
        for (queue, reading) in &self.0 {
            let agents = wanted.queues.iter().find(|own| own.number == *queue).map_or(&[][..], |own| &own.agents[..]);
            let belongs =
                |extension: &str| agents.iter().any(|agent| agent == extension) && enabled.contains(extension);
            for (extension, reason) in present.iter().filter(|(extension, _)| belongs(extension)) {
                all.extend(reading.correction(queue, extension, reason.as_deref()));
            }
            let too_many = reading.members.keys().filter(|member| !(present.contains_key(*member) && belongs(member)));
            all.extend(too_many.map(|member| Correction::Remove { queue: queue.clone(), extension: member.clone() }));
        }
        all
    }
}

impl QueueReading {
    fn count(&mut self, row: &Event) {
        let number = |name| row.number(name).unwrap_or_default();
        (self.completed, self.abandoned) = (number("Completed"), number("Abandoned"));
        (self.hold, self.talk) = (number("Holdtime"), number("TalkTime"));
    }

    fn correction(&self, queue: &str, extension: &str, reason: Option<&str>) -> Option<Correction> {
        let (queue, extension) = (queue.to_owned(), extension.to_owned());
        match self.members.get(&extension) {
            None => Some(Correction::Add { queue, extension, paused: reason.is_some() }),
            // An empty reason is none to Asterisk.
            Some(there)
                if there.paused == reason.is_some()
                    && there.reason.as_deref().unwrap_or("") == reason.unwrap_or("") =>
            {
                None
            }
            Some(_) => Some(Correction::Pause { queue, extension, reason: reason.map(str::to_owned) }),
        }
    }
}

impl Correction {
    /// What Asterisk is asked for it.
    pub fn action(&self) -> Action {
        match self {
            Self::Add { queue, extension, paused } => Action::new("QueueAdd")
                .with("Queue", queue)
                .with("Interface", interface(extension))
                .with("StateInterface", interface(extension))
                .with("MemberName", extension)
                .with("Paused", paused.to_string()),
            Self::Remove { queue, extension } => {
                Action::new("QueueRemove").with("Queue", queue).with("Interface", interface(extension))
            }
            Self::Pause { queue, extension, reason } => Action::new("QueuePause")
                .with("Queue", queue)
                .with("Interface", interface(extension))
                .with("Paused", reason.is_some().to_string())
                .with("Reason", reason.as_deref().unwrap_or("")),
        }
    }
}

/// The channel of an extension.
pub fn interface(extension: &str) -> String {
    format!("{CHANNELS}{extension}")
}

fn member(row: &Event) -> Option<(String, Member)> {
    let extension = row.get("Location")?.strip_prefix(CHANNELS)?;
    let is = |name| row.number(name).unwrap_or_default() != 0;
    let member = Member {
        status: row.number("Status").unwrap_or_default(),
        paused: is("Paused"),
        reason: row.get("PausedReason").map(str::to_owned),
        in_call: is("InCall"),
        calls: row.number("CallsTaken").unwrap_or_default(),
        last_call: row.get("LastCall").and_then(|seconds| seconds.parse().ok()).unwrap_or_default(),
    };
    Some((extension.to_owned(), member))
}

fn caller(row: &Event, now: i64, before: Option<&QueueReading>) -> Caller {
    let id = row.get("Uniqueid").unwrap_or_default().to_owned();
    let known = before.and_then(|queue| queue.callers.iter().find(|caller| caller.id == id));
    let since = known.map_or_else(|| now - i64::from(row.number("Wait").unwrap_or_default()), |caller| caller.since);
    let said = |name| row.get(name).filter(|text| *text != "unknown").map(str::to_owned);
    Caller { number: said("CallerIDNum"), name: said("CallerIDName"), since, id }
}
