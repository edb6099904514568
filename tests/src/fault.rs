//! What can go wrong between a program and the API server, as a layer of the program's client. No I/O of its own.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use axum::http::{Method, Request};
use kube::client::Body;
use tokio::sync::{Mutex, Semaphore};
use tower::{BoxError, Layer, Service};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The process dies before its n-th write.
    DiesBefore(usize),
    /// The process dies after its n-th write, before the answer.
    DiesAfter(usize),
    /// The n-th write is committed and its answer lost; the process goes on.
    LosesAnswer(usize),
    /// The n-th write is committed and never answered; the process waits.
    HangsAfter(usize),
    /// Watches of this kind show nothing that happens.
    Blind(&'static str),
    /// Requests with this in their address are sent only when they are let go.
    Holds(&'static str),
}

/// A fault, and how many writes it has seen.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    writes: Arc<AtomicUsize>,
    held: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Fault {
    /// A fault that has yet to come about.
    pub fn new(kind: Kind) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        Self { kind, writes: Arc::default(), held: Arc::default(), under_way: Arc::default(), gate }
    }

    /// Whether the fault has come about.
    pub fn struck(&self) -> bool {
        match self.kind {
            Kind::DiesBefore(n) | Kind::DiesAfter(n) | Kind::LosesAnswer(n) | Kind::HangsAfter(n) => {
                self.writes.load(SeqCst) >= n
            }
            Kind::Blind(_) => true,
            // Held, and all that was asked beside it has been answered.
            Kind::Holds(_) => self.held.load(SeqCst) > 0 && self.under_way.load(SeqCst) == 0,
        }
    }

    /// Lets all requests go that are held, and those that come.
    pub fn let_go(&self) {
        self.gate.close();
    }

    fn is_dead(&self) -> bool {
        matches!(self.kind, Kind::DiesBefore(_) | Kind::DiesAfter(_)) && self.struck()
    }

    fn hides(&self, request: &Request<Body>) -> bool {
        let query = request.uri().query().unwrap_or_default();
        matches!(self.kind, Kind::Blind(kind) if request.uri().path().ends_with(kind) && query.contains("watch=true"))
    }
}

impl<S> Layer<S> for Fault {
    type Service = Faulty<S>;

    fn layer(&self, inner: S) -> Faulty<S> {
        Faulty { inner: Arc::new(Mutex::new(inner)), fault: self.clone() }
    }
}

/// A client with a fault.
pub struct Faulty<S> {
    inner: Arc<Mutex<S>>,
    fault: Fault,
}

impl<S> Service<Request<Body>> for Faulty<S>
where
    S: Service<Request<Body>, Error = BoxError> + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    /// The client within is asked when a request is sent, which may be later.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let fault = &self.fault;
        if fault.is_dead() {
            return Box::pin(async { Err("the process is dead".into()) });
        }
        if fault.hides(&request) {
            return Box::pin(std::future::pending());
        }
        let nth = if request.method() == Method::GET { 0 } else { fault.writes.fetch_add(1, SeqCst) + 1 };
        let held = matches!(fault.kind, Kind::Holds(what) if request.uri().to_string().contains(what));
        let sent = send(Arc::clone(&self.inner), request, Arc::clone(&fault.under_way));
        match fault.kind {
            Kind::DiesBefore(n) if n == nth => Box::pin(async { Err("killed before the write".into()) }),
            Kind::DiesAfter(n) | Kind::LosesAnswer(n) if n == nth => Box::pin(async move {
                sent.await?;
                Err("the answer is lost".into())
            }),
            Kind::HangsAfter(n) if n == nth => Box::pin(async move {
                sent.await?;
                std::future::pending().await
            }),
            Kind::Holds(_) if held => {
                fault.held.fetch_add(1, SeqCst);
                let gate = Arc::clone(&fault.gate);
                Box::pin(async move {
                    // No permit is ever given: the wait ends when the gate is gone.
                    let _gone = gate.acquire().await;
                    sent.await
                })
            }
            _ => Box::pin(sent),
        }
    }
}

/// Sends it when this is awaited, and not before; until the answer begins it is under way.
async fn send<S>(
    inner: Arc<Mutex<S>>,
    request: Request<Body>,
    under_way: Arc<AtomicUsize>,
) -> Result<S::Response, BoxError>
where
    S: Service<Request<Body>, Error = BoxError>,
{
    let _under_way = UnderWay::new(under_way);
    let answer = {
        let mut inner = inner.lock().await;
        std::future::poll_fn(|context| inner.poll_ready(context)).await?;
        inner.call(request)
    };
    answer.await
}

/// Counts a request for as long as it lives.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
