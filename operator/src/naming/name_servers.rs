//! Asks every name server what it serves of an instance. I/O: HTTP.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ecqx_crds::publication::Publication;
use futures::{StreamExt, stream};
use reqwest::{Client, Response, redirect::Policy};
use tokio::time::Instant;

use super::Whereabouts;

/// How long a name server may take: it answers from memory, and a reconcile waits for it.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long nobody is asked after nobody has answered: all instances would wait in vain, one after the other.
const SILENCE: Duration = Duration::from_secs(5);
/// How many are asked at one time.
const AT_ONCE: usize = 16;

/// The name servers, wherever they are.
#[derive(Debug)]
pub struct NameServers {
    whereabouts: Whereabouts,
    client: Client,
    silent_until: Mutex<Option<Instant>>,
}

/// What the name servers say of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Served {
    /// None has answered.
    #[default]
    Unknown,
    /// Each that answered says this; never empty. One that does not answer has no zone yet, or is about to go.
    Told(Vec<Publication>),
}

impl NameServers {
    /// All that answer HTTP there.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(whereabouts: Whereabouts) -> reqwest::Result<Self> {
        let client = Client::builder().timeout(TIMEOUT).no_proxy().redirect(Policy::none()).build()?;
        Ok(Self { whereabouts, client, silent_until: Mutex::default() })
    }

    /// What they serve of an instance.
    pub async fn ask(&self, namespace: &str, name: &str) -> Served {
        if self.silence(|until| until.is_some_and(|until| Instant::now() < until)) {
            return Served::Unknown;
        }
        let asked = stream::iter(self.whereabouts.addresses()).map(|at| self.ask_one(at, namespace, name));
        let told: Vec<Publication> =
            asked.buffer_unordered(AT_ONCE).filter_map(async |answer: reqwest::Result<_>| answer.ok()).collect().await;
        if told.is_empty() {
            self.silence(|until| *until = Some(Instant::now() + SILENCE));
            return Served::Unknown;
        }
        Served::Told(told)
    }

    async fn ask_one(&self, address: SocketAddr, namespace: &str, name: &str) -> reqwest::Result<Publication> {
        let answer = self.client.get(format!("http://{address}/instances/{namespace}/{name}")).send().await;
        answer.and_then(Response::error_for_status)?.json().await
    }

    fn silence<T>(&self, read: impl FnOnce(&mut Option<Instant>) -> T) -> T {
        read(&mut self.silent_until.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, extract::Path, routing::get};

    use super::*;

    async fn serving() -> Whereabouts {
        let told = get(async |Path((namespace, name)): Path<(String, String)>| {
            let fault = (name == "faulty").then(Default::default);
            Json(Publication { addresses: vec![[203, 0, 113, u8::try_from(namespace.len()).unwrap()].into()], fault })
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, Router::new().route("/instances/{ns}/{name}", told)).await });
        Whereabouts::At(vec![address])
    }

    #[tokio::test]
    async fn what_they_serve_is_read() {
        let servers = NameServers::new(serving().await).unwrap();
        let Served::Told(told) = servers.ask("four", "a").await else { panic!("it has answered") };
        assert_eq!(told, [Publication { addresses: vec![[203, 0, 113, 4].into()], fault: None }]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_answers_nobody_is_waited_for_again_for_a_while() {
        let servers = NameServers::new(Whereabouts::At(vec!["127.0.0.1:1".parse().unwrap()])).unwrap();
        assert_eq!(servers.ask("a", "a").await, Served::Unknown);
        assert!(servers.silence(|until| until.is_some()));
        tokio::time::advance(SILENCE).await;
        assert!(servers.silence(|until| until.unwrap()) <= Instant::now());
    }
}
