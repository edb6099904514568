//! How many pods are replaced at one time: a new image for ten thousand PBXs is no reason to start them all at once. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

/// For how long a new pod counts as one that is starting, and one whose grace period is over as one that is going: those of a node that
/// is lost stay. One that takes longer has a trouble of its own, and holds nobody up.
const START: SignedDuration = SignedDuration::from_mins(2);

/// Whether a pod is on its way out, or was just made.
pub fn is_being_replaced(pod: &Pod, now: Timestamp) -> bool {
    // The time of a deletion is that of the grace period's end.
    if let Some(gone_by) = &pod.metadata.deletion_timestamp {
        return now.duration_since(gone_by.0) < START;
    }
    let made = pod.metadata.creation_timestamp.as_ref().map(|at| at.0);
    let is_new = made.is_some_and(|made| now.duration_since(made) < START);
    is_new && !is_ready(pod)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|c| c.type_ == "Ready" && c.status == "True")
}
