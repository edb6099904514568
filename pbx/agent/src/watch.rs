//! Says when the mounted files may have changed. Does I/O (inotify).
//!
//! The kubelet swaps a `..data` link in the mounted directory, so it is the directory that is watched. A notification
//! that is lost, or a directory that cannot be watched, costs no more than one poll.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use inotify::{EventStream, Inotify, WatchMask};
use tokio::time::{Instant, sleep_until, timeout};

/// A swap is several events; they make one round.
const SETTLE: Duration = Duration::from_millis(50);

/// A stream of reasons to look again.
pub struct Watch {
    events: Option<EventStream<[u8; 4096]>>,
}

impl Watch {
    /// Watches the directories that can be watched.
    pub fn new(dirs: &[PathBuf]) -> Self {
        let events = start(dirs).inspect_err(|error| {
            tracing::warn!(%error, ?dirs, "cannot watch the mounted files; they are polled");
        });
        Self { events: events.ok() }
    }

    /// Returns after a change, or when the deadline has come.
    pub async fn changed_or(&mut self, deadline: Instant) {
        let Some(events) = &mut self.events else { return sleep_until(deadline).await };
        let event = tokio::select! {
            () = sleep_until(deadline) => return,
            event = events.next() => event,
        };
        if matches!(event, Some(Ok(_))) {
            while let Ok(Some(_)) = timeout(SETTLE, events.next()).await {}
        } else {
            // An ended or broken stream would return at once for ever: from now on there are polls only.
            self.events = None;
            sleep_until(deadline).await;
        }
    }
}

fn start(dirs: &[PathBuf]) -> std::io::Result<EventStream<[u8; 4096]>> {
    let inotify = Inotify::init()?;
    let mask = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::CLOSE_WRITE | WatchMask::DELETE;
    for dir in dirs {
        inotify.watches().add(dir, mask | WatchMask::ONLYDIR)?;
    }
    inotify.into_event_stream([0; 4096])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_swapped_link_is_noticed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(&[dir.path().into()]);
        let path = dir.path().to_owned();
        tokio::spawn(async move {
            std::os::unix::fs::symlink("elsewhere", path.join("..data_tmp")).unwrap();
            std::fs::rename(path.join("..data_tmp"), path.join("..data")).unwrap();
        });
        let before = Instant::now();
        watch.changed_or(before + Duration::from_secs(30)).await;
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn without_a_directory_the_deadline_is_kept() {
        let mut watch = Watch::new(&["/nowhere".into()]);
        watch.changed_or(Instant::now() + Duration::from_millis(20)).await;
    }
}
