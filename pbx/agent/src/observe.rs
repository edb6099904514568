//! Listens to Asterisk, and makes of what it hears system events, peaks and counts of refusals. Does I/O (through its parts).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pbx_contract::event::SystemEvent;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

use crate::ami::{Action, Ami, Event, Link};
use crate::control::{Control, answers};
use crate::events::Events;
use crate::status::Shared;
use crate::tally::Tally;
use crate::usage::UsageProbe;

use recorder::Recorder;

pub use ears::{Ears, Heard};

mod disk;
mod ears;
mod moved;
mod recorder;
pub mod said;

/// However much happens, usage is looked at once in this time; what is shorter is no peak that anybody would bill.
const LOOK: Duration = Duration::from_millis(250);
const QUESTION_LIMIT: Duration = Duration::from_secs(5);
/// Looks between two of the volume: 30 s.
const LOOKS_PER_ROUND: u32 = 120;

/// What the listening needs.
#[derive(Debug)]
pub struct Observer {
    /// What it listens to.
    pub ami: Ami,
    /// What it asks.
    pub control: Control,
    /// What holds.
    pub status: Shared,
    /// Where events go.
    pub events: Events,
    /// Where peaks and refusals go.
    pub tally: Tally,
    /// What is in use.
    pub usage: Arc<UsageProbe>,
    /// The volume that is looked after.
    pub data_dir: PathBuf,
    /// Where recordings lie on it.
    pub recordings: PathBuf,
}

impl Observer {
    /// Listens for as long as the agent lives.
    pub async fn listen(self) {
        let (mut heard, mut link) = (self.ami.events(), self.ami.link());
        let (mut ears, mut disk) = (Ears::default(), disk::Disk::new(&self.data_dir));
        let recorder = self.recorder();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut moved, mut begun, mut round) = (true, None, 0);
        loop {
            tokio::select! {
                event = heard.recv() => match event {
                    Ok(event) => moved |= self.hear(&mut ears, &event).await,
                    Err(RecvError::Lagged(count)) => self.missed(&mut ears, count).await,
                    Err(RecvError::Closed) => return,
                },
                Ok(()) = link.changed() => {
                    let down = *link.borrow_and_update() == Link::Down;
                    self.status.send_modify(|status| status.hears(!down));
                    if down && !self.status.borrow().draining {
                        self.events.raise(SystemEvent::ManagerLost { reason: "it was closed".into() });
                    }
                }
                _ = looks.tick() => {
                    let before = std::mem::replace(&mut begun, self.calls_begun().await);
                    moved |= begun != before;
                    if !ears.moved.is_empty() {
                        recorder.put_right(&mut ears.moved).await;
                        moved = true;
                    }
                    if std::mem::take(&mut moved) {
                        self.look().await;
                    }
                    self.tally.save().await;
                    round = (round + 1) % LOOKS_PER_ROUND;
                    if round == 1 {
                        disk.look(&self.events);
                        self.events.settle();
                    }
                }
            }
        }
    }

    fn recorder(&self) -> Recorder {
        Recorder {
            ami: self.ami.clone(),
            control: self.control.clone(),
            status: self.status.clone(),
            events: self.events.clone(),
            directory: self.recordings.clone(),
        }
    }

    /// True when something in use may have become more.
    async fn hear(&self, ears: &mut Ears, event: &Event) -> bool {
        if event.name == "FullyBooted" {
            self.begin(ears).await;
            return true;
        }
        let enabled = self.status.borrow().applied.as_ref().map(|applied| applied.enabled.clone()).unwrap_or_default();
        let mut moved = false;
        for heard in ears.hear(event, &enabled) {
            match heard {
                Heard::Event(event) => {
                    moved |= matches!(event, SystemEvent::PhoneRegistered { .. });
                    self.events.raise(event);
                }
                Heard::Refused(feature) => self.tally.refused(&feature),
                Heard::Taken { pool, places } => self.tally.taken(&pool, places),
            }
        }
        moved
    }

    /// How many calls have begun since Asterisk was started; none while it does not say.
    ///
    /// Asked for, since an event for each call costs more than all questions do (ADR 0069). And an event that waits in Asterisk is written with the answer
    /// at the latest: one once did not come until the end of a test, and nothing else had been asked.
    async fn calls_begun(&self) -> Option<u32> {
        let answer = self.ami.request(Action::new("CoreStatus")).await.ok()?;
        answer.fields.number("CoreProcessedCalls")
    }

    /// What holds already when listening begins is no news.
    async fn begin(&self, ears: &mut Ears) {
        if let Ok(answer) = self.control.run("pjsip list contacts", QUESTION_LIMIT).await {
            ears.know_contacts(answers::contacts(&answer));
        }
        if let Ok(answer) = self.ami.request(Action::new("QueueStatus")).await {
            ears.know_members(&answer.rows);
        }
    }

    async fn missed(&self, ears: &mut Ears, count: u64) {
        self.events.raise(SystemEvent::EventsMissed { count });
        self.begin(ears).await;
    }

    async fn look(&self) {
        let status = self.status.borrow().clone();
        // An Asterisk that is away has nothing in use.
        if let Ok(usage) = self.usage.read_anew(&self.control, &status).await {
            self.tally.used(&usage);
        }
    }
}

/// Extensions that may call.
type Enabled = BTreeSet<String>;
