//! Peaks of use, and refusals by feature, since the pod started. Does I/O (a file in the pod's run directory, which a restart of the
//! container leaves and a new pod does not have).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pbx_contract::Usage;
use serde::{Deserialize, Serialize};

use crate::render::signals;

/// What was counted so far. Clones share it.
#[derive(Clone, Debug)]
pub struct Tally(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counted: Counted,
    saved: Counted,
}

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counted {
    /// The most that was in use at one time.
    pub peak: Usage,
    /// Refusals by feature, named as in the API.
    pub refused: BTreeMap<String, u64>,
}

impl Tally {
    /// With what was counted before a restart of the container.
    pub fn open(run_dir: &Path) -> Self {
        let path = run_dir.join("tally.json");
        // None at the pod's start; a damaged one costs the counts and no call.
        let counted: Counted =
            std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let state = Mutex::new(State { saved: counted.clone(), counted });
        Self(Arc::new(Shared { path, state }))
    }

    /// So much is in use.
    pub fn used(&self, usage: &Usage) {
        self.lock().counted.peak.raise(usage);
    }

    /// So many places of a pool were taken at one moment, even if only for that moment.
    pub fn taken(&self, pool: &str, places: u32) {
        let mut usage = Usage::default();
        match pool {
            signals::RECORDING_POOL => usage.recordings = places,
            signals::CONFERENCE_POOL => usage.conference_participants = places,
            _ => {}
        }
        self.used(&usage);
    }

    /// Somebody was refused, for a limit of this feature.
    pub fn refused(&self, feature: &str) {
        *self.lock().counted.refused.entry(feature.to_owned()).or_default() += 1;
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        self.lock().counted.clone()
    }

    /// Writes it, when it has changed.
    pub async fn save(&self) {
        let counted = {
            let mut state = self.lock();
            if state.saved == state.counted {
                return;
            }
            state.saved = state.counted.clone();
            state.saved.clone()
        };
        let (path, temporary) = (&self.0.path, self.0.path.with_extension("new"));
        let Ok(text) = serde_json::to_vec(&counted) else { return };
        let written = async {
            tokio::fs::write(&temporary, text).await?;
            tokio::fs::rename(&temporary, path).await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, path = %path.display(), "peaks would not survive a restart");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn peaks_and_refusals_survive_a_restart_of_the_container() {
        let dir = tempfile::tempdir().unwrap();
        let tally = Tally::open(dir.path());
        tally.used(&Usage { active_calls: 3, recordings: 1, ..Usage::default() });
        tally.used(&Usage { active_calls: 1, extensions_registered: 2, ..Usage::default() });
        tally.taken(signals::RECORDING_POOL, 2);
        tally.refused("CallRecording");
        tally.save().await;
        let again = Tally::open(dir.path());
        again.refused("CallRecording");
        let counted = again.counted();
        let peak = Usage { active_calls: 3, recordings: 2, extensions_registered: 2, ..Usage::default() };
        assert_eq!((counted.peak, counted.refused["CallRecording"]), (peak, 2));
    }

    #[test]
    fn a_damaged_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tally.json"), "{\"peak\":").unwrap();
        assert_eq!(Tally::open(dir.path()).counted(), Counted::default());
    }
}
