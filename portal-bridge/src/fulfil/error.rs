//! Why an order could not be brought further for now. Pure.

/// What is done only if the object is as it was seen: this to an instance,
pub(super) const CONVERT: &str = "convert";
/// and this to an order.
pub(super) const RECORD: &str = "record the state of";

/// What was tried, on which object, and what the API server said. It is tried again by itself.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {kind} {name}: {source}")]
pub struct FulfilError {
    action: &'static str,
    kind: &'static str,
    name: String,
    source: Box<kube::Error>,
}

impl FulfilError {
    /// What the API server itself said when it refused, for good until somebody changes something; none for what passes.
    pub(super) fn refusal(&self) -> Option<String> {
        match &*self.source {
            _ if self.is_overtaken() => None,
            kube::Error::Api(status) if matches!(status.code, 400 | 403 | 409 | 422) => {
                Some(format!("cannot {} {} {}: {}", self.action, self.kind, self.name, status.message))
            }
            _ => None,
        }
    }

    /// Whether somebody changed the object between reading and writing it.
    pub(super) fn is_overtaken(&self) -> bool {
        [CONVERT, RECORD].contains(&self.action)
            && matches!(&*self.source, kube::Error::Api(status) if status.code == 409)
    }

    pub(super) fn api(action: &'static str, kind: &'static str, name: &str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self { action, kind, name: name.to_owned(), source: Box::new(source) }
    }
}
