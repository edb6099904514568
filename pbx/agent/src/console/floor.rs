//! The state of the queues, and that the agents who are connected are members of theirs. Does I/O (asks Asterisk).
//!
//! Events are reasons to look, not what is believed: each look reads all queues and puts right what differs. So whatever is lost or
//! restarted is made up for by the next look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::reading::{Present, Reading};
use crate::ami::{Action, Ami, AmiError, Event, Link};
use crate::status::{Shared, Status};
use crate::wanted::Wanted;

/// Between two looks for events; one for a request does not wait.
const PAUSE: Duration = Duration::from_millis(100);
/// Nothing that is lost is missing for longer.
const POLL: Duration = Duration::from_secs(5);
/// How often what differs is put right before it is left to the next look.
const PASSES: u8 = 3;

/// The queues, to look at and to be put in order. Clones share it.
#[derive(Clone, Debug)]
pub struct Floor {
    orders: mpsc::UnboundedSender<Order>,
    reading: watch::Receiver<Arc<Reading>>,
}

/// An agent that is connected, until it is dropped.
#[derive(Debug)]
pub struct Presence {
    extension: String,
    orders: mpsc::UnboundedSender<Order>,
}

/// As many as there are connections, and one at a time of each: their number is bounded.
#[derive(Debug)]
enum Order {
    Come(String),
    Go(String),
    Pause { extension: String, reason: Option<String>, done: oneshot::Sender<Paused> },
}

/// What came of an order to pause or resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused {
    /// It is as it should be.
    Done,
    /// The agent is not connected.
    NotConnected,
    /// Asterisk did not do it; it is tried again.
    Failed,
}

impl Floor {
    /// Begins to look.
    pub fn start(ami: Ami, status: &Shared) -> Self {
        let (orders, asked) = mpsc::unbounded_channel();
        let (tell, reading) = watch::channel(Arc::default());
        let keeper = Keeper { ami, status: status.subscribe(), present: BTreeMap::new(), reading: tell };
        tokio::spawn(keeper.run(asked));
        Self { orders, reading }
    }

    /// The state, as it changes.
    pub fn reading(&self) -> watch::Receiver<Arc<Reading>> {
        self.reading.clone()
    }

    /// An agent has connected.
    pub fn come(&self, extension: &str) -> Presence {
        // It fails only at the end of the process.
        let _ = self.orders.send(Order::Come(extension.to_owned()));
        Presence { extension: extension.to_owned(), orders: self.orders.clone() }
    }

    /// Pauses an agent in all its queues, or with no reason given at all (`None`) lets it resume.
    pub async fn pause(&self, extension: &str, reason: Option<String>) -> Paused {
        let (done, outcome) = oneshot::channel();
        let _ = self.orders.send(Order::Pause { extension: extension.to_owned(), reason, done });
        outcome.await.unwrap_or(Paused::Failed)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Go(std::mem::take(&mut self.extension)));
    }
}

/// One agent may have several consoles.
#[derive(Debug, Default)]
struct Agent {
    consoles: u32,
    paused: Option<String>,
}

struct Keeper {
    ami: Ami,
    status: watch::Receiver<Status>,
    present: BTreeMap<String, Agent>,
    reading: watch::Sender<Arc<Reading>>,
}

impl Keeper {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let (mut events, mut link) = (self.ami.events(), self.ami.link());
        loop {
            self.look().await;
            let (soon, late) = (Instant::now() + PAUSE, Instant::now() + POLL);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order, &mut orders).await,
                    None => return,
                },
                () = news(&mut events) => sleep_until(soon).await,
                changed = link.changed() => if changed.is_err() { return },
                changed = self.status.changed() => if changed.is_err() { return },
                () = sleep_until(late) => {}
            }
        }
    }

    /// All orders that there are, and one look for all of them.
    async fn obey(&mut self, first: Order, orders: &mut mpsc::UnboundedReceiver<Order>) {
        let mut asked = Vec::new();
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Come(extension) => self.present.entry(extension).or_default().consoles += 1,
                Order::Go(extension) => self.gone(&extension),
                Order::Pause { extension, reason, done } => match self.present.get_mut(&extension) {
                    Some(agent) => {
                        agent.paused.clone_from(&reason);
                        asked.push((extension, reason.is_some(), done));
                    }
                    None => {
                        let _ = done.send(Paused::NotConnected);
                    }
                },
            }
            next = orders.try_recv().ok();
        }
        if asked.is_empty() {
            return;
        }
        let looked = self.look().await;
        for (extension, paused, done) in asked {
            let is_so = looked && self.reading.borrow().is_paused(&extension, paused);
            // Who asked may have gone.
            let _ = done.send(if is_so { Paused::Done } else { Paused::Failed });
        }
    }

    fn gone(&mut self, extension: &str) {
        if let Some(agent) = self.present.get_mut(extension) {
            agent.consoles = agent.consoles.saturating_sub(1);
            if agent.consoles == 0 {
                self.present.remove(extension);
            }
        }
    }

    /// Reads all, and puts right what differs; whether it could be read.
    async fn look(&mut self) -> bool {
        let wanted = self.status.borrow_and_update().applied.as_ref().map(|applied| Arc::clone(&applied.wanted));
        let Some(wanted) = wanted.filter(|wanted| !wanted.queues.is_empty()) else {
            self.tell(Reading::default());
            return true;
        };
        if *self.ami.link().borrow() == Link::Down {
            return false;
        }
        match self.put_right(&wanted).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the queues could not be looked at; it is tried again");
                false
            }
        }
    }

    async fn put_right(&mut self, wanted: &Wanted) -> Result<(), AmiError> {
        let present: Present =
            self.present.iter().map(|(number, agent)| (number.clone(), agent.paused.clone())).collect();
        for pass in 0..=PASSES {
            let rows = self.ami.request(Action::new("QueueStatus")).await?.rows;
            let reading = Reading::new(&rows, now(), &self.reading.borrow());
            let corrections = reading.corrections(wanted, &present);
            self.tell(reading);
            if corrections.is_empty() || pass == PASSES {
                break;
            }
            for correction in corrections {
                if let Err(error) = self.ami.request(correction.action()).await {
                    tracing::warn!(%error, ?correction, "a queue's members could not be put right");
                }
            }
        }
        Ok(())
    }

    fn tell(&self, reading: Reading) {
        self.reading.send_if_modified(|there| {
            let changed = **there != reading;
            if changed {
                *there = Arc::new(reading);
            }
            changed
        });
    }
}

/// Returns when something may have changed. What is missed is made up for by a look.
async fn news(events: &mut broadcast::Receiver<Arc<Event>>) {
    loop {
        match events.recv().await {
            Ok(event) if is_of_queues(&event.name) => break,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => break,
            // The end of the manager connection's task; the caller sees its other channels end.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn is_of_queues(event: &str) -> bool {
    event.starts_with("Queue") || event.starts_with("Agent") || event == "DeviceStateChange"
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
