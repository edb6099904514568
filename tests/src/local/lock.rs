//! Locks that end with the process that holds them, whatever ends it. Does file I/O.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// A held lock; dropping it, or the end of the process, frees it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock on `path`, or `None` when another process holds it.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn try_take(path: &Path, holder: &str) -> Result<Option<Lock>> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).context("cannot name the lock's holder")?;
    Ok(Some(Lock { _file: file }))
}

/// Takes the lock on `path`, waiting at most `patience`.
///
/// # Errors
/// When it is still held then; the message names the holder.
pub fn take(path: &Path, holder: &str, patience: Duration) -> Result<Lock> {
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        if let Some(lock) = try_take(path, holder)? {
            return Ok(lock);
        }
        let other = std::fs::read_to_string(path).unwrap_or_default();
        if Instant::now() >= deadline {
            bail!("{} is held by {other}; end that first", path.display());
        }
        if !told && patience > Duration::from_secs(5) {
            eprintln!("waiting for {other} to end (it holds {})", path.display());
            told = true;
        }
        // The kernel has no wait-with-deadline for file locks.
        std::thread::sleep(Duration::from_millis(100));
    }
}
