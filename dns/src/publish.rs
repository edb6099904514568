//! From events to the zone that is served: enters them in the book, and swaps the snapshot. No I/O but the log and
//! the disk, on which a change is written before it is served.

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Arc, atomic::Ordering},
};

use ecqx_domain::hostname::Label;
use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};

use crate::{
    Snapshot,
    agreement::Version,
    book::{Book, Change, Event},
    dnssec::Signing,
    metrics::State,
    serial,
    store::{self, Entry, Held, Journal, Kept},
    transfer::History,
    zone::{Zone, ZoneError, ZoneSettings},
};

/// How many waiting events go into one change of the zone.
const BATCH: usize = 1024;

/// What stands between the settings' digest and that of the signing, where the zone is kept.
const SIGNED: char = '@';

/// Keeps the snapshot as the events want it, until they end.
#[derive(Debug)]
pub struct Publisher {
    settings: Arc<ZoneSettings>,
    snapshot: Snapshot,
    book: Book,
    /// The revision that the served zone stands for.
    served: Option<u64>,
    /// That of the zone that was resumed.
    resumed: u64,
    serial_offset: u32,
    state: Arc<State>,
    kept: watch::Sender<Option<Kept>>,
    journal: Option<Journal>,
    history: History,
    versions: watch::Sender<Option<Version>>,
    signing: Option<watch::Receiver<Arc<Signing>>>,
    held: watch::Sender<Option<Held>>,
}

