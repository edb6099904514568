//! Who may judge an order now: orders that could be in each other's way take turns, all others go side by side. No I/O.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

/// What orders and requests of one reseller compete for: its instances and licences.
pub fn of_namespace(namespace: &str) -> String {
    format!("namespace {namespace}")
}

/// A turn for each thing that orders can compete for, such as a reseller's licences or a host name.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the turn at all of these; it ends when what is returned is dropped.
    pub async fn take(&self, mut things: Vec<String>) -> Vec<OwnedMutexGuard<()>> {
        // In one order for all, so that no two wait for each other.
        things.sort_unstable();
        things.dedup();
        let mut turns = Vec::with_capacity(things.len());
        for thing in things {
            turns.push(self.lock(thing).lock_owned().await);
        }
        turns
    }

    fn lock(&self, thing: String) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&thing).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        locks.insert(thing, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn things(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn what_shares_a_thing_waits_and_what_shares_none_does_not() {
        let turns = Turns::default();
        let first = turns.take(things(&["reseller a", "name x", "name x"])).await;
        assert!(turns.take(things(&["name x", "reseller b"])).now_or_never().is_none());
        assert!(turns.take(things(&["name y", "reseller c"])).now_or_never().is_some());
        drop(first);
        assert!(turns.take(things(&["name x", "reseller b"])).now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_forgotten() {
        let turns = Turns::default();
        drop(turns.take(things(&["a", "b"])).await);
        drop(turns.take(things(&["c"])).await);
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
