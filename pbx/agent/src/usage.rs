//! What is in use right now, asked of Asterisk. Does I/O (the control socket).

use std::collections::BTreeSet;
use std::time::Duration;

use pbx_contract::Usage;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::console::Ports;
use crate::control::{Control, ControlError, answers};
use crate::render::signals;
use crate::status::Status;

/// However many want to know, Asterisk is asked once in this time.
const FRESH: Duration = Duration::from_millis(250);
/// The operator waits for 2 s.
const LIMIT: Duration = Duration::from_secs(1);

/// Asks for the usage, and remembers it for a moment.
#[derive(Debug, Default)]
pub struct UsageProbe {
    last: Mutex<Option<Reading>>,
    consoles: Ports,
}

/// A usage, when it was read, and under which limits: those of others are another question.
#[derive(Debug)]
struct Reading {
    at: Instant,
    mark: Option<String>,
    usage: Usage,
}

impl UsageProbe {
    /// One that counts the consoles by their ports.
    pub fn new(consoles: Ports) -> Self {
        Self { last: Mutex::default(), consoles }
    }

    /// The usage under the applied limits, at most a quarter of a second old.
    ///
    /// # Errors
    /// When Asterisk does not answer.
    pub async fn read(&self, control: &Control, status: &Status) -> Result<Usage, ControlError> {
        let mut last = self.last.lock().await;
        if let Some(reading) = last.as_ref()
            && reading.at.elapsed() < FRESH
            && reading.mark == mark(status)
        {
            return Ok(Usage { consoles: self.consoles.taken(), ..reading.usage });
        }
        self.ask(&mut last, control, status).await
    }

    /// The usage as it is now, for who knows that it has changed: what was read a moment ago may be from before.
    ///
    /// # Errors
    /// When Asterisk does not answer.
    pub async fn read_anew(&self, control: &Control, status: &Status) -> Result<Usage, ControlError> {
        let mut last = self.last.lock().await;
        self.ask(&mut last, control, status).await
    }

    async fn ask(&self, last: &mut Option<Reading>, control: &Control, status: &Status) -> Result<Usage, ControlError> {
        let usage = ask(control, status).await?;
        *last = Some(Reading { at: Instant::now(), mark: mark(status), usage });
        Ok(Usage { consoles: self.consoles.taken(), ..usage })
    }
}

fn mark(status: &Status) -> Option<String> {
    status.applied.as_ref().map(|applied| applied.mark.clone())
}

/// A disabled extension's contact lives on until it expires, so only the enabled ones are counted.
async fn ask(control: &Control, status: &Status) -> Result<Usage, ControlError> {
    let channels = control.run("core show channels count", LIMIT);
    let contacts = control.run("pjsip list contacts", LIMIT);
    let pools = control.run("group show channels", LIMIT);
    let (channels, contacts, pools) = tokio::try_join!(channels, contacts, pools)?;
    // Before the first confirmation there may be calls too, by the files of before.
    let enabled = status.applied.as_ref().map(|applied| &applied.enabled);
    let registered = answers::registered(&contacts);
    let registered = registered.into_iter().filter(|number| enabled.is_some_and(|all| all.contains(*number))).count();
    Ok(Usage {
        extensions_enabled: count(enabled.map_or(0, BTreeSet::len)),
        extensions_registered: count(registered),
        active_calls: answers::active_calls(&channels, &pools).unwrap_or_default(),
        recordings: answers::places(&pools, signals::RECORDING_POOL),
        conference_participants: answers::places(&pools, signals::CONFERENCE_POOL),
        ..Usage::default()
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
