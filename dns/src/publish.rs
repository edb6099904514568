//! From events to the zone that is served: enters them in the book, and swaps the snapshot. No I/O but the log.

use std::{pin::pin, sync::Arc};

use futures::{Stream, StreamExt};

use crate::{
    Snapshot,
    book::{Book, Event},
    metrics::State,
    serial,
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
}

impl Publisher {
    /// A publisher that knows of no instance yet.
    pub fn new(settings: Arc<ZoneSettings>, snapshot: Snapshot) -> Self {
        Self { settings, snapshot, book: Book::default(), served: None, serial_offset: 0, state: Arc::default() }
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
        let count = changes.len();
        let zone = current.changed(changes, serial)?;
        tracing::info!(zone = %zone.origin(), serial, changes = count, names = zone.len(), "the zone has changed");
        self.snapshot.store(Some(Arc::new(zone)));
        self.served = Some(revision);
        self.state.swapped(false);
        Ok(())
    }
}
