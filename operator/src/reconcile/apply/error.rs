//! Why a write did not happen, and whether trying again can help. Pure.

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The API server refused it, or was not reached.
    #[error("cannot {action} {kind} {namespace}/{name}: {source}")]
    Api {
        /// What was tried.
        action: &'static str,
        /// On which kind.
        kind: String,
        /// Where; empty for what has no namespace.
        namespace: String,
        /// On which object.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// An object of that name was made by somebody else, or for somebody else.
    #[error("{kind} {namespace}/{name} was not made for this instance; remove it, or give the instance another name")]
    Foreign {
        /// Its kind.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// An object of that name is left over from an instance of the same name that was deleted.
    #[error("{kind} {namespace}/{name} belongs to an earlier instance of this name, and goes with it")]
    NotYetGone {
        /// Its kind.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// An object could not be written as JSON.
    #[error("cannot compare {kind} with what is there: {source}")]
    Json {
        /// Its kind.
        kind: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// An error constructor for one attempt.
pub fn failed(action: &'static str, kind: &str, namespace: &str, name: &str) -> impl Fn(kube::Error) -> ApplyError {
    let (kind, namespace, name) = (kind.to_owned(), namespace.to_owned(), name.to_owned());
    move |source| ApplyError::Api {
        action,
        kind: kind.clone(),
        namespace: namespace.clone(),
        name: name.clone(),
        source: Box::new(source),
    }
}

impl ApplyError {
    /// True when another writer was ahead: the view is behind, and catches up in moments.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Api { source, .. } => matches!(source.as_ref(), kube::Error::Api(status) if status.is_conflict()),
            _ => false,
        }
    }

    /// True when the same write is refused again until somebody changes something: worth telling, and no reason to stop.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Foreign { .. } => true,
            Self::Api { source, .. } => match source.as_ref() {
                // A namespace that is going takes the instance with it.
                kube::Error::Api(status) => {
                    matches!(status.code, 400 | 403 | 413 | 422) && !status.message.contains("being terminated")
                }
                _ => false,
            },
            Self::NotYetGone { .. } | Self::Json { .. } => false,
        }
    }
}
