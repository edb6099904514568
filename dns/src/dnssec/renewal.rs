//! Keeps the signing up with the clock and with the keys on disk. I/O: files, the clock.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;

use super::{Key, KeyError, Keyring, Signing, Tick, keyring::KeyringError};
use crate::{metrics::unix_now, wire::WireName};

/// How often clock and keys are looked at.
const PAUSE: Duration = Duration::from_secs(10);

/// Why the zone cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// A file or the folder.
    #[error("{path}: {source}; --dnssec-keys names a folder with a .key and a .private file for each key")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A key.
    #[error("{path}: {source}")]
    Key {
        /// The .private file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// All keys together.
    #[error("the keys in {path}: {source}")]
    Keyring {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        source: KeyringError,
    },
}

/// The keys of a zone in a folder, as a mounted Secret has them.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    origin: WireName,
}

impl Folder {
    /// This folder, for this zone.
    pub fn new(path: impl Into<PathBuf>, origin: &WireName) -> Self {
        Self { path: path.into(), origin: origin.clone() }
    }

    /// Begins to sign as the clock and the keys say, until nobody listens any more.
    ///
    /// A change of the keys that cannot be used leaves those in use that were; it is told of once.
    ///
    /// # Errors
    /// When the keys that are there now cannot be used.
    pub fn follow(self) -> Result<watch::Receiver<Arc<Signing>>, SigningError> {
        let keyring = self.keyring()?;
        let (sender, receiver) = watch::channel(Arc::new(self.of(&keyring, unix_now())?));
        tokio::spawn(self.renew(sender, keyring));
        Ok(receiver)
    }

    async fn renew(self, signing: watch::Sender<Arc<Signing>>, mut keyring: Keyring) {
        let mut told = String::new();
        while !signing.is_closed() {
            tokio::time::sleep(PAUSE).await;
            let now = unix_now();
            let (folder, known) = (self.clone(), keyring.clone());
            let looked = tokio::task::spawn_blocking(move || folder.look(known, now)).await;
            let Ok((ring, next, error)) = looked else { continue };
            keyring = ring;
            if let Some(error) = error.filter(|error| *error != told) {
                tracing::error!(%error, "the keys of the zone cannot be used; it is signed with those that were");
                told = error;
            }
            if let Some(next) = next.filter(|next| !signing.borrow().is_like(next)) {
                signing.send_replace(Arc::new(next));
            }
        }
    }

    /// The keys that are there, or else those that were; how they sign; and what is wrong.
    fn look(&self, known: Keyring, now: u64) -> (Keyring, Option<Signing>, Option<String>) {
        let found = self.keyring().and_then(|ring| Ok((self.of(&ring, now)?, ring)));
        match found {
            Ok((signing, ring)) => (ring, Some(signing), None),
            Err(error) => {
                let signing = self.of(&known, now).ok();
                (known, signing, Some(error.to_string()))
            }
        }
    }

    fn of(&self, keyring: &Keyring, now: u64) -> Result<Signing, SigningError> {
        let refused = |source| SigningError::Keyring { path: self.path.clone(), source };
        Signing::new(keyring, Tick::of(now), &self.origin).map_err(refused)
    }

    /// The keys that are there.
    ///
    /// # Errors
    /// With the file concerned.
    pub fn keyring(&self) -> Result<Keyring, SigningError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| SigningError::File { path, source }
        };
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(at(&self.path))? {
            let private = entry.map_err(at(&self.path))?.path();
            if private.extension().is_none_or(|extension| extension != "private") {
                continue;
            }
            let read = |path: &Path| std::fs::read_to_string(path).map_err(at(path));
            let (public, secret) = (read(&private.with_extension("key"))?, read(&private)?);
            let refused = |source| SigningError::Key { path: private.clone(), source };
            keys.push(Key::parse(&public, &secret, &self.origin).map_err(refused)?);
        }
        Ok(Keyring::new(keys))
    }
}
