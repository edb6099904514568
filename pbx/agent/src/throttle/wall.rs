//! Keeps those who fail too often out of Asterisk. Does I/O (a file, a reload).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pbx_contract::event::SystemEvent;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, sleep_until};

use super::failures::{self, Failure};
use super::{Rule, Throttle, render};
use crate::ami::Event;
use crate::control::{Control, answers};
use crate::events::Events;
use crate::files;
use crate::status::Shared;

/// The file of those who are blocked. A reload of it does not touch the phones, of which there may be 3000.
pub const FILE: &str = "acl.conf";

/// Asterisk is told this often at most.
const PACE: Duration = Duration::from_millis(500);
const RELOAD_LIMIT: Duration = Duration::from_mins(1);
/// How long it is taken to be known where phones are, however many are said to fail, and how long Asterisk may take to say it.
const FRESH: Duration = Duration::from_secs(1);
const LIST_LIMIT: Duration = Duration::from_secs(10);

/// Where registered phones are.
#[derive(Debug, Default)]
struct Phones {
    read_at: Option<Instant>,
    addresses: BTreeSet<IpAddr>,
}

/// Where to write, whom to tell, and what the rule is.
#[derive(Debug)]
pub struct Wall {
    /// The directory of Asterisk's files.
    pub config: PathBuf,
    /// Asterisk's command line.
    pub control: Control,
    /// Has the policy in force.
    pub status: Shared,
    /// Where it is told.
    pub events: Events,
}

impl Wall {
    /// Runs as long as there are events. After a restart of the agent nobody is blocked: who goes on failing soon is again.
    pub async fn keep(self, mut events: broadcast::Receiver<Arc<Event>>) {
        let (mut throttle, mut phones) = (Throttle::default(), Phones::default());
        let mut told = Instant::now();
        let mut changed = false;
        loop {
            let due = if changed { Some(told + PACE) } else { throttle.next() };
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => changed |= self.judge(&mut throttle, &mut phones, &event).await,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                () = sleep_until(due.unwrap_or(told)), if due.is_some() => {
                    for source in throttle.released(Instant::now()) {
                        self.events.raise(SystemEvent::SourceReleased { source });
                        changed = true;
                    }
                    if changed {
                        changed = !self.tell(&throttle).await;
                        told = Instant::now();
                    }
                }
            }
        }
    }

    async fn judge(&self, throttle: &mut Throttle, phones: &mut Phones, event: &Event) -> bool {
        let Some(Failure { source, forgeable }) = failures::of(event) else { return false };
        let policy = self.status.borrow().applied.as_ref().map(|applied| applied.wanted.policy.clone());
        let Some(policy) = policy else { return false };
        let Some(failures) = throttle.failed(source, Instant::now(), Rule::from(&policy)) else { return false };
        if forgeable && self.is_a_phones(phones, source).await {
            throttle.spare(source, Instant::now());
            return false;
        }
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        self.events.raise(SystemEvent::SourceBlocked { source, failures, seconds: policy.block_seconds });
        true
    }

    /// Whether a registered phone is there: whoever has registered has received a challenge, so its address was no forgery. Where that
    /// cannot be known, there may be one.
    async fn is_a_phones(&self, phones: &mut Phones, source: IpAddr) -> bool {
        if phones.read_at.is_none_or(|at| at.elapsed() >= FRESH) {
            let Ok(contacts) = self.control.run("database show registrar", LIST_LIMIT).await else { return true };
            let addresses = answers::contact_addresses(&contacts);
            *phones = Phones { read_at: Some(Instant::now()), addresses };
        }
        phones.addresses.contains(&source)
    }

    /// True when Asterisk has taken it.
    async fn tell(&self, throttle: &Throttle) -> bool {
        let (config, content) = (self.config.clone(), render(throttle.blocked()));
        let written =
            tokio::task::spawn_blocking(move || files::write_changed(&config, &[(FILE, content)].into())).await;
        let written = written.is_ok_and(|written| written.is_ok());
        written && self.control.run("module reload acl", RELOAD_LIMIT).await.is_ok()
    }
}
