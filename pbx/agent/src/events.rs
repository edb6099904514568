//! System events: whoever sees something raises it here; they are kept in memory and on the data volume, both bounded, and told at
//! `GET /v1/events`. The kinds are in [`pbx_contract::event`]. Does I/O (a file, on a thread of its own).
//!
//! ```text
//! events.raise(SystemEvent::ConsoleConnected { extension: "101".into() });
//! ```
//!
//! An [`Events`] is cheap to clone. Raising never waits: should the volume be slow, an event is in memory and not on the volume.
//! A kind that comes too often is counted, and kept only so many times a minute: a stranger must not be able to push out the rest.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pbx_contract::event::{Event, EventsPage, Severity, SystemEvent};

use log::Log;

use crate::tally::Tally;

pub mod inbox;
mod log;

/// So many are kept in memory.
const KEPT: usize = 2000;
/// So many of one kind are kept within a [`WINDOW`].
const OF_A_KIND: u64 = 60;
const WINDOW: Duration = Duration::from_mins(1);
/// Lines that wait for the volume.
const WAITING: usize = 1024;
const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// The most that one page has.
pub const PAGE_MAX: usize = 1000;

/// All system events of this PBX. Clones share them.
#[derive(Clone, Debug)]
pub struct Events(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    lines: Option<SyncSender<Line>>,
    tally: OnceLock<Tally>,
}

/// What the writing thread is given.
#[derive(Debug)]
enum Line {
    Write(String),
    /// Answered when all before it is written.
    Flush(SyncSender<()>),
}

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<Event>,
    last: u64,
    windows: BTreeMap<&'static str, Window>,
    counts: BTreeMap<&'static str, (Severity, u64)>,
}

/// What came of one kind of late.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    came: u64,
}

impl Events {
    /// Those in this directory, and all that follow. A directory that cannot be used costs the events of before, and no event.
    pub fn open(dir: &Path) -> Self {
        let (mut state, mut lines) = (State::default(), None);
        match Log::open(dir) {
            Ok((log, before)) => {
                state.last = before.last;
                state.kept.extend(before.events);
                lines = Some(write(log));
            }
            Err(error) => tracing::error!(%error, dir = %dir.display(), "events are kept in memory alone"),
        }
        state.trim();
        Self(Arc::new(Shared { state: Mutex::new(state), lines, tally: OnceLock::new() }))
    }

    /// In memory alone.
    pub fn in_memory() -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), lines: None, tally: OnceLock::new() }))
    }

    /// Those that tell of somebody who was refused for a limit count there, from now on.
    pub fn count_refusals(&self, tally: Tally) {
        // Whoever came first stays.
        let _ = self.0.tally.set(tally);
    }

    /// Something has happened.
    pub fn raise(&self, event: SystemEvent) {
        if let (Some(tally), Some(feature)) = (self.0.tally.get(), event.refuses()) {
            tally.refused(feature);
        }
        let mut state = self.lock();
        let kind = event.kind();
        state.counts.entry(kind.name).or_insert((kind.severity, 0)).1 += 1;
        let (kept, held_back) = state.window(kind.name);
        if let Some(count) = held_back {
            self.keep(&mut state, SystemEvent::EventsHeldBack { kind: kind.name.into(), count });
        }
        if kept {
            self.keep(&mut state, event);
        }
    }

    /// Tells of what was held back in windows that are over; to be called now and then.
    pub fn settle(&self) {
        let mut state = self.lock();
        let over: Vec<_> = state
            .windows
            .iter()
            .filter(|(_, window)| window.began.elapsed() >= WINDOW)
            .map(|(k, w)| (*k, *w))
            .collect();
        for (kind, window) in over {
            state.windows.remove(kind);
            if let Some(count) = window.held_back() {
                self.keep(&mut state, SystemEvent::EventsHeldBack { kind: kind.into(), count });
            }
        }
    }

    /// Those after this number, the oldest first. A number that was never given belongs to a volume of before: then all are told.
    pub fn page(&self, after: u64, limit: usize) -> EventsPage {
        let state = self.lock();
        let after = if after > state.last { 0 } else { after };
        let newer = state.kept.iter().filter(|event| event.seq > after);
        let events: Vec<Event> = newer.take(limit.clamp(1, PAGE_MAX)).cloned().collect();
        let next = events.last().map_or(after, |event| event.seq);
        EventsPage { next, oldest: state.kept.front().map_or(0, |event| event.seq), events }
    }

    /// How many of each kind were raised since the agent's start, kept or not.
    pub fn counts(&self) -> BTreeMap<&'static str, (Severity, u64)> {
        self.lock().counts.clone()
    }

    /// Waits until what was raised is on the volume, for a moment at most; blocking.
    pub fn flush(&self) {
        let (written, wait) = sync_channel(1);
        if let Some(lines) = &self.0.lines
            && lines.try_send(Line::Flush(written)).is_ok()
        {
            let _ = wait.recv_timeout(FLUSH_LIMIT);
        }
    }

    fn keep(&self, state: &mut State, event: SystemEvent) {
        state.last += 1;
        let kind = event.kind();
        let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let event = Event { seq: state.last, at, severity: kind.severity, text: event.text(), event };
        tell(kind.name, &event);
        if let (Some(lines), Ok(line)) = (&self.0.lines, serde_json::to_string(&event)) {
            // A volume that is slow or gone: the event stays in memory.
            let _ = lines.try_send(Line::Write(line));
        }
        state.kept.push_back(event);
        state.trim();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn trim(&mut self) {
        let excess = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..excess);
    }

    /// Whether one more of this kind is kept, and how many were not in a window that is over.
    fn window(&mut self, kind: &'static str) -> (bool, Option<u64>) {
        let fresh = Window { began: Instant::now(), came: 0 };
        let window = self.windows.entry(kind).or_insert(fresh);
        let over = (window.began.elapsed() >= WINDOW).then(|| std::mem::replace(window, fresh));
        window.came += 1;
        (window.came <= OF_A_KIND, over.and_then(Window::held_back))
    }
}

impl Window {
    fn held_back(self) -> Option<u64> {
        self.came.checked_sub(OF_A_KIND).filter(|count| *count > 0)
    }
}

/// The log has them too.
fn tell(kind: &str, event: &Event) {
    let (seq, text) = (event.seq, event.text.as_str());
    match event.severity {
        Severity::Info => tracing::info!(target: "event", kind, seq, "{text}"),
        Severity::Warning => tracing::warn!(target: "event", kind, seq, "{text}"),
        Severity::Error | Severity::Critical => tracing::error!(target: "event", kind, seq, "{text}"),
    }
}

/// A thread that writes until the last [`Events`] has gone.
fn write(mut log: Log) -> SyncSender<Line> {
    let (lines, waiting) = sync_channel(WAITING);
    std::thread::spawn(move || {
        let mut failing = false;
        while let Ok(line) = waiting.recv() {
            let line = match line {
                Line::Write(line) => line,
                Line::Flush(written) => {
                    let _ = written.send(());
                    continue;
                }
            };
            let outcome = log.append(&line);
            if let (Err(error), false) = (&outcome, failing) {
                tracing::error!(%error, "events cannot be written to the data volume; they are in memory alone");
            }
            failing = outcome.is_err();
        }
    });
    lines
}

#[cfg(test)]
mod tests;
