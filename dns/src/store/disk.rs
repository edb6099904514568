//! The whole file and the log beside it: one change is appended, and the whole written anew when the log has grown. I/O: files.

use std::{fs::File, os::unix::fs::FileExt};

use super::{Entry, Kept, Loaded, Store, StoreError};

/// How many octets of changes are written at least, before the whole file is; for a large zone, half as many as that has.
const LEAST: u64 = 1 << 20;

/// What is on the disk.
#[derive(Debug)]
pub(super) struct Disk {
    store: Store,
    log: Option<File>,
    /// How many octets of the log are good.
    length: u64,
    /// With how many the whole file is written anew.
    bound: u64,
    /// The serial of what can be read from it; none when there is nothing.
    serial: Option<u32>,
}

impl Disk {
    pub fn new(store: Store, loaded: &Loaded) -> Self {
        let serial = loaded.kept.as_ref().map(|kept| kept.serial);
        Self { store, log: None, length: loaded.log, bound: LEAST.max(loaded.whole / 2), serial }
    }

    /// Whether nothing can be read from it.
    pub fn is_empty(&self) -> bool {
        self.serial.is_none()
    }

    /// Brings a change there: as a line of the log where it follows upon what is there, otherwise with the whole file.
    pub fn write(&mut self, change: &Entry) -> Result<(), StoreError> {
        let follows = self.serial.is_some() && self.serial == change.before;
        match change.text().filter(|_| follows) {
            Some(text) => self.append(&text)?,
            None => self.write_whole(&change.kept)?,
        }
        self.serial = Some(change.kept.serial);
        Ok(())
    }

    /// Brings a log that has grown long into the whole file; `kept` is what is in both together.
    pub fn fold(&mut self, kept: &Kept) {
        if self.length <= self.bound {
            return;
        }
        if let Err(error) = self.write_whole(kept) {
            tracing::warn!(%error, "the log of the zone cannot go into the whole file, and grows on");
            // It is good as it is; the next try is when it has grown by as much again.
            self.bound = self.length + LEAST;
        }
    }

    /// After a write that failed the log is opened anew, which cuts off what it has left behind.
    fn append(&mut self, text: &str) -> Result<(), StoreError> {
        let log = match self.log.take() {
            Some(log) => log,
            None => self.store.open_log(self.length)?,
        };
        let written = log.write_all_at(text.as_bytes(), self.length);
        written.and_then(|()| log.sync_data()).map_err(StoreError::at(self.store.log()))?;
        (self.log, self.length) = (Some(log), self.length + text.len() as u64);
        Ok(())
    }

    /// What is in the log until then follows upon an older file than this: it would be passed over.
    fn write_whole(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let octets = self.store.save(kept)?;
        (self.log, self.length, self.bound) = (None, 0, LEAST.max(octets / 2));
        Ok(())
    }
}
