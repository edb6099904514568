//! The last zone on disk: served when the program starts and the API server is away. I/O: files.
//!
//! What is kept is what instances publish, not records: those are made anew, with the settings of the day. It is a whole file, and a
//! log of the changes since, which are written before they are served: see `docs/adr/0054-written-before-it-is-served.md`.

mod disk;
mod document;
mod entry;
mod journal;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rpds::RedBlackTreeMapSync;

pub use document::{Damage, Kept, digest};
pub use entry::Entry;
pub use journal::{Ended, Journal};

use crate::{book::Key, published::Published};

/// What instances publish, shared with the book at no cost.
pub type Held = RedBlackTreeMapSync<Key, Published>;

/// Where the zone is kept.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What was kept; none when nothing was.
    pub kept: Option<Kept>,
    /// How many octets the whole file has.
    whole: u64,
    /// How many octets of the log are good.
    log: u64,
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

impl StoreError {
    fn at(path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        |source| Self::File { path, source }
    }
}

impl Store {
    /// A file in a folder that exists; the log stands beside it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// What was kept for this zone, with all changes of the log. A log that cannot be read is told of, and the whole file is used
    /// without: names of before are better than none.
    ///
    /// # Errors
    /// When there is a whole file that cannot be used.
    pub fn load(&self, zone: &str) -> Result<Loaded, StoreError> {
        let Some(text) = octets(&self.path)? else { return Ok(Loaded::default()) };
        let damaged = |source| StoreError::Damaged { path: self.path.clone(), source };
        let mut kept = Kept::read(&text, zone).map_err(damaged)?;
        let log = octets(&self.log()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the log of the zone cannot be read; what changed last before the start is not known");
            None
        });
        let log = log.unwrap_or_default();
        let good = entry::replay(&mut kept, &log);
        if log.get(good..).is_some_and(entry::has_entry) {
            tracing::warn!(path = ?self.log(), at = good, "the log of the zone is damaged there; what it had after that is lost");
        }
        Ok(Loaded { kept: Some(kept), whole: text.len() as u64, log: good as u64 })
    }

    /// Keeps it, whole or not at all: written beside, brought to the disk, then put in place of the last. Gives its octets' number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, kept: &Kept) -> Result<u64, StoreError> {
        let text = kept.text();
        self.write(&text).map_err(StoreError::at(self.path.clone()))?;
        Ok(text.len() as u64)
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        let beside = self.beside(".new");
        let write = || {
            let mut file = File::create(&beside)?;
            file.write_all(text)?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)
        };
        // Half a file is of use to nobody, and takes the room of the log.
        write().inspect_err(|_| drop(std::fs::remove_file(&beside)))?;
        self.sync_folder()
    }

    /// The log, to go on after so many octets that are good.
    fn open_log(&self, good: u64) -> Result<File, StoreError> {
        let open = || {
            let log = File::options().write(true).create(true).truncate(false).open(self.log())?;
            log.set_len(good)?;
            self.sync_folder().map(|()| log)
        };
        open().map_err(StoreError::at(self.log()))
    }

    /// So that the names of files are on the disk too.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn log(&self) -> PathBuf {
        self.beside(".log")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(ending);
        name.into()
    }
}

/// All of a file; none when there is none.
fn octets(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
