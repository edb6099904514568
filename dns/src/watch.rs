//! From the Kubernetes API to the snapshot: watches instances, and swaps the zone when one changes it.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ecqx_crds::EcqxInstance;
use futures::{Stream, StreamExt, TryStreamExt};
use kube::{
    Api, Client,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        utils::Backoff,
        watcher::{self, DefaultBackoff, watcher},
    },
};

use crate::{
    Snapshot,
    book::{Book, Event, Key, Sight},
    published::Reading,
    serial,
    zone::{Zone, ZoneSettings},
};

/// How long one watch call lasts, in seconds. A connection that died without a word is noticed after that.
const WATCH_TIMEOUT: u32 = 240;
/// The longest pause before the API server is tried again. Short, since a name can wait on it.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many waiting events go into one change of the zone.
const BATCH: usize = 1024;

type Watched = DeserializeGuard<EcqxInstance>;

/// Keeps the snapshot as the API server's instances want it. Never ends; while the API server is away, the last zone stays.
pub async fn watch(client: Client, settings: Arc<ZoneSettings>, snapshot: Snapshot) {
    let zone = settings.origin().to_ascii().trim_end_matches('.').to_owned();
    let config = watcher::Config::default().timeout(WATCH_TIMEOUT);
    let events = watcher(Api::<Watched>::all(client), config)
        .map_ok(move |event| reduced(event, &zone))
        .backoff(Patient(DefaultBackoff::default()))
        .filter_map(async |event| {
            event
                .inspect_err(|error| tracing::warn!(%error, "instances cannot be watched; what was known last is served on, and nothing before a first list"))
                .ok()
        });
    follow(events, settings, snapshot).await;
}

/// Enters events as they come and swaps the snapshot: at once, with all that are waiting at that moment.
pub async fn follow(events: impl Stream<Item = Event>, settings: Arc<ZoneSettings>, snapshot: Snapshot) {
    let mut book = Book::default();
    let mut batches = pin!(events.ready_chunks(BATCH));
    while let Some(batch) = batches.next().await {
        for event in batch {
            book.enter(event);
        }
        if book.is_complete() {
            swap(&mut book, &settings, &snapshot);
        }
    }
}

fn swap(book: &mut Book, settings: &Arc<ZoneSettings>, snapshot: &Snapshot) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let current = snapshot.load_full();
    let is_first = current.is_none();
    let current = current.unwrap_or_else(|| Arc::new(Zone::new(Arc::clone(settings), serial::next(None, now))));
    let changes = book.changes();
    for (label, _) in changes.iter().filter(|(label, _)| settings.is_name_server(label)) {
        tracing::warn!(%label, "an instance has the name of a name server; it is not served under it");
    }
    let count = changes.len();
    let next_serial = |previous| if is_first { previous } else { serial::next(Some(previous), now) };
    let zone = match current.changed(changes, next_serial) {
        Some(zone) => Arc::new(zone),
        None if is_first => current,
        None => return,
    };
    tracing::info!(zone = %zone.origin(), serial = zone.serial(), changes = count, names = zone.len(), "the zone has changed");
    snapshot.store(Some(zone));
}

/// Keeps of an event what the zone needs, so that the objects themselves are never held.
fn reduced(event: watcher::Event<Watched>, zone: &str) -> Event {
    match event {
        watcher::Event::Init => Event::ListBegins,
        watcher::Event::InitDone => Event::ListEnds,
        watcher::Event::InitApply(watched) => Event::Listed(key(&watched), sight(&watched, zone)),
        watcher::Event::Apply(watched) => Event::Changed(key(&watched), sight(&watched, zone)),
        watcher::Event::Delete(watched) => Event::Deleted(key(&watched)),
    }
}

fn key(watched: &Watched) -> Key {
    let metadata = match &watched.0 {
        Ok(instance) => &instance.metadata,
        Err(invalid) => &invalid.metadata,
    };
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

fn sight(watched: &Watched, zone: &str) -> Sight {
    let (namespace, name) = key(watched);
    match &watched.0 {
        Ok(instance) => {
            let reading = Reading::of(instance, zone);
            for fault in &reading.faults {
                tracing::warn!(namespace, name, %fault, "an instance cannot be served as its status says");
            }
            reading.published.map_or(Sight::Hidden, Sight::Served)
        }
        Err(invalid) => {
            tracing::warn!(namespace, name, error = %invalid, "an instance cannot be read; what was known of it is served on");
            Sight::Unreadable
        }
    }
}

/// kube's backoff, which is kind to an API server in trouble, with a lower ceiling.
struct Patient(DefaultBackoff);

impl Iterator for Patient {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|pause| pause.min(LONGEST_PAUSE))
    }
}

impl Backoff for Patient {
    fn reset(&mut self) {
        self.0.reset();
    }
}
