//! What the agent knows about itself and Asterisk, shared by the applier, the probes and the drain. No I/O.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::wanted::Wanted;

/// A booting Asterisk is alive for this long; booting takes it 2 s.
const BOOT_MAX: Duration = Duration::from_mins(1);
/// A lost manager connection comes back within this, or it is no moment's matter.
const DEAF_MAX: Duration = Duration::from_secs(30);

/// One moment's knowledge.
#[derive(Clone, Debug)]
pub struct Status {
    /// When Asterisk was started.
    pub started: Instant,
    /// Asterisk has said that it is fully booted.
    pub booted: bool,
    /// The agent has been connected to this Asterisk's manager interface: what happens is an event, and counts for a block.
    pub heard: bool,
    /// Since when that connection is lost, where it is.
    pub deaf: Option<Instant>,
    /// How often Asterisk has ended by itself.
    pub restarts: u64,
    /// SIGTERM has come: calls end, none begins.
    pub draining: bool,
    /// What Asterisk has said that it runs with.
    pub applied: Option<Applied>,
    /// Why the newest limits are not applied.
    pub problem: Option<String>,
}

/// A configuration that Asterisk runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The generation of its limits.
    pub generation: String,
    /// The mark of its rendering.
    pub mark: String,
    /// The enabled extensions.
    pub enabled: BTreeSet<String>,
    /// Whether SIP over TLS is answered.
    pub sips: bool,
    /// All that was asked for.
    pub wanted: Arc<Wanted>,
}

/// Shares the newest [`Status`].
pub type Shared = watch::Sender<Status>;

impl Status {
    /// Asterisk is being started.
    pub fn starting() -> Self {
        Self {
            started: Instant::now(),
            booted: false,
            heard: false,
            deaf: None,
            restarts: 0,
            draining: false,
            applied: None,
            problem: None,
        }
    }

    /// Asterisk has ended by itself: what it ran with says nothing of the next one.
    pub fn ended(&mut self) {
        (self.booted, self.heard, self.deaf, self.applied) = (false, false, None, None);
        self.restarts += 1;
    }

    /// The manager connection has come or gone.
    pub fn hears(&mut self, connected: bool) {
        self.heard |= connected;
        self.deaf = (!connected && self.heard).then(Instant::now);
    }

    /// Why the PBX should get no new calls; `None` when it is ready.
    pub fn not_ready(&self) -> Option<String> {
        if self.draining {
            return Some("stopping: calls in progress may finish, new ones are refused".into());
        }
        if !self.booted {
            let again = if self.restarts > 0 { "has ended by itself and is being started again" } else { "is booting" };
            return Some(format!("Asterisk {again}"));
        }
        match (&self.problem, &self.applied) {
            (Some(problem), _) => Some(problem.clone()),
            (None, None) => Some("Asterisk has not yet confirmed the limits".into()),
            (None, Some(_)) => self.is_deaf().map(Into::into),
        }
    }

    /// Calls would go through, but not be seen, and nobody who guesses passwords be blocked. A connection that is lost for a moment is
    /// no reason to lead calls elsewhere: limits are kept by Asterisk itself.
    fn is_deaf(&self) -> Option<&'static str> {
        match (self.heard, self.deaf) {
            (false, _) => Some("the agent is not yet connected to Asterisk's manager interface"),
            (true, Some(since)) if since.elapsed() >= DEAF_MAX => {
                Some("the agent has lost its connection to Asterisk's manager interface, and it does not come back")
            }
            _ => None,
        }
    }

    /// Asterisk may still be silent, for it has just been started.
    pub fn may_be_silent(&self) -> bool {
        !self.booted && self.started.elapsed() < BOOT_MAX
    }

    /// The generation of the limits that Asterisk runs with.
    pub fn generation(&self) -> Option<&str> {
        self.applied.as_ref().map(|applied| applied.generation.as_str())
    }
}

#[cfg(test)]
impl Applied {
    /// For tests: a configuration that lets nobody in.
    pub(crate) fn nothing() -> Self {
        let (generation, mark, wanted) = (String::new(), String::new(), Arc::new(Wanted::nothing()));
        Self { generation, mark, enabled: BTreeSet::new(), sips: false, wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Status {
        let applied = Applied { generation: "g".into(), mark: "g/1".into(), ..Applied::nothing() };
        Status { booted: true, heard: true, applied: Some(applied), ..Status::starting() }
    }

    #[test]
    fn ready_is_booted_with_the_newest_limits() {
        assert_eq!(ready().not_ready(), None);
        for status in [
            Status::starting(),
            Status { applied: None, ..ready() },
            Status { booted: false, ..ready() },
            Status { heard: false, ..ready() },
            Status { draining: true, ..ready() },
        ] {
            assert!(status.not_ready().is_some());
        }
    }

    #[test]
    fn a_problem_is_the_reason_and_what_was_applied_stays() {
        let status = Status { problem: Some("no password".into()), ..ready() };
        assert_eq!(status.not_ready().as_deref(), Some("no password"));
        assert_eq!(status.generation(), Some("g"));
    }

    #[test]
    fn a_connection_that_is_lost_for_a_moment_is_no_reason_and_one_that_stays_lost_is() {
        let mut status = ready();
        status.hears(false);
        assert_eq!(status.not_ready(), None);
        status.deaf = status.deaf.and_then(|since| since.checked_sub(DEAF_MAX));
        assert!(status.not_ready().is_some());
        status.hears(true);
        assert_eq!(status.not_ready(), None);
    }

    #[test]
    fn a_new_asterisk_has_to_be_heard_anew() {
        let mut status = ready();
        status.ended();
        status.hears(false);
        let applied = ready().applied;
        assert!(Status { booted: true, applied, ..status }.not_ready().is_some_and(|why| why.contains("not yet")));
    }
}
