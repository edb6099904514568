//! The Asterisk process: start, log, drain, end. Does I/O (processes).

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use pbx_contract::event::SystemEvent;

use crate::control::{Control, ControlError, answers};
use crate::events::Events;
use crate::observe::said;

/// How long Asterisk may take to stop once it is told to stop now.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// How often a draining Asterisk is asked for its calls.
const CALLS_POLL: Duration = Duration::from_millis(500);
/// Goes before what the phones' context includes, and answers 480: not 503, for which a peer may shun the name of a
/// PBX that is back in seconds. Calls in progress keep their way through the included contexts.
const REFUSE_NEW_CALLS: &str = "dialplan add extension _[!-~]!,1,Hangup,20 into phones replace";
/// After how many questions in a row that do not reach it an Asterisk is taken for gone, or for one that has not booted.
const UNREACHED: u8 = 4;
const QUESTION_LIMIT: Duration = Duration::from_secs(3);
/// The same when the deadline has come: with what follows, it has to fit into the rest of the pod's grace period.
const LAST_LIMIT: Duration = Duration::from_secs(1);

/// A running Asterisk.
#[derive(Debug)]
pub struct Asterisk {
    child: Child,
}

/// Asterisk could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program}: {error}; is this the PBX image?")]
pub struct StartError {
    program: String,
    error: std::io::Error,
}

impl Asterisk {
    /// Starts it in the foreground with the files in this directory; its log goes to ours.
    ///
    /// # Errors
    /// When the program is not there or cannot be run.
    pub fn start(program: &Path, config_dir: &Path, preload: &Path, events: &Events) -> Result<Self, StartError> {
        let mut command = Command::new(program);
        if preload.exists() {
            command.env("LD_PRELOAD", preload);
        } else {
            tracing::warn!(library = %preload.display(), "the library is missing: subscriptions are refused with 603, not 403");
        }
        command.arg("-f").arg("-C").arg(config_dir.join("asterisk.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|error| StartError { program: program.display().to_string(), error })?;
        child.stdout.take().map(|stream| tokio::spawn(log(stream, events.clone())));
        child.stderr.take().map(|stream| tokio::spawn(log(stream, events.clone())));
        Ok(Self { child })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Refuses new calls, lets those in progress finish, up to the deadline or until `hurry` is done, and stops it.
    ///
    /// Not by `core stop gracefully`: from then on Asterisk answers no question, and new calls with 503.
    ///
    /// # Errors
    /// When the kernel does not tell of its end.
    pub async fn drain(
        &mut self,
        control: &Control,
        deadline: Duration,
        hurry: impl Future<Output = ()>,
        events: &Events,
    ) -> std::io::Result<ExitStatus> {
        let begun = Instant::now();
        // Before anything is counted; where it fails it is said again below.
        let _ = control.run(REFUSE_NEW_CALLS, QUESTION_LIMIT).await;
        let calls = calls(control, QUESTION_LIMIT).await;
        events.raise(SystemEvent::DrainStarted { calls, seconds: deadline.as_secs() });
        tokio::select! {
            ended = self.child.wait() => return ended,
            () = hurry => tracing::warn!("asked again: calls in progress are ended"),
            () = sleep_until(begun + deadline) => tracing::warn!("the deadline has come: calls in progress are ended"),
            () = quiet(control) => (),
        }
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        events.raise(match self::calls(control, LAST_LIMIT).await {
            0 => SystemEvent::DrainEnded { milliseconds },
            calls => SystemEvent::CallsCut { calls },
        });
        self.stop_now(control).await
    }

    async fn stop_now(&mut self, control: &Control) -> std::io::Result<ExitStatus> {
        if control.run("core stop now", QUESTION_LIMIT).await.is_err()
            && let Some(pid) = self.child.id()
        {
            // Booting, or deaf: SIGTERM means the same. It may have ended in between.
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
        }
        if let Ok(ended) = timeout(STOP_LIMIT, self.child.wait()).await {
            return ended;
        }
        tracing::warn!("Asterisk did not stop when told to; it is killed");
        self.child.start_kill()?;
        self.child.wait().await
    }
}

/// Calls in progress; none of one that does not answer.
async fn calls(control: &Control, limit: Duration) -> u32 {
    let channels = control.run("core show channels count", limit).await.unwrap_or_default();
    let groups = control.run("group show channels", limit).await.unwrap_or_default();
    answers::active_calls(&channels, &groups).unwrap_or_default()
}

/// Refuses new calls and returns when the last one has gone. Said again each time, since a reload that was under way takes the refusal
/// back; a question that is not answered in time is asked again, for calls may go on meanwhile.
async fn quiet(control: &Control) {
    let mut unreached = 0;
    while unreached < UNREACHED {
        let refused = control.run(REFUSE_NEW_CALLS, QUESTION_LIMIT).await;
        let answer = match refused {
            Ok(_) => control.run("core show channels count", QUESTION_LIMIT).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) if answers::active_channels(&answer) == Some(0) => return,
            Err(ControlError::Socket { .. }) => unreached += 1,
            Ok(_) | Err(ControlError::Late { .. }) => unreached = 0,
        }
        sleep(CALLS_POLL).await;
    }
    tracing::warn!("Asterisk is not there to be asked; it is stopped without waiting for calls");
}

/// Passes Asterisk's lines on as ours, each at its level.
async fn log(stream: impl AsyncRead + Unpin, events: Events) {
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if let Some(event) = said::of(line) {
            events.raise(event);
        }
        if line.contains("] ERROR[") {
            tracing::error!(target: "asterisk", "{line}");
        } else if line.contains("] WARNING[") {
            tracing::warn!(target: "asterisk", "{line}");
        } else if !line.is_empty() {
            tracing::info!(target: "asterisk", "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::dialplan::PHONES;

    #[test]
    fn new_calls_are_refused_in_the_context_that_phones_call_from() {
        assert!(REFUSE_NEW_CALLS.ends_with(&format!(" into {PHONES} replace")));
    }

    #[tokio::test]
    async fn an_asterisk_that_does_not_answer_is_stopped_by_signal() {
        let dir = tempfile::tempdir().unwrap();
        let sleeper = dir.path().join("sleeper");
        std::fs::write(&sleeper, "#!/bin/sh\nexec sleep 60\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&sleeper, mode).unwrap();
        let events = Events::in_memory();
        let mut asterisk = Asterisk::start(&sleeper, dir.path(), Path::new("/nowhere"), &events).unwrap();
        let never = std::future::pending();
        let drain = Duration::from_secs(30);
        let ended = asterisk.drain(&Control::new(dir.path()), drain, never, &events).await.unwrap();
        assert_eq!(crate::init::exit_code(ended), 128 + 15);
    }
}
