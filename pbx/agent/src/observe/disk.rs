//! How full the data volume is. Does I/O (asks the kernel).

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use pbx_contract::event::SystemEvent;

use crate::events::Events;

/// From here on somebody should know, in percent.
const NEARLY: u64 = 90;
/// With less than this, in MiB, things begin to fail.
const FULL_MIB: u64 = 8;
/// Below this it is well again.
const WELL: u64 = 85;

/// The volume, and what was last said of it.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    last: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Well,
    Nearly,
    Full,
}

impl Disk {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.into(), last: Level::Well }
    }

    /// Tells when it has become worse, or well again.
    pub(super) fn look(&mut self, events: &Events) {
        let Ok(volume) = statvfs(&self.path) else { return };
        let (size, free) = (volume.blocks().max(1), volume.blocks_available());
        let percent = 100 - (free * 100 / size).min(100);
        let mib = free * volume.fragment_size() >> 20;
        if let Some(event) = self.judge(percent, mib) {
            events.raise(event);
        }
    }

    fn judge(&mut self, percent: u64, free: u64) -> Option<SystemEvent> {
        let level = match (percent, free) {
            (_, ..FULL_MIB) => Level::Full,
            (NEARLY.., _) => Level::Nearly,
            (..WELL, _) => Level::Well,
            // Between the bounds it is what it was, but no longer full.
            _ => self.last.min(Level::Nearly),
        };
        let last = std::mem::replace(&mut self.last, level);
        match level {
            Level::Full if last != Level::Full => Some(SystemEvent::DiskFull { free }),
            Level::Nearly if last == Level::Well => Some(SystemEvent::DiskNearlyFull { percent, free }),
            Level::Well if last != Level::Well => Some(SystemEvent::DiskRecovered { percent }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once_and_a_volume_at_the_bound_does_not_flicker() {
        let mut disk = Disk::new("/".as_ref());
        let kinds: Vec<Option<&str>> =
            [(50, 500), (91, 90), (89, 110), (91, 90), (99, 5), (91, 90), (84, 160), (86, 140)]
                .into_iter()
                .map(|(percent, free)| disk.judge(percent, free).map(|event| event.kind().name))
                .collect();
        let wanted = [None, Some("DiskNearlyFull"), None, None, Some("DiskFull"), None, Some("DiskRecovered"), None];
        assert_eq!(kinds, wanted);
    }
}
