//! Starts Asterisk, and starts it again whenever it has ended by itself. Does I/O (processes).
//!
//! The pod stays: limits, events and the console go on, and telephones find Asterisk again at the address that they know. Meanwhile
//! the PBX is not ready, and nothing counts as applied until the new Asterisk has confirmed it.

use std::path::PathBuf;
use std::time::Duration;

use pbx_contract::event::SystemEvent;
use tokio::time::{Instant, sleep};

use crate::asterisk::{Asterisk, StartError};
use crate::events::Events;
use crate::status::Shared;

/// The pause before the first start after an end; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Who has run for so long is sound: the next pause is the first one again.
const SOUND: Duration = Duration::from_mins(2);

/// How Asterisk is started.
#[derive(Debug)]
pub struct Supervisor {
    /// The program.
    pub program: PathBuf,
    /// Where its files are.
    pub config_dir: PathBuf,
    /// What it loads before its own libraries.
    pub preload: PathBuf,
    /// Learns of each start and end.
    pub status: Shared,
    /// Learns of each end.
    pub events: Events,
}

impl Supervisor {
    /// Keeps Asterisk running until `stop` is done, and gives the one that runs then; none in a pause between two.
    ///
    /// # Errors
    /// When it cannot be started at all, or the kernel does not tell of its end.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<Option<Asterisk>, SuperviseError> {
        let mut stop = std::pin::pin!(stop);
        let mut pauses = Pauses::default();
        loop {
            self.status.send_modify(|status| status.started = Instant::now());
            let mut asterisk = Asterisk::start(&self.program, &self.config_dir, &self.preload, &self.events)?;
            let began = Instant::now();
            let ended = tokio::select! {
                ended = asterisk.ended() => ended.map_err(SuperviseError::Wait)?,
                () = &mut stop => return Ok(Some(asterisk)),
            };
            let pause = pauses.after(began.elapsed());
            self.status.send_modify(crate::status::Status::ended);
            let milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            self.events.raise(SystemEvent::AsteriskEnded { status: ended.to_string().into(), pause: milliseconds });
            tokio::select! {
                () = sleep(pause) => {}
                () = &mut stop => return Ok(None),
            }
        }
    }
}

/// Why Asterisk cannot be kept running.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// It cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The kernel does not tell.
    #[error("cannot wait for Asterisk: {0}")]
    Wait(std::io::Error),
}

/// How long is waited before a start.
#[derive(Debug, Default)]
struct Pauses(Option<Duration>);

impl Pauses {
    fn after(&mut self, ran: Duration) -> Duration {
        let pause = match self.0 {
            Some(last) if ran < SOUND => LONGEST_PAUSE.min(last * 2),
            _ => FIRST_PAUSE,
        };
        self.0 = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    #[test]
    fn pauses_grow_up_to_a_bound_and_begin_anew_after_a_sound_run() {
        let mut pauses = Pauses::default();
        let grown: Vec<u128> = (0..10).map(|_| pauses.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(grown, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(pauses.after(SOUND), FIRST_PAUSE);
    }

    #[tokio::test]
    async fn one_that_ends_is_started_again_and_meanwhile_nothing_is_applied() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("short");
        std::fs::write(&program, "#!/bin/sh\nexit 3\n").unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let status = Shared::new(Status { booted: true, ..Status::starting() });
        let (config_dir, preload, events) = (dir.path().to_owned(), "/nowhere".into(), Events::in_memory());
        let supervisor = Supervisor { program, config_dir, preload, status: status.clone(), events: events.clone() };
        let twice = async {
            let mut changes = status.subscribe();
            let _ = changes.wait_for(|status| status.restarts == 2).await;
        };
        assert!(supervisor.run(twice).await.unwrap().is_none());
        let ended = events.page(0, 10).events;
        assert!(
            matches!(&ended[0].event, SystemEvent::AsteriskEnded { status, pause: 200 } if status.as_str().contains('3'))
        );
        assert!(!status.borrow().booted && status.borrow().not_ready().unwrap().contains("started again"));
    }
}
