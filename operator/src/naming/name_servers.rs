//! Asks every name server what it serves of an instance. I/O: name resolution, HTTP.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ecqx_crds::publication::Publication;
use futures::{StreamExt, stream};
use reqwest::{Client, Response, redirect::Policy};
use tokio::{net::lookup_host, time::Instant};

/// How long a name server may take: it answers from memory, and a reconcile waits for it.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long the addresses behind the name are used.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// How long nobody is asked after nobody has answered: all instances would wait in vain, one after the other.
const SILENCE: Duration = Duration::from_secs(5);
/// How many are asked at most; a name with more addresses is no name of ours.
const MOST: usize = 16;

/// The name servers behind one name, such as a headless Service.
#[derive(Debug)]
pub struct NameServers {
    host: String,
    client: Client,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    until: Option<Instant>,
    silent_until: Option<Instant>,
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
    /// All that answer HTTP at HOST:PORT.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(host: &str) -> reqwest::Result<Self> {
        let client = Client::builder().timeout(TIMEOUT).no_proxy().redirect(Policy::none()).build()?;
        Ok(Self { host: host.to_owned(), client, known: Mutex::default() })
    }

    /// What they serve of an instance.
    pub async fn ask(&self, namespace: &str, name: &str) -> Served {
        if self.with(|known| known.silent_until).is_some_and(|until| Instant::now() < until) {
            return Served::Unknown;
        }
        let addresses = self.addresses().await;
        let asked = stream::iter(addresses).map(|address| self.ask_one(address, namespace, name));
        let told: Vec<Publication> =
            asked.buffer_unordered(MOST).filter_map(async |answer: reqwest::Result<_>| answer.ok()).collect().await;
        if told.is_empty() {
            self.with(|known| known.silent_until = Some(Instant::now() + SILENCE));
            return Served::Unknown;
        }
        Served::Told(told)
    }

    async fn ask_one(&self, address: SocketAddr, namespace: &str, name: &str) -> reqwest::Result<Publication> {
        let answer = self.client.get(format!("http://{address}/instances/{namespace}/{name}")).send().await;
        answer.and_then(Response::error_for_status)?.json().await
    }

    async fn addresses(&self) -> Vec<SocketAddr> {
        let now = Instant::now();
        let known = self.with(|known| (known.until > Some(now)).then(|| known.addresses.clone()));
        if let Some(known) = known {
            return known;
        }
        // A name that cannot be resolved is that of name servers of which none is ready.
        let found = tokio::time::timeout(TIMEOUT, lookup_host(&self.host)).await;
        let addresses: Vec<_> = found.ok().and_then(Result::ok).into_iter().flatten().take(MOST).collect();
        self.with(|known| (known.addresses, known.until) = (addresses.clone(), Some(now + KNOWN_FOR)));
        addresses
    }

    fn with<T>(&self, read: impl FnOnce(&mut Known) -> T) -> T {
        read(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, extract::Path, routing::get};

    use super::*;

    async fn serving() -> String {
        let told = get(async |Path((namespace, name)): Path<(String, String)>| {
            let fault = (name == "faulty").then(Default::default);
            Json(Publication { addresses: vec![[203, 0, 113, u8::try_from(namespace.len()).unwrap()].into()], fault })
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, Router::new().route("/instances/{ns}/{name}", told)).await });
        address.to_string()
    }

    #[tokio::test]
    async fn what_they_serve_is_read() {
        let servers = NameServers::new(&serving().await).unwrap();
        let Served::Told(told) = servers.ask("four", "a").await else { panic!("it has answered") };
        assert_eq!(told, [Publication { addresses: vec![[203, 0, 113, 4].into()], fault: None }]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_answers_nobody_is_waited_for_again_for_a_while() {
        let servers = NameServers::new("127.0.0.1:1").unwrap();
        assert_eq!(servers.ask("a", "a").await, Served::Unknown);
        assert!(servers.with(|known| known.silent_until).is_some());
        tokio::time::advance(SILENCE).await;
        assert!(servers.with(|known| known.silent_until).unwrap() <= Instant::now());
    }
}
