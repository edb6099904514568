//! PID 1: starts the agent proper as its child, forwards signals to it and reaps orphans. Does I/O (processes).
//!
//! A process of its own, so that `waitpid` for any child never takes an exit status from the runtime that waits for
//! Asterisk.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What is passed on to the child; all other signals do to PID 1 what the kernel says.
const FORWARDED: [Signal; 5] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1];

/// Why PID 1 cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The child could not be started.
    #[error("cannot start the agent as a child of PID 1: {0}; is /proc mounted in the container?")]
    Spawn(#[from] std::io::Error),
    /// A system call on signals or children failed.
    #[error("a system call for signals or children failed: {0}")]
    System(#[from] Errno),
}

/// True for the process that the container runtime starts.
pub fn is_needed() -> bool {
    Pid::this() == Pid::from_raw(1)
}

/// Undoes what the child inherits from [`run`], which holds its signals back to wait for them.
///
/// # Errors
/// When the kernel refuses, which it has no reason to.
pub fn unblock_signals() -> Result<(), InitError> {
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Runs until the child ends, and gives its exit code: 128 + N when signal N ended it.
///
/// # Errors
/// When the child cannot be started or waited for.
pub fn run() -> Result<ExitCode, InitError> {
    let mut awaited: SigSet = FORWARDED.into_iter().collect();
    awaited.add(Signal::SIGCHLD);
    awaited.thread_block()?;
    let child = Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).spawn()?;
    let child = Pid::from_raw(child.id().cast_signed());
    loop {
        match awaited.wait()? {
            Signal::SIGCHLD => {
                if let Some(code) = reap(child)? {
                    return Ok(ExitCode::from(code));
                }
            }
            // The child may have ended in between; its SIGCHLD comes next.
            signal => match kill(child, signal) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(errno.into()),
            },
        }
    }
}

/// Takes every status there is, for one SIGCHLD may stand for several; gives the child's, once it has ended.
fn reap(child: Pid) -> Result<Option<u8>, Errno> {
    loop {
        match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Ok(Some(code.to_le_bytes()[0])),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Ok(Some(by_signal(signal as i32))),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// The exit code that stands for a process's end, as shells write it.
pub fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_le_bytes()[0],
        (None, Some(signal)) => by_signal(signal),
        (None, None) => 1,
    }
}

fn by_signal(signal: i32) -> u8 {
    128u8.saturating_add(signal.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_by_signal_is_128_and_its_number() {
        assert_eq!(exit_code(ExitStatus::from_raw(9)), 137);
        assert_eq!(exit_code(ExitStatus::from_raw(3 << 8)), 3);
    }
}
