//! Requests for less of a service: made, cancelled, listed (§7 of the guide). I/O: the API server.
//!
//! A request is a fact in the licence set, an entry of its own with a field manager of its own: whoever writes another one,
//! through another bridge or with `kubectl`, neither removes it nor waits for it. What it comes to is the domain's to say.

use ecqx_crds::LicenseSet;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

pub use asked::Asked;
pub use view::{Listed, Told};

use super::{ATTEMPTS, InstanceError, Key, Seen, look_up};
use crate::{
    bridge::Bridge,
    clock::{next_moment, this_moment},
    turns,
};

mod asked;
mod judge;
mod view;

/// Makes a request, or finds it made: the same id with the same content is the same fact, and keeps its time. Tells whether it
/// is new.
///
/// # Errors
/// For an unknown instance, another content under the same id, and what the ledger refuses. Nothing is written then.
pub async fn request(bridge: &Bridge, key: &Key, asked: &Asked) -> Result<(Told, bool), InstanceError> {
    let _turn = bridge.turns.take(vec![turns::of_namespace(&key.namespace)]).await;
    for _ in 0..ATTEMPTS {
        let seen = look_up(bridge, key).await?;
        let now = this_moment();
        match judge::made(&seen, &asked.id) {
            Some(made) if asked.is(made) => return Ok((Told::of(&seen, &asked.id, &bridge.settings, now)?, false)),
            Some(_) => return Err(InstanceError::ChangeConflict),
            None => {}
        }
        let Some(with_it) = judge::request(&seen, asked, &bridge.settings, now)? else {
            next_moment().await;
            continue;
        };
        if write(bridge, key, &seen, &with_it, &asked.id, false).await? {
            return Ok((Told::adding(&seen, &with_it, &asked.id, &bridge.settings, now)?, true));
        }
    }
    Err(InstanceError::Unavailable)
}

/// Takes a request back, or finds it taken back.
///
/// # Errors
/// For an unknown instance or request, and for one that is no longer pending.
pub async fn cancel(bridge: &Bridge, key: &Key, id: &str) -> Result<Told, InstanceError> {
    let _turn = bridge.turns.take(vec![turns::of_namespace(&key.namespace)]).await;
    for _ in 0..ATTEMPTS {
        let seen = look_up(bridge, key).await?;
        let now = this_moment();
        let Some(without_it) = judge::cancel(&seen, id, &bridge.settings, now)? else {
            return Told::of(&seen, id, &bridge.settings, now);
        };
        if write(bridge, key, &seen, &without_it, id, true).await? {
            return Told::of(&without_it, id, &bridge.settings, now);
        }
    }
    Err(InstanceError::Unavailable)
}

/// Every request, with what became of it.
///
/// # Errors
/// For an unknown instance.
pub async fn list(bridge: &Bridge, key: &Key) -> Result<Listed, InstanceError> {
    let seen = look_up(bridge, key).await?;
    Ok(Listed::of(&seen, &bridge.settings, this_moment()))
}

/// Writes the one entry; false if the licences have changed since they were read, so that it has to be judged anew.
async fn write(
    bridge: &Bridge,
    key: &Key,
    seen: &Seen,
    wanted: &Seen,
    id: &str,
    force: bool,
) -> Result<bool, InstanceError> {
    let Some(entry) = judge::made(wanted, id) else { return Ok(false) };
    let object = object(key, seen.licenses.as_ref(), &json!(entry));
    let mut params = PatchParams::apply(&field_manager(id));
    // A cancellation stands whoever made the request; for the version that was read alone.
    params.force = force;
    match key.license_sets(bridge).patch(&key.name, &params, &Patch::Apply(&object)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(InstanceError::api("write a request for less to", key)(error)),
    }
}

/// A manager for each request: with one for all, a request that is applied would take back those before it.
fn field_manager(id: &str) -> String {
    format!("ecqx-change-{id}")
}

fn object(key: &Key, seen: Option<&LicenseSet>, entry: &Value) -> Value {
    let mut metadata = json!({"name": key.name});
    if let Some(seen) = seen {
        metadata["uid"] = json!(seen.metadata.uid);
        metadata["resourceVersion"] = json!(seen.metadata.resource_version);
    }
    json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1",
        "kind": "LicenseSet",
        "metadata": metadata,
        "spec": {"changes": [entry]},
    })
}
