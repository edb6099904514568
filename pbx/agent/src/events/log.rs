//! Events on the data volume: a line of JSON each, in two files of bounded size, the older of which goes when the newer is full.
//! Does I/O (files), blocking.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pbx_contract::event::Event;
use serde::Deserialize;

/// A file is full with so many octets: some thousand events.
const FILE_MAX: u64 = 1 << 20;
const NEWER: &str = "events.jsonl";
const OLDER: &str = "events.1.jsonl";

/// The files.
#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    file: File,
    size: u64,
    most: u64,
}

/// What the files hold.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) events: Vec<Event>,
    /// The highest number, of an event that this version does not know, too.
    pub(super) last: u64,
}

#[derive(Deserialize)]
struct Number {
    seq: u64,
}

impl Log {
    pub(super) fn open(dir: &Path) -> std::io::Result<(Self, Before)> {
        Self::open_with(dir, FILE_MAX)
    }

    pub(super) fn open_with(dir: &Path, most: u64) -> std::io::Result<(Self, Before)> {
        fs::create_dir_all(dir)?;
        let mut before = Before::default();
        for name in [OLDER, NEWER] {
            before.take(&read(&dir.join(name), most));
        }
        let (file, size) = appendable(&dir.join(NEWER))?;
        Ok((Self { dir: dir.into(), file, size, most }, before))
    }

    /// A reader never sees half a line, unless the machine stopped in the middle of it.
    pub(super) fn append(&mut self, line: &str) -> std::io::Result<()> {
        if self.size >= self.most {
            fs::rename(self.dir.join(NEWER), self.dir.join(OLDER))?;
            (self.file, self.size) = appendable(&self.dir.join(NEWER))?;
        }
        let line = format!("{line}\n");
        self.file.write_all(line.as_bytes())?;
        self.size += line.len() as u64;
        Ok(())
    }
}

impl Before {
    /// Lines that are torn, or of another version, are passed over.
    fn take(&mut self, text: &str) {
        for line in text.lines() {
            if let Ok(Number { seq }) = serde_json::from_str(line) {
                self.last = self.last.max(seq);
            }
            self.events.extend(serde_json::from_str::<Event>(line));
        }
    }
}

/// At the end of a whole line: what follows a torn one begins a line of its own.
fn appendable(path: &Path) -> std::io::Result<(File, u64)> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut size = file.metadata()?.len();
    if size > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}

/// No more than a file can have, whoever wrote it.
fn read(path: &Path, most: u64) -> String {
    let mut octets = Vec::new();
    let read = File::open(path).and_then(|file| file.take(2 * most).read_to_end(&mut octets));
    // A file that is not there is the common case, and one that cannot be read has nothing to tell.
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&octets).into_owned())
}
