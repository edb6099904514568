//! Now, in the whole seconds that the kinds hold. I/O: the system's clock.
//!
//! Facts of one second count as of one instant, where grants come before requests, and requests by their id. So a fact that has
//! to come after another one of this second waits for the next.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// Now, as it can be written: what is judged has to be what is written.
pub fn this_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Waits until this second is over: a second at most, whatever the clock does meanwhile.
pub async fn next_second() {
    let left = 1_000_000_000 - u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs());
    tokio::time::sleep(Duration::from_nanos(left)).await;
}
