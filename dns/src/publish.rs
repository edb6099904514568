//! From events to the zone that is served: enters them in the book, and swaps the snapshot. No I/O but the log.

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Arc, atomic::Ordering},
};

use ecqx_domain::hostname::Label;
use futures::{Stream, StreamExt};
use tokio::sync::watch;

use crate::{
    Snapshot,
    book::{Book, Event},
    metrics::State,
    serial,
    store::Kept,
    transfer::History,
    zone::{Zone, ZoneError, ZoneSettings},
};

/// How many waiting events go into one change of the zone.
const BATCH: usize = 1024;

/// Keeps the snapshot as the events want it, until they end.
#[derive(Debug)]
pub struct Publisher {
    settings: Arc<ZoneSettings>,
    snapshot: Snapshot,
    book: Book,
    /// The revision that the served zone stands for.
    served: Option<u64>,
    serial_offset: u32,
    state: Arc<State>,
    kept: watch::Sender<Option<Kept>>,
    history: History,
}

impl Publisher {
    /// A publisher that knows of no instance yet.
    pub fn new(settings: Arc<ZoneSettings>, snapshot: Snapshot) -> Self {
        Self {
            settings,
            snapshot,
            book: Book::default(),
            served: None,
            serial_offset: 0,
            state: Arc::default(),
            kept: watch::Sender::new(None),
            history: History::default(),
        }
    }

    /// The same with all serials moved up.
    #[must_use]
    pub fn with_serial_offset(self, serial_offset: u32) -> Self {
        Self { serial_offset, ..self }
    }

    /// The same, telling how it stands in these metrics.
    #[must_use]
    pub fn telling(self, state: Arc<State>) -> Self {
        Self { state, ..self }
    }

    /// The same, leaving each state of the zone to this history.
    #[must_use]
    pub fn recording(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// What is to be kept on disk, as it comes.
    pub fn kept(&self) -> watch::Receiver<Option<Kept>> {
        self.kept.subscribe()
    }

    /// Serves what was kept, until the first list tells what is new.
    ///
    /// With the settings of that day its serial is kept too. With others, the zone is another: it gets the next serial, and
    /// the first list's revision.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub fn resume(&mut self, kept: &Kept) -> Result<(), ZoneError> {
        let same = kept.settings == self.settings.digest();
        let serial = if same { kept.serial } else { serial::after(Some(kept.serial), kept.serial) };
        self.book = Book::resumed(&kept.held, same.then_some(kept.revision));
        self.served = same.then_some(kept.revision);
        let labels: BTreeSet<Label> = kept.held.values().map(|published| published.label.clone()).collect();
        let changes = labels.into_iter().map(|label| {
            let published = self.book.served(&label).cloned();
            (label, published)
        });
        let zone = Zone::new(Arc::clone(&self.settings), serial)?.changed(changes, serial)?;
        tracing::info!(serial, names = zone.len(), "the zone that was kept is served until the API server is reached");
        self.snapshot.store(Some(Arc::new(zone)));
        self.state.swapped(true);
        Ok(())
    }

    /// Enters events as they come and swaps the snapshot: at once, with all that are waiting at that moment.
    ///
    /// # Errors
    /// When the zone cannot be written down, which the settings' check has excluded.
    pub async fn follow(&mut self, events: impl Stream<Item = Event>) -> Result<(), ZoneError> {
        let mut batches = pin!(events.ready_chunks(BATCH));
        while let Some(batch) = batches.next().await {
            self.enter(batch)?;
        }
        Ok(())
    }

    /// Enters events, and swaps the snapshot if they change what is served.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub fn enter(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), ZoneError> {
        for event in events {
            self.book.enter(event);
        }
        let Some(revision) = self.book.revision().filter(|_| self.book.is_complete()) else { return Ok(()) };
        // The first list has confirmed what was kept, or is about to correct it.
        self.state.stale.store(false, Ordering::Relaxed);
        if self.served == Some(revision) {
            return Ok(());
        }
        let current = self.snapshot.load_full();
        let serial =
            serial::after(current.as_ref().map(|zone| zone.serial()), serial::of(revision, self.serial_offset));
        let current = current.map_or_else(|| Zone::new(Arc::clone(&self.settings), serial).map(Arc::new), Ok)?;
        let changes = self.book.changes();
        for (label, _) in changes.iter().filter(|(label, _)| self.settings.is_taken(label)) {
            tracing::warn!(%label, "an instance has the name of a name server or of the static part; it is not served under it");
        }
        let labels: Vec<Label> = changes.iter().map(|(label, _)| label.clone()).collect();
        let count = changes.len();
        let zone = current.changed(changes, serial)?;
        tracing::info!(zone = %zone.origin(), serial, changes = count, names = zone.len(), "the zone has changed");
        // A secondary may ask as soon as the new one is served, so the way there is laid first.
        self.history.left(current, labels);
        self.snapshot.store(Some(Arc::new(zone)));
        self.served = Some(revision);
        self.state.swapped(false);
        let zone = self.settings.origin().to_ascii().trim_end_matches('.').to_owned();
        let (settings, held) = (self.settings.digest(), self.book.held().clone());
        self.kept.send_replace(Some(Kept { zone, serial, revision, settings, held }));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
