//! Now, as the kinds hold it. I/O: the system's clock.
//!
//! Facts are dated to the microsecond. Those of one microsecond count as of one instant, where grants come before requests, and
//! requests by their id; so a fact that has to come after another one waits for the next.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// Now, as the time of a fact can be written: what is judged has to be what is written.
pub fn this_moment() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Now, in whole seconds.
pub fn this_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Waits until this moment is over.
pub async fn next_moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
