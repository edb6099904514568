//! From the Kubernetes API to events of the book: lists instances and watches them. I/O: the API server.
//!
//! kube's own watcher would do, but for the list's revision, from which the serial is made and which it does not tell.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use ecqx_crds::EcqxInstance;
use futures::{StreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
    core::DeserializeGuard,
    runtime::{utils::Backoff, watcher::DefaultBackoff},
};
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, timeout},
};

use crate::{
    book::{Event, Key, Revision, Sight},
    metrics::State,
    published::{Fault, Reading},
};

/// How long one watch call lasts, in seconds, by the API server's doing. Its successor costs the API server next to nothing.
const WATCH_TIMEOUT: u32 = 10;
/// How long a watch may be silent: longer than it lasts means that the connection has died without a word.
const SILENCE: Duration = Duration::from_secs(13);
/// What a watch lasts at least: one that ends sooner without a word was no watch, but an answer that was cut off or is none. kube
/// does not tell them apart.
const LEAST: Duration = Duration::from_secs(1);
/// How long the API server may take to begin an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The longest pause before the API server is tried again. Short, since a name can wait on it.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many instances are asked for at once.
const PAGE: u32 = 500;
/// How many events may wait to be entered.
const WAITING: usize = 1024;

type Watched = DeserializeGuard<EcqxInstance>;

/// Why a list or a watch ended.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Kube(#[from] kube::Error),
    #[error("the API server has been silent for too long; the connection is given up")]
    Silent(#[from] tokio::time::error::Elapsed),
    #[error("the API server no longer knows where the watch stood; everything is listed anew")]
    Expired,
    #[error("the API server gave the revision {0:?}, which is no number")]
    Revision(String),
    #[error("the API server ended a watch as soon as it had begun")]
    Short,
    #[error("nobody takes the events")]
    Closed,
}

/// The events of all instances whose names stand in this zone, from a first list on. Goes on through all troubles.
pub fn events(client: Client, zone: String, state: Arc<State>) -> impl futures::Stream<Item = Event> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let watch = Watch { api: Api::all(client), zone, sender, state };
    let task = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(watch.run()));
    stream::unfold((receiver, task), async |(mut receiver, task)| Some((receiver.recv().await?, (receiver, task))))
}

struct Watch {
    api: Api<Watched>,
    zone: String,
    sender: Sender<Event>,
    state: Arc<State>,
}

impl Watch {
    async fn run(self) {
        let (mut pauses, mut revision) = (Patient(DefaultBackoff::default()), None);
        loop {
            match self.turn(&mut revision).await {
                Ok(()) => pauses.reset(),
                Err(Trouble::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "instances cannot be watched; what was known last is served on, and nothing before a first list");
                    if matches!(error, Trouble::Expired) {
                        revision = None;
                    }
                    tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
                }
            }
        }
    }

    /// One list, or one watch from where the last one stood.
    async fn turn(&self, revision: &mut Option<String>) -> Result<(), Trouble> {
        match revision {
            None => *revision = Some(self.list().await?),
            Some(revision) => self.watch(revision).await?,
        }
        Ok(())
    }

    async fn list(&self) -> Result<String, Trouble> {
        self.send(Event::ListBegins).await?;
        let mut listed = BTreeSet::new();
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let page = timeout(ANSWER, self.api.list(&params)).await?.map_err(expired)?;
            self.state.heard();
            for watched in &page.items {
                self.send(Event::Listed(key(watched), self.sight(watched))).await?;
                listed.insert(key(watched));
            }
            if let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) {
                params = params.continue_token(&token);
                continue;
            }
            let revision = page.metadata.resource_version.unwrap_or_default();
            self.state.faults.keep_only(&listed);
            self.send(Event::ListEnds(number(&revision)?)).await?;
            return Ok(revision);
        }
    }

    async fn watch(&self, revision: &mut String) -> Result<(), Trouble> {
        let params = WatchParams::default().timeout(WATCH_TIMEOUT);
        let events = timeout(ANSWER, self.api.watch(&params, revision)).await?.map_err(expired)?;
        let (mut events, begin, mut any) = (pin!(events), Instant::now(), false);
        while let Some(event) = timeout(SILENCE, events.next()).await? {
            let event = event.map_err(expired)?;
            self.state.heard();
            any = true;
            match event {
                WatchEvent::Added(watched) | WatchEvent::Modified(watched) => {
                    let at = watched.resource_version().unwrap_or_default();
                    let event = Event::Changed(key(&watched), self.sight(&watched), number(&at)?);
                    self.send(event).await?;
                    *revision = at;
                }
                WatchEvent::Deleted(watched) => {
                    let at = watched.resource_version().unwrap_or_default();
                    self.state.faults.note(&key(&watched), Vec::new());
                    self.send(Event::Deleted(key(&watched), number(&at)?)).await?;
                    *revision = at;
                }
                WatchEvent::Bookmark(bookmark) => *revision = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => return Err(expired(kube::Error::Api(status))),
            }
        }
        if !any && begin.elapsed() < LEAST {
            return Err(Trouble::Short);
        }
        self.state.heard();
        Ok(())
    }

    /// Keeps of an instance what the zone needs, so that the objects themselves are never held, and notes what is wrong with it.
    fn sight(&self, watched: &Watched) -> Sight {
        let (sight, faults) = read(watched, &self.zone);
        let key = key(watched);
        for fault in &faults {
            tracing::warn!(namespace = key.0, name = key.1, %fault, "an instance cannot be served as its status says");
        }
        self.state.faults.note(&key, faults);
        sight
    }

    async fn send(&self, event: Event) -> Result<(), Trouble> {
        self.sender.send(event).await.map_err(|_| Trouble::Closed)
    }
}

/// 410: the revision is too old, for a watch as for the next page of a list.
fn expired(error: kube::Error) -> Trouble {
    match error {
        kube::Error::Api(status) if status.code == 410 => Trouble::Expired,
        error => Trouble::Kube(error),
    }
}

/// Revisions are numbers that grow (Kubernetes 1.35, KEP 5504; etcd's have always been).
fn number(revision: &str) -> Result<Revision, Trouble> {
    revision.parse().map_err(|_| Trouble::Revision(revision.to_owned()))
}

fn key(watched: &Watched) -> Key {
    let metadata = match &watched.0 {
        Ok(instance) => &instance.metadata,
        Err(invalid) => &invalid.metadata,
    };
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

fn read(watched: &Watched, zone: &str) -> (Sight, Vec<Fault>) {
    match &watched.0 {
        Ok(instance) => {
            let Reading { published, faults } = Reading::of(instance, zone);
            (published.map_or(Sight::Hidden, Sight::Served), faults)
        }
        Err(invalid) => (Sight::Unreadable, vec![Fault::Unreadable(invalid.to_string().chars().take(300).collect())]),
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
