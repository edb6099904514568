//! The recordings on the data volume: listed, deleted, and kept within a bound. Does I/O (files), blocking.
//!
//! Asterisk names and writes them (see [`crate::render::recording`]); there is no index beside the files that could disagree with
//! them. What does not have such a name is not ours, and is neither shown nor touched.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use pbx_contract::{RecordingInfo, RecordingsPage};

pub use name::Name;
use writers::{FileId, Writers};

pub mod bound;
mod name;
mod wave;
mod writers;

/// The most recordings that one page tells of.
pub const PAGE_MAX: usize = 1000;

/// The directory of recordings.
#[derive(Clone, Debug)]
pub struct Recordings {
    directory: PathBuf,
}

/// Why recordings cannot be listed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// There is none of that name.
    #[error("there is no recording of this name")]
    Unknown,
    /// The call goes on.
    #[error("this call is still being recorded; delete it when it has ended")]
    InProgress,
    /// The volume or the processes could not be looked at.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What came of it.
        error: std::io::Error,
    },
}

/// A file of the directory.
struct Entry {
    name: Name,
    bytes: u64,
    id: FileId,
}

impl Recordings {
    /// Those in this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The path of one that is there.
    ///
    /// # Errors
    /// When there is none, or the volume refuses.
    pub fn readable(&self, name: &Name) -> Result<PathBuf, RecordingsError> {
        self.entry(name.clone())?.map(|entry| self.path(&entry.name)).ok_or(RecordingsError::Unknown)
    }

    /// The name holds no slash, so it is in the directory.
    fn path(&self, name: &Name) -> PathBuf {
        self.directory.join(name.as_str())
    }

    /// A page of at most `limit` recordings, the newest first, of those older than `before`.
    ///
    /// # Errors
    /// When the directory or the processes cannot be read.
    pub fn page(&self, before: Option<&str>, limit: usize) -> Result<RecordingsPage, RecordingsError> {
        let mut entries = self.entries()?;
        let writers = Writers::look()?;
        let (count, bytes) = (entries.len(), total(&entries));
        entries.reverse();
        let older = entries.iter().filter(|entry| before.is_none_or(|before| entry.name.as_str() < before));
        let mut shown: Vec<&Entry> = older.take(limit.clamp(1, PAGE_MAX) + 1).collect();
        let more = shown.len() > limit.clamp(1, PAGE_MAX);
        shown.truncate(limit.clamp(1, PAGE_MAX));
        let next = shown.last().filter(|_| more).map(|entry| entry.name.as_str().to_owned());
        let recordings = shown.into_iter().map(|entry| self.info(entry, &writers)).collect();
        Ok(RecordingsPage { recordings, next, count: u32::try_from(count).unwrap_or(u32::MAX), bytes })
    }

    /// Deletes one.
    ///
    /// # Errors
    /// When there is none, when its call goes on, or when the volume refuses.
    pub fn delete(&self, name: &Name) -> Result<(), RecordingsError> {
        let entry = self.entry(name.clone())?.ok_or(RecordingsError::Unknown)?;
        if Writers::look()?.contains(entry.id) {
            return Err(RecordingsError::InProgress);
        }
        self.remove(&entry)
    }

    /// Deletes the oldest until all together take at most so many octets, and gives the names of those that went. One whose call
    /// goes on is left alone, whatever it takes.
    ///
    /// # Errors
    /// At the first thing that cannot be read or deleted; those before it are gone.
    pub fn trim(&self, most: u64) -> Result<Vec<Name>, RecordingsError> {
        let entries = self.entries()?;
        let mut bytes = total(&entries);
        if bytes <= most {
            return Ok(Vec::new());
        }
        // After the list: whatever is listed and still being written has its writer by now.
        let writers = Writers::look()?;
        let mut gone = Vec::new();
        for entry in entries {
            if bytes <= most {
                break;
            }
            if !writers.contains(entry.id) {
                self.remove(&entry)?;
                bytes = bytes.saturating_sub(entry.bytes);
                gone.push(entry.name);
            }
        }
        Ok(gone)
    }

    /// All, the oldest first.
    fn entries(&self) -> Result<Vec<Entry>, RecordingsError> {
        let cannot = |error| io("read", &self.directory, error);
        let names = fs::read_dir(&self.directory).map_err(cannot)?;
        let names: Vec<OsString> =
            names.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>().map_err(cannot)?;
        let names = names.iter().filter_map(|name| Name::parse(name.to_str()?));
        let mut entries: Vec<Entry> =
            names.filter_map(|name| self.entry(name).transpose()).collect::<Result<_, _>>()?;
        entries.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        Ok(entries)
    }

    /// A plain file of this name; a link would lead elsewhere, and is none.
    fn entry(&self, name: Name) -> Result<Option<Entry>, RecordingsError> {
        let path = self.path(&name);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(Entry { bytes: meta.len(), id: id(&meta), name })),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("look at", &path, error)),
        }
    }

    fn remove(&self, entry: &Entry) -> Result<(), RecordingsError> {
        let path = self.path(&entry.name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            // Two who delete the same one: it is gone, as both want it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io("delete", &path, error)),
        }
    }

    fn info(&self, entry: &Entry, writers: &Writers) -> RecordingInfo {
        let meaning = entry.name.meaning();
        let mut header = Vec::new();
        // One that went meanwhile has no length.
        let _ = File::open(self.path(&entry.name)).and_then(|file| file.take(wave::HEADER).read_to_end(&mut header));
        RecordingInfo {
            name: entry.name.as_str().to_owned(),
            started_at: meaning.started_at,
            caller: meaning.caller,
            callee: meaning.callee,
            extension: meaning.extension,
            seconds: wave::seconds(&header, entry.bytes),
            bytes: entry.bytes,
            in_progress: writers.contains(entry.id),
        }
    }
}

fn total(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.bytes).sum()
}

fn id(meta: &Metadata) -> FileId {
    (meta.dev(), meta.ino())
}

fn io(what: &'static str, path: &Path, error: std::io::Error) -> RecordingsError {
    RecordingsError::Io { what, path: path.into(), error }
}

#[cfg(test)]
mod tests;
