//! Brings each change to the disk before it is served, so that no restart leads behind what was said: an own thread, since it waits
//! for the disk. I/O: files.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{Entry, Kept, Store, StoreError};
use crate::metrics::State;

/// How long a change waits for the disk. A disk that takes longer is not waited for again until it has caught up: names are to
/// change even when it hangs.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon a whole file that could not be written is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How many octets of changes are written at least, before the whole file is; for a large zone, half as many as that has.
const LEAST: u64 = 1 << 20;
/// How many changes may wait for a disk that hangs; the whole file makes up for the others.
const WAITING: usize = 1024;

/// The way to the disk. Changes are written as long as it is there.
#[derive(Debug)]
pub struct Journal {
    changes: SyncSender<(Entry, oneshot::Sender<()>)>,
    late: Option<oneshot::Receiver<()>>,
}

impl Journal {
    /// Begins to keep changes of what was loaded, and gives the thread that does, which ends when the journal is dropped.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn begin(store: Store, loaded: Option<Kept>, state: Arc<State>) -> Result<(Self, JoinHandle<()>), StoreError> {
        let (changes, receiver) = sync_channel(WAITING);
        let failed = StoreError::at(store.path.clone());
        let keeper = Keeper { store, state, log: None, length: 0, bound: LEAST, latest: loaded, on_disk: None };
        let thread = std::thread::Builder::new().name("zone to disk".to_owned()).spawn(move || keeper.run(&receiver));
        Ok((Self { changes, late: None }, thread.map_err(failed)?))
    }

    /// Brings a change to the disk, and comes back when it is there. When that takes too long or cannot be, the zone is served all
    /// the same, and written as soon as it can be.
    pub async fn keep(&mut self, change: Entry) {
        let (done, mut written) = oneshot::channel();
        let _full_or_ended = self.changes.try_send((change, done));
        if self.is_late() {
            return;
        }
        if tokio::time::timeout(PATIENCE, &mut written).await.is_err() {
            tracing::warn!(
                "the disk of the zone is slow; changes are served before they are written, until it has caught up"
            );
            self.late = Some(written);
        }
    }

    /// Whether the change that was waited for too long is still not written.
    fn is_late(&mut self) -> bool {
        let late = self.late.as_mut().is_some_and(|late| late.try_recv() == Err(oneshot::error::TryRecvError::Empty));
        if !late {
            self.late = None;
        }
        late
    }
}

/// Who writes.
struct Keeper {
    store: Store,
    state: Arc<State>,
    log: Option<File>,
    /// How many octets of the log are good.
    length: u64,
    /// With how many the whole file is written anew.
    bound: u64,
    /// What is to be on the disk.
    latest: Option<Kept>,
    /// The serial of what can be read from it; none when only the whole file can bring it up to date.
    on_disk: Option<u32>,
}

impl Keeper {
    fn run(mut self, changes: &Receiver<(Entry, oneshot::Sender<()>)>) {
        // What was loaded may have come from the log in part: with the whole file, the log begins empty.
        let mut again = self.keep_whole();
        loop {
            let wait = again.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            match changes.recv_timeout(wait) {
                Ok((change, done)) => {
                    let added = self.add(&change);
                    self.latest = Some(change.kept);
                    // With nothing newer on the disk there is nothing to wait for.
                    let _nobody_waits = done.send(());
                    if !added && again.is_none_or(|at| at <= Instant::now()) || self.length > self.bound {
                        again = self.keep_whole();
                    }
                }
                Err(RecvTimeoutError::Timeout) => again = self.keep_whole(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if self.on_disk != self.latest.as_ref().map(|kept| kept.serial) {
            self.keep_whole();
        }
    }

    /// Whether the change is on the disk now: it has to follow upon what is there.
    fn add(&mut self, change: &Entry) -> bool {
        let follows = self.on_disk.is_some() && self.on_disk == change.before;
        self.on_disk = None;
        let (true, Some(log), Some(text)) = (follows, &self.log, change.text()) else { return false };
        let written = log.write_all_at(text.as_bytes(), self.length).and_then(|()| log.sync_data());
        match written {
            Ok(()) => {
                self.length += text.len() as u64;
                self.on_disk = Some(change.kept.serial);
            }
            Err(error) => {
                tracing::warn!(%error, "a change of the zone cannot be kept; the whole zone is, as soon as it can be");
            }
        }
        written_or_told(&self.state, self.on_disk.is_some())
    }

    /// Writes the whole file, and begins an empty log upon it; gives when to try again.
    fn keep_whole(&mut self) -> Option<Instant> {
        let latest = self.latest.as_ref()?;
        self.on_disk = None;
        let written = self.store.save(latest).and_then(|octets| Ok((octets, self.store.new_log()?)));
        match written {
            Ok((octets, log)) => {
                (self.log, self.length, self.bound) = (Some(log), 0, LEAST.max(octets / 2));
                self.on_disk = Some(latest.serial);
            }
            Err(error) => tracing::warn!(%error, "the zone cannot be kept for a start without the API server"),
        }
        let kept = written_or_told(&self.state, self.on_disk.is_some());
        (!kept).then(|| Instant::now() + PAUSE)
    }
}

/// The same, told in the metrics too.
fn written_or_told(state: &State, kept: bool) -> bool {
    state.unkept.store(!kept, Ordering::Relaxed);
    kept
}
