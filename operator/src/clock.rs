//! The one clock; everything below takes `now`. I/O: reads the system's time.

use std::{fmt, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// How often the clock is compared with the time that has passed.
const PULSE: Duration = Duration::from_secs(1);
/// A clock that is off by more than this from one pulse to the next was set.
const JUMP: SignedDuration = SignedDuration::from_secs(2);

/// Tells the time: the system's, or a test's own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A test's own time.
    pub fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// Waits until the clock has been set forward or back, and says by how much. Timers run on the time that passes, so what has
    /// become due by a jump would otherwise be noticed only at the next look.
    pub async fn jump(&self) -> SignedDuration {
        let (mut told, mut passed) = (self.now(), Instant::now());
        loop {
            tokio::time::sleep(PULSE).await;
            let (now, instant) = (self.now(), Instant::now());
            let expected = SignedDuration::try_from(instant - passed).unwrap_or(SignedDuration::MAX);
            let jump = now.duration_since(told).saturating_sub(expected);
            if jump.abs() > JUMP {
                return jump;
            }
            (told, passed) = (now, instant);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed_and_one_that_runs_is_not() {
        let (started, offset) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let set = Arc::clone(&offset);
        let clock = Clock::of(move || {
            let second = i64::try_from(started.elapsed().as_secs()).unwrap() + offset.load(Ordering::Relaxed);
            Timestamp::from_second(1_800_000_000 + second).unwrap()
        });
        tokio::time::timeout(Duration::from_hours(1), clock.jump()).await.unwrap_err();
        let jump = tokio::join!(clock.jump(), async { set.store(-3600, Ordering::Relaxed) }).0;
        assert!((3598..=3602).contains(&-jump.as_secs()), "{jump}");
    }
}
