//! Keeps the recordings within the bound that the limits' policy sets. Does I/O (files).

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Name, Recordings, RecordingsError};
use crate::status::Shared;

/// How often it is looked. 152 calls write 12 MB in this time.
const EVERY: Duration = Duration::from_secs(5);
const MIB: u64 = 1 << 20;

/// Runs for ever. Nothing is deleted before limits have been applied: a bound that is not known is none.
pub async fn keep(recordings: Recordings, status: Shared) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let policy = status.borrow().applied.as_ref().map(|applied| applied.wanted.policy.recordings_mib);
        let Some(most) = policy else { continue };
        match trim(&recordings, u64::from(most) * MIB).await {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::warn!(
                count = gone.len(),
                newest = gone.last().map(Name::as_str),
                mib = most,
                "recordings are beyond their bound: the oldest are deleted"
            ),
            Err(error) => tracing::error!(%error, "recordings cannot be kept within their bound"),
        }
    }
}

async fn trim(recordings: &Recordings, most: u64) -> Result<Vec<Name>, RecordingsError> {
    let recordings = recordings.clone();
    // It ends only with the runtime.
    tokio::task::spawn_blocking(move || recordings.trim(most)).await.unwrap_or_else(|_| Ok(Vec::new()))
}
