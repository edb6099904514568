//! Brings each change to the disk before it is served, so that no restart leads behind what was said: an own thread, since it waits
//! for the disk. I/O: files.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use super::{Entry, Loaded, Store, StoreError, disk::Disk};
use crate::metrics::State;

/// How long a change waits for the disk. A disk that takes longer is not waited for again until it has caught up: names are to
/// change even when it hangs.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon what could not be written is tried again when nothing changes; each time twice as late.
const PAUSE: Duration = Duration::from_secs(1);
/// How many times as late at most.
const LONGEST_PAUSE: u32 = 32;

/// The way to the disk. Changes are written as long as it is there.
#[derive(Debug)]
pub struct Journal {
    desk: Arc<Desk>,
    tried: watch::Receiver<u64>,
    /// The change that was waited for too long.
    late: Option<u64>,
}

/// Comes when the last change has been tried, after the journal was dropped.
pub type Ended = oneshot::Receiver<()>;

/// Where changes lie until they are written. Those that come while the disk is busy become one: none is lost and none piles up.
#[derive(Debug, Default)]
struct Desk {
    slot: Mutex<Slot>,
    filled: Condvar,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct Slot {
    waiting: Option<Entry>,
    /// How many changes have been laid here.
    count: u64,
    /// How many of them have been tried.
    tried: u64,
    closed: bool,
}

impl Journal {
    /// Begins to keep changes of what was loaded.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn begin(store: Store, loaded: &Loaded, state: Arc<State>) -> Result<(Self, Ended), StoreError> {
        let desk = Arc::new(Desk { state, ..Desk::default() });
        let ((tell, tried), (end, ended)) = (watch::channel(0), oneshot::channel());
        let failed = StoreError::at(store.path.clone());
        let keeper = Keeper { disk: Disk::new(store, loaded), desk: Arc::clone(&desk), tell, owed: None, failures: 0 };
        let thread = std::thread::Builder::new().name("zone to disk".to_owned()).spawn(move || {
            keeper.run();
            let _nobody_waits = end.send(());
        });
        thread.map_err(failed)?;
        Ok((Self { desk, tried, late: None }, ended))
    }

    /// Brings a change to the disk, and comes back when it is there. When that takes too long or cannot be, the zone is served all
    /// the same, and written as soon as it can be.
    pub async fn keep(&mut self, change: Entry) {
        let number = self.desk.lay(change);
        if self.late.is_some_and(|late| *self.tried.borrow() < late) {
            return;
        }
        let written = self.tried.wait_for(|tried| *tried >= number);
        let in_time = matches!(tokio::time::timeout(PATIENCE, written).await, Ok(Ok(_)));
        self.late = (!in_time).then_some(number);
        if !in_time {
            self.desk.late(number);
            tracing::warn!(
                "the disk of the zone is slow; changes are served before they are written, until it has caught up"
            );
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.desk.slot().closed = true;
        self.desk.filled.notify_one();
    }
}

impl Desk {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays a change upon what waits, and gives its number.
    fn lay(&self, change: Entry) -> u64 {
        let mut slot = self.slot();
        slot.waiting = Some(change.upon(slot.waiting.take()));
        slot.count += 1;
        self.filled.notify_one();
        slot.count
    }

    /// What waits, with the number of the last change in it, as soon as there is something or the time is over; and whether no more comes.
    fn take(&self, until: Option<Instant>) -> (Option<Entry>, u64, bool) {
        let mut slot = self.slot();
        while slot.waiting.is_none() && !slot.closed {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            slot = self.filled.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (slot.waiting.take(), slot.count, slot.closed)
    }

    /// A change has been waited for too long.
    fn late(&self, number: u64) {
        if self.slot().tried < number {
            self.state.unkept.store(true, Ordering::Relaxed);
        }
    }

    /// Says whether all is on the disk, once all has been tried.
    fn tried(&self, number: u64, written: bool) {
        let mut slot = self.slot();
        slot.tried = number;
        if !written || slot.count == number {
            self.state.unkept.store(!written, Ordering::Relaxed);
        }
    }
}

/// Who writes.
struct Keeper {
    disk: Disk,
    desk: Arc<Desk>,
    /// The number of the last change that was tried.
    tell: watch::Sender<u64>,
    /// What could not be written yet.
    owed: Option<Entry>,
    /// How often in a row it could not.
    failures: u32,
}

impl Keeper {
    fn run(mut self) {
        loop {
            let pause = PAUSE * 2_u32.saturating_pow(self.failures.saturating_sub(1)).min(LONGEST_PAUSE);
            let again = self.owed.as_ref().map(|_| Instant::now() + pause);
            let (change, number, closed) = self.desk.take(again);
            if let Some(change) = change {
                self.owed = Some(change.upon(self.owed.take()));
            }
            if self.disk.is_empty() {
                // Who has nothing on the disk serves nothing before a list: no restart leads behind the first zone.
                self.tell.send_replace(number);
            }
            let latest = self.owed.as_ref().map(|owed| owed.kept.clone());
            let written = self.write();
            self.desk.tried(number, written);
            self.tell.send_replace(number);
            // It is in the log already: nobody waits for this.
            if let Some(latest) = latest.filter(|_| written) {
                self.disk.fold(&latest);
            }
            if closed {
                return;
            }
        }
    }

    /// Whether nothing is owed any more.
    fn write(&mut self) -> bool {
        let Some(owed) = &self.owed else { return true };
        match self.disk.write(owed) {
            Ok(()) => (self.owed, self.failures) = (None, 0),
            Err(error) => {
                // Once is enough for who reads; the metric says how long it lasts.
                if self.failures == 0 {
                    tracing::warn!(%error, "the zone cannot be kept for a start without the API server; it is tried again");
                }
                self.failures = self.failures.saturating_add(1);
            }
        }
        self.owed.is_none()
    }
}
