//! Writes the rendered files: whole or not at all, and only those that differ. Does I/O (files), blocking.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::render::Files;

/// A file or directory that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}; is it on a volume that the pod's user may write to?")]
pub struct WriteError {
    path: PathBuf,
    error: std::io::Error,
}

/// Writes what differs from what is there, and gives the names of what was written.
///
/// # Errors
/// At the first file that cannot be written; those before it are in place.
pub fn write_changed(dir: &Path, files: &Files) -> Result<Vec<&'static str>, WriteError> {
    let mut written = Vec::new();
    for (name, content) in files {
        let path = dir.join(name);
        if fs::read(&path).is_ok_and(|there| there == content.as_bytes()) {
            continue;
        }
        replace(&path, content).map_err(|error| WriteError { path, error })?;
        written.push(*name);
    }
    Ok(written)
}

/// Makes a directory and those above it, if they are not there.
///
/// # Errors
/// When it cannot be made.
pub fn ensure_dir(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|error| WriteError { path: path.into(), error })
}

/// A reader sees the old file or the new one. For the owner's eyes only: one of them holds credentials.
fn replace(path: &Path, content: &str) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(content.as_bytes())?;
    drop(file);
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_what_differs_is_written_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::from([("a.conf", "1".to_owned()), ("b.conf", "1".to_owned())]);
        assert_eq!(write_changed(dir.path(), &files).unwrap(), ["a.conf", "b.conf"]);
        assert!(write_changed(dir.path(), &files).unwrap().is_empty());
        files.insert("b.conf", "2".to_owned());
        assert_eq!(write_changed(dir.path(), &files).unwrap(), ["b.conf"]);
        let path = dir.path().join("b.conf");
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_directory_that_is_not_there_is_said_with_the_path() {
        let error = write_changed(Path::new("/nowhere"), &Files::from([("a.conf", String::new())])).unwrap_err();
        assert!(error.to_string().contains("/nowhere/a.conf"));
    }
}
