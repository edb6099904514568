//! What is remembered of single objects between two looks at them: an optimisation, and bounded. Pure but for its lock.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kube::runtime::reflector::{Lookup, ObjectRef, Store};

/// A note of one kind per object. What was noted of objects that are gone is dropped as soon as notes outnumber objects.
pub struct Notes<K, V>(Mutex<HashMap<ObjectRef<K>, V>>)
where
    K: Lookup,
    K::DynamicType: Hash + Eq;

impl<K, V> Default for Notes<K, V>
where
    K: Lookup,
    K::DynamicType: Hash + Eq,
{
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, V> Notes<K, V>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
    V: Clone + Default,
{
    /// Changes the note of an object, which starts with the default, and returns it.
    pub fn change(&self, object: ObjectRef<K>, known: &Store<K>, change: impl FnOnce(&mut V)) -> V {
        let mut notes = self.lock();
        let note = notes.entry(object).or_default();
        change(note);
        let note = note.clone();
        if notes.len() > known.len() {
            notes.retain(|object, _| known.get(object).is_some());
        }
        note
    }

    /// Drops the note of an object.
    pub fn forget(&self, object: &ObjectRef<K>) {
        self.lock().remove(object);
    }

    /// The objects with a note like this.
    pub fn with(&self, like: impl Fn(&V) -> bool) -> Vec<ObjectRef<K>> {
        self.lock().iter().filter(|(_, note)| like(note)).map(|(object, _)| object.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef<K>, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::{reflector, watcher};

    use super::*;

    #[test]
    fn notes_of_objects_that_are_gone_do_not_pile_up() {
        let (store, mut writer) = reflector::store::<ConfigMap>();
        let mut there = ConfigMap::default();
        there.metadata.name = Some("there".to_owned());
        writer.apply_watcher_event(&watcher::Event::Apply(there));
        let notes = Notes::<ConfigMap, u32>::default();
        for name in ["there", "gone-1", "gone-2", "gone-3"] {
            notes.change(ObjectRef::new(name), &store, |count| *count += 1);
        }
        assert_eq!(notes.with(|_| true), [ObjectRef::new("there")]);
        assert_eq!(notes.change(ObjectRef::new("there"), &store, |count| *count += 1), 2);
        notes.forget(&ObjectRef::new("there"));
        assert!(notes.with(|_| true).is_empty());
    }
}
