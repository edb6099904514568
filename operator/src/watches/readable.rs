//! Objects that this version cannot read, as after a change of their definition: each costs itself alone. Pure but for its lock.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{Stream, StreamExt};
use kube::{
    Resource,
    core::DeserializeGuard,
    runtime::{
        reflector::{ObjectRef, Store},
        watcher::{Error, Event},
    },
};

/// What cannot be read, and why, by kind, namespace and name.
#[derive(Debug, Default)]
pub struct Unreadable(Mutex<HashMap<Key, String>>);

type Key = (String, Option<String>, String);

impl Unreadable {
    /// Why an object cannot be read; none for one that can, or is not there.
    pub fn reason<K: Resource<DynamicType = ()>>(&self, name: &str, namespace: &str) -> Option<String> {
        self.lock().get(&(K::kind(&()).into_owned(), Some(namespace.to_owned()), name.to_owned())).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &impl Resource) -> Key {
    let meta = object.meta();
    (K::kind(&()).into_owned(), meta.namespace.clone(), meta.name.clone().unwrap_or_default())
}

/// The changes that can be read. In place of an object that cannot be, the one that was known before stands in the store, if there
/// was one: nothing is taken away for want of reading.
pub(super) fn readable<K>(
    changes: impl Stream<Item = Result<Event<DeserializeGuard<K>>, Error>>,
    known: Store<K>,
    unreadable: Arc<Unreadable>,
) -> impl Stream<Item = Result<Event<K>, Error>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    changes.filter_map(move |change| ready(change.map(|event| judge(event, &known, &unreadable)).transpose()))
}

fn judge<K>(event: Event<DeserializeGuard<K>>, known: &Store<K>, unreadable: &Unreadable) -> Option<Event<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let read = |guard| read(guard, known, unreadable);
    match event {
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
        Event::InitApply(guard) => read(guard).map(Event::InitApply),
        Event::Apply(guard) => read(guard).map(Event::Apply),
        Event::Delete(guard) => {
            unreadable.lock().remove(&key::<K>(&guard));
            let reference = reference(&guard);
            guard.0.ok().or_else(|| known.get(&reference).as_deref().cloned()).map(Event::Delete)
        }
    }
}

fn reference<K>(guard: &DeserializeGuard<K>) -> ObjectRef<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let reference = ObjectRef::new(guard.meta().name.as_deref().unwrap_or_default());
    match &guard.meta().namespace {
        Some(namespace) => reference.within(namespace),
        None => reference,
    }
}

fn read<K>(guard: DeserializeGuard<K>, known: &Store<K>, unreadable: &Unreadable) -> Option<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let (key, reference) = (key::<K>(&guard), reference(&guard));
    match guard.0 {
        Ok(object) => {
            unreadable.lock().remove(&key);
            Some(object)
        }
        Err(invalid) => {
            let before = known.get(&reference);
            let stands = before.is_some();
            tracing::warn!(object = %reference, error = %invalid.error, stands, "cannot be read by this version; it is left as it was");
            unreadable.lock().insert(key, invalid.error);
            before.as_deref().cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use ecqx_crds::LicenseSet;
    use futures::{TryStreamExt, stream};
    use kube::runtime::{reflector, watcher};
    use serde_json::{Value, json};

    use super::*;

    fn guard(name: &str, grants: &Value) -> DeserializeGuard<LicenseSet> {
        let object = json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "LicenseSet",
            "metadata": { "name": name, "namespace": "ns" }, "spec": { "grants": grants },
        });
        serde_json::from_value(object).unwrap()
    }

    async fn seen(
        events: Vec<Event<DeserializeGuard<LicenseSet>>>,
        known: Store<LicenseSet>,
        unreadable: &Arc<Unreadable>,
    ) -> Vec<String> {
        let changes = readable(stream::iter(events.into_iter().map(Ok)), known, Arc::clone(unreadable));
        let told = |event: Event<LicenseSet>| match event {
            Event::Init => "Init".to_owned(),
            Event::InitDone => "InitDone".to_owned(),
            Event::InitApply(set) | Event::Apply(set) => format!("There {:?}", set.metadata.name),
            Event::Delete(set) => format!("Gone {:?}", set.metadata.name),
        };
        changes.map_ok(told).try_collect().await.unwrap()
    }

    #[tokio::test]
    async fn one_that_cannot_be_read_stands_as_it_was_known_and_costs_the_others_nothing() {
        let (store, mut writer) = reflector::store::<LicenseSet>();
        writer.apply_watcher_event(&watcher::Event::Apply(guard("known", &json!([])).0.unwrap()));
        let bad = json!([{ "id": "x", "feature": "Telepathy", "quantity": 1 }]);
        let unreadable = Arc::default();
        let events = vec![
            Event::Init,
            Event::InitApply(guard("known", &bad)),
            Event::InitApply(guard("new", &bad)),
            Event::InitApply(guard("good", &json!([]))),
            Event::InitDone,
        ];
        let seen_first = seen(events, store.clone(), &unreadable).await;
        assert_eq!(seen_first, ["Init", "There Some(\"known\")", "There Some(\"good\")", "InitDone"]);
        assert!(unreadable.reason::<LicenseSet>("new", "ns").unwrap().contains("Telepathy"));
        assert_eq!(unreadable.reason::<LicenseSet>("good", "ns"), None);
        let mended = vec![Event::Apply(guard("new", &json!([]))), Event::Delete(guard("known", &bad))];
        assert_eq!(seen(mended, store, &unreadable).await, ["There Some(\"new\")", "Gone Some(\"known\")"]);
        assert_eq!(unreadable.reason::<LicenseSet>("new", "ns"), None);
        assert_eq!(unreadable.reason::<LicenseSet>("known", "ns"), None);
    }
}