impl Publisher {
    /// A publisher that knows of no instance yet.
    pub fn new(settings: Arc<ZoneSettings>, snapshot: Snapshot) -> Self {
        Self {
            settings,
            snapshot,
            book: Book::default(),
            served: None,
            resumed: 0,
            serial_offset: 0,
            state: Arc::default(),
            kept: watch::Sender::new(None),
            journal: None,
            history: History::default(),
            versions: watch::Sender::new(None),
            signing: None,
            held: watch::Sender::new(None),
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

    /// The same, signing the zone as it is told, now and as time goes on.
    #[must_use]
    pub fn signing(self, signing: Option<watch::Receiver<Arc<Signing>>>) -> Self {
        Self { signing, ..self }
    }

    /// Writes each change into this journal before it is served.
    pub fn keep_in(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// What is served, for the other replicas, as it changes.
    pub fn versions(&self) -> watch::Receiver<Option<Version>> {
        self.versions.subscribe()
    }

    /// What is served of each instance, as it changes; nothing before it was compared with the API server.
    pub fn held(&self) -> watch::Receiver<Option<Held>> {
        self.held.subscribe()
    }

    /// What is served, for the secondaries, as it changes; what was resumed, once it was compared with the API server.
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
    pub async fn resume(&mut self, kept: &Kept) -> Result<(), ZoneError> {
        let same = kept.settings.split(SIGNED).next() == Some(&self.settings.digest());
        let signing = self.signing.as_ref().map(|signing| Arc::clone(&signing.borrow()));
        let serial = if kept.settings == self.described(signing.as_ref()) {
            kept.serial
        } else {
            // With other signatures it is another zone too, at the same revision.
            let wanted = same.then(|| self.serial(kept.revision, signing.as_ref()));
            serial::after(Some(kept.serial), wanted.unwrap_or(kept.serial))
        };
        self.book = Book::resumed(&kept.held, same.then_some(kept.revision));
        (self.served, self.resumed) = (same.then_some(kept.revision), kept.revision);
        let labels: BTreeSet<Label> = kept.held.values().map(|published| published.label.clone()).collect();
        let changes = labels.into_iter().map(|label| {
            let published = self.book.served(&label).cloned();
            (label, published)
        });
        let zone = Zone::new(Arc::clone(&self.settings), serial)?.changed(changes, serial)?;
        let zone = zone.resigned(signing.as_ref(), serial)?;
        tracing::info!(serial, names = zone.len(), "the zone that was kept is served until the API server is reached");
        if serial != kept.serial {
            self.write(Some(kept.serial), self.as_kept(&zone)).await;
        }
        self.snapshot.store(Some(Arc::new(zone)));
        self.state.swapped(true);
        Ok(())
    }

    /// Enters events as they come and swaps the snapshot: at once, with all that are waiting at that moment. Considers what
    /// other replicas have. Ends with the events.
    ///
    /// # Errors
    /// When the zone cannot be written down, which the settings' check has excluded.
    pub async fn follow(
        &mut self,
        events: impl Stream<Item = Event>,
        mut others: mpsc::Receiver<Version>,
    ) -> Result<(), ZoneError> {
        let mut batches = pin!(events.ready_chunks(BATCH));
        loop {
            tokio::select! {
                batch = batches.next() => match batch {
                    Some(batch) => self.enter(batch).await?,
                    None => return Ok(()),
                },
                Some(theirs) = others.recv() => self.agree(&theirs).await?,
                () = renewed(&mut self.signing) => self.resign().await?,
            }
        }
    }

    /// Enters events, and swaps the snapshot if they change what is served.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub async fn enter(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), ZoneError> {
        for event in events {
            self.book.enter(event);
        }
        let Some(revision) = self.book.revision().filter(|_| self.book.is_complete()) else { return Ok(()) };
        // The first list has confirmed what was kept, or is about to correct it.
        self.state.stale.store(false, Ordering::Relaxed);
        if self.served == Some(revision) {
            // What was resumed is told of only now that it is known to hold: to secondaries too, who may have missed it before.
            if self.kept.borrow().is_none()
                && let Some(zone) = self.snapshot.load_full()
            {
                self.kept.send_replace(Some(self.as_kept(&zone)));
            }
            self.tell();
            return Ok(());
        }
        let current = self.snapshot.load_full();
        let (before, signing) = match &current {
            Some(zone) => (Some(zone.serial()), zone.signing().cloned()),
            None => (None, self.wanted_signing()),
        };
        let changes = self.book.changes();
        for (label, _) in changes.iter().filter(|(label, _)| self.settings.is_taken(label)) {
            tracing::warn!(%label, "an instance has the name of a name server or of the static part; it is not served under it");
        }
        self.served = Some(revision);
        self.swap(changes, serial::after(before, self.serial(revision, signing.as_ref()))).await
    }

    /// Signs the zone as it is to be signed now: under a serial of its own, since there is no write to Kubernetes that has one.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub async fn resign(&mut self) -> Result<(), ZoneError> {
        let (Some(signing), Some(current)) = (self.wanted_signing(), self.snapshot.load_full()) else { return Ok(()) };
        if current.signing().is_some_and(|own| own.is_like(&signing)) {
            return Ok(());
        }
        let wanted = self.served.map_or(current.serial(), |revision| self.serial(revision, Some(&signing)));
        let serial = serial::after(Some(current.serial()), wanted);
        let zone = current.resigned(Some(&signing), serial)?;
        tracing::info!(zone = %zone.origin(), serial, "the zone is signed anew");
        self.replace(Some(current), zone, Vec::new()).await;
        Ok(())
    }

    /// How many instances have no name because the static part or another instance has it.
    fn unnamed(&self) -> usize {
        let taken = self.settings.taken().filter(|label| self.book.is_wanted(label)).count();
        self.book.shared() + taken
    }

    fn wanted_signing(&self) -> Option<Arc<Signing>> {
        self.signing.as_ref().map(|signing| Arc::clone(&signing.borrow()))
    }

    /// The serial of the zone at a revision, signed in this way.
    fn serial(&self, revision: u64, signing: Option<&Arc<Signing>>) -> u32 {
        serial::of(revision, self.serial_offset.wrapping_add(signing.map_or(0, |signing| signing.serials())))
    }

    /// The settings and how the zone is signed, as a text.
    fn described(&self, signing: Option<&Arc<Signing>>) -> String {
        let settings = self.settings.digest();
        signing.map_or_else(|| settings.clone(), |signing| format!("{settings}{SIGNED}{}", signing.digest()))
    }

    /// Takes over the serial of another replica that holds the same and is ahead.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub async fn agree(&mut self, theirs: &Version) -> Result<(), ZoneError> {
        let yields = self.version().is_some_and(|ours| self.book.is_complete() && ours.yields_to(theirs));
        if yields { self.swap(Vec::new(), theirs.serial).await } else { Ok(()) }
    }

