//! Which files are being written: what `/proc` says of the open files of each process. Does I/O, blocking.
//!
//! The kernel is the one that knows: neither the time of a file's last change, for a call may be silent, nor what Asterisk was heard
//! to say, for the agent may have been away.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{RecordingsError, io};

/// Device and inode.
pub(super) type FileId = (u64, u64);

/// The two lowest bits of a file's flags: 0 for one that is only read (`open(2)`).
const ACCESS: u32 = 0o3;
/// The process that may not be overlooked.
const ASTERISK: &str = "asterisk";

/// The files that are open for writing.
pub(super) struct Writers(HashSet<FileId>);

impl Writers {
    /// Looks at each process that this one may look at.
    ///
    /// # Errors
    /// When there is no `/proc`, or an Asterisk keeps its files from being seen: what it writes is then not known.
    pub(super) fn look() -> Result<Self, RecordingsError> {
        let proc = Path::new("/proc");
        let processes = fs::read_dir(proc).map_err(|error| io("read", proc, error))?;
        let mut open = HashSet::new();
        for process in processes.flatten().filter(|entry| is_number(&entry.file_name())) {
            let path = process.path();
            if let Err(error) = add_files(&path, &mut open)
                && error.kind() != ErrorKind::NotFound
                && fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == ASTERISK)
            {
                return Err(io("see the open files of", &path, error));
            }
        }
        Ok(Self(open))
    }

    pub(super) fn contains(&self, file: FileId) -> bool {
        self.0.contains(&file)
    }
}

/// A file that is closed in between is not written any more.
fn add_files(process: &Path, open: &mut HashSet<FileId>) -> std::io::Result<()> {
    for descriptor in fs::read_dir(process.join("fd"))? {
        let descriptor = descriptor?;
        let Ok(meta) = fs::metadata(descriptor.path()) else { continue };
        if !meta.is_file() {
            continue;
        }
        let about = fs::read_to_string(process.join("fdinfo").join(descriptor.file_name())).unwrap_or_default();
        if is_written(&about) {
            open.insert((meta.dev(), meta.ino()));
        }
    }
    Ok(())
}

/// A line as `flags: 0100001`, in octal.
fn is_written(about: &str) -> bool {
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS != 0)
}

fn is_number(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
}
