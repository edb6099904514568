//! The last zone on disk: served when the program starts and the API server is away. I/O: files.
//!
//! What is kept is what instances publish, not records: those are made anew, with the settings of the day.

mod document;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rpds::RedBlackTreeMapSync;
use tokio::sync::watch;

pub use document::{Damage, Kept, digest};

use crate::{book::Key, published::Published};

/// The longest pause between two writes of the file, and how soon one that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause is so many times as long as the write took: a small zone is on the disk some milliseconds after it is served, and a large
/// one takes no more than a twentieth of the time. What is newer at a crash is compared with the API server's list at the next start.
const PAUSE_PER_WRITE: u32 = 20;

/// What instances publish, shared with the book at no cost.
pub type Held = RedBlackTreeMapSync<Key, Published>;

/// Where the zone is kept.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what was written.
    #[error("{path}: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Damage,
    },
}

impl Store {
    /// A file in a folder that exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// What was kept for this zone; none when nothing was.
    ///
    /// # Errors
    /// When there is a file that cannot be used.
    pub fn load(&self, zone: &str) -> Result<Option<Kept>, StoreError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::File { path: self.path.clone(), source }),
        };
        let damaged = |source| StoreError::Damaged { path: self.path.clone(), source };
        Kept::read(&text, zone).map(Some).map_err(damaged)
    }

    /// Keeps it, whole or not at all: written beside, brought to the disk, then put in place of the last.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, kept: &Kept) -> Result<(), StoreError> {
        self.write(&kept.text()).map_err(|source| StoreError::File { path: self.path.clone(), source })
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Keeps what comes, until nothing more can come; the last is always kept, and what cannot be kept is tried again.
    pub async fn keep(self, mut newest: watch::Receiver<Option<Kept>>) {
        while newest.changed().await.is_ok() {
            let (kept, begin) = (newest.borrow_and_update().clone(), Instant::now());
            let saved = self.keep_one(kept).await;
            if !saved {
                if newest.has_changed().is_err() {
                    // The end has come, and one more try would be the same.
                    return;
                }
                newest.mark_changed();
            }
            let pause = if saved { PAUSE.min(begin.elapsed() * PAUSE_PER_WRITE) } else { PAUSE };
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                // When nothing more can come, what came during the pause is still kept.
                () = closed(newest.clone()) => (),
            }
        }
    }

    /// Whether there is nothing left to do about it.
    async fn keep_one(&self, kept: Option<Kept>) -> bool {
        let Some(kept) = kept else { return true };
        let store = self.clone();
        let saved = tokio::task::spawn_blocking(move || store.save(&kept)).await;
        match &saved {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::warn!(%error, "the zone cannot be kept for a start without the API server"),
            Err(error) => tracing::warn!(%error, "keeping the zone broke off"),
        }
        matches!(saved, Ok(Ok(())))
    }
}

async fn closed(mut newest: watch::Receiver<Option<Kept>>) {
    while newest.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::document::tests::kept;

    #[test]
    fn what_is_saved_is_loaded_again_and_a_later_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("zone"));
        assert_eq!(store.load("epygicloud.com").unwrap(), None);
        store.save(&kept(1, &["a"])).unwrap();
        store.save(&kept(2, &["a", "b"])).unwrap();
        assert_eq!(store.load("epygicloud.com").unwrap(), Some(kept(2, &["a", "b"])));
    }

    #[test]
    fn a_file_that_was_half_written_at_a_crash_leaves_the_last_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("zone"));
        store.save(&kept(1, &["a"])).unwrap();
        std::fs::write(folder.path().join("zone.new"), "ecqx-dns 1\nzone").unwrap();
        assert_eq!(store.load("epygicloud.com").unwrap(), Some(kept(1, &["a"])));
        store.save(&kept(2, &[])).unwrap();
        assert_eq!(store.load("epygicloud.com").unwrap(), Some(kept(2, &[])));
    }

    #[tokio::test]
    async fn what_could_not_be_kept_is_kept_as_soon_as_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("later");
        let store = Store::new(place.join("zone"));
        let (sender, receiver) = watch::channel(None);
        let keeping = tokio::spawn(store.clone().keep(receiver));
        sender.send_replace(Some(kept(7, &["a"])));
        // One try fails for certain: it runs on another thread, and the folder is made only after this has waited.
        tokio::time::sleep(PAUSE / 2).await;
        std::fs::create_dir(&place).unwrap();
        let saved = async {
            while store.load("epygicloud.com").unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), saved).await.unwrap();
        drop(sender);
        keeping.await.unwrap();
    }

    #[tokio::test]
    async fn what_cannot_be_kept_at_the_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, receiver) = watch::channel(None);
        let keeping = tokio::spawn(Store::new(folder.path().join("never/zone")).keep(receiver));
        sender.send_replace(Some(kept(7, &["a"])));
        drop(sender);
        tokio::time::timeout(Duration::from_secs(20), keeping).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_last_state_is_kept_even_when_the_end_comes_during_the_pause() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("zone"));
        let (sender, receiver) = watch::channel(None);
        let keeping = tokio::spawn(store.clone().keep(receiver));
        for serial in 1..=100 {
            sender.send_replace(Some(kept(serial, &["a"])));
            tokio::task::yield_now().await;
        }
        drop(sender);
        keeping.await.unwrap();
        assert_eq!(store.load("epygicloud.com").unwrap(), Some(kept(100, &["a"])));
    }
}