    /// What is served now.
    fn version(&self) -> Option<Version> {
        let zone = self.snapshot.load_full()?;
        let described = self.described(zone.signing());
        let digest = store::digest(format!("{described} {:x}", self.book.digest()).as_bytes());
        Some(Version { serial: zone.serial(), digest })
    }

    async fn swap(&mut self, changes: Vec<Change>, serial: u32) -> Result<(), ZoneError> {
        let labels: Vec<Label> = changes.iter().map(|(label, _)| label.clone()).collect();
        let current = self.snapshot.load_full();
        let zone = match &current {
            Some(current) => current.changed(changes, serial)?,
            None => Zone::new(Arc::clone(&self.settings), serial)?
                .changed(changes, serial)?
                .resigned(self.wanted_signing().as_ref(), serial)?,
        };
        tracing::info!(zone = %zone.origin(), serial, changes = labels.len(), names = zone.len(), "the zone has changed");
        self.replace(current, zone, labels).await;
        Ok(())
    }

    /// Serves another zone in place of the one that was served, if any was.
    async fn replace(&mut self, current: Option<Arc<Zone>>, zone: Zone, labels: Vec<Label>) {
        warn_of_unwritten(&zone, &labels);
        self.write(current.as_ref().map(|zone| zone.serial()), self.as_kept(&zone)).await;
        // A secondary may ask as soon as the new one is served, so the way there is laid first. Nobody has what was never served.
        if let Some(current) = current {
            self.history.left(current, labels, &zone);
        }
        let zone = Arc::new(zone);
        self.snapshot.store(Some(Arc::clone(&zone)));
        self.state.swapped(!self.book.is_complete());
        self.kept.send_replace(Some(self.as_kept(&zone)));
        self.tell();
    }

    /// Brings to the disk what is about to be served after the zone of this serial: a restart is not to lead behind it.
    async fn write(&mut self, before: Option<u32>, kept: Kept) {
        let change = Entry { before, kept, keys: self.book.moved() };
        if let Some(journal) = &mut self.journal {
            journal.keep(change).await;
        }
    }

    /// A zone as it is kept.
    fn as_kept(&self, zone: &Zone) -> Kept {
        Kept {
            zone: self.settings.origin().to_ascii().trim_end_matches('.').to_owned(),
            serial: zone.serial(),
            revision: self.served.unwrap_or(self.resumed),
            settings: self.described(zone.signing()),
            held: self.book.held().clone(),
        }
    }

    /// Tells of what was compared with the API server, and of nothing before that.
    fn tell(&self) {
        if !self.book.is_complete() {
            return;
        }
        self.state.unnamed.store(self.unnamed(), Ordering::Relaxed);
        self.held.send_replace(Some(self.book.held().clone()));
        self.versions.send_replace(self.version());
    }
}

/// A fault of one instance: the others have their names, and somebody should know.
fn warn_of_unwritten(zone: &Zone, changed: &[Label]) {
    for label in changed {
        if let Some(why) = zone.unwritten(label) {
            tracing::warn!(%label, why, "an instance's records cannot be written; it has no name");
        }
    }
}

/// Waits until the zone is to be signed otherwise: for ever where it is not signed.
async fn renewed(signing: &mut Option<watch::Receiver<Arc<Signing>>>) {
    if let Some(signing) = signing
        && signing.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests;
