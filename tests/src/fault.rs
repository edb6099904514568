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
}

/// A fault, and how many writes it has seen.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    writes: Arc<AtomicUsize>,
}

impl Fault {
    /// A fault that has yet to come about.
    pub fn new(kind: Kind) -> Self {
        Self { kind, writes: Arc::default() }
    }

    /// Whether the fault has come about.
    pub fn struck(&self) -> bool {
        match self.kind {
            Kind::DiesBefore(n) | Kind::DiesAfter(n) | Kind::LosesAnswer(n) | Kind::HangsAfter(n) => {
                self.writes.load(SeqCst) >= n
            }
            Kind::Blind(_) => true,
        }
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
        Faulty { inner, fault: self.clone() }
    }
}

/// A client with a fault.
pub struct Faulty<S> {
    inner: S,
    fault: Fault,
}

impl<S> Service<Request<Body>> for Faulty<S>
where
    S: Service<Request<Body>, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
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
        match fault.kind {
            Kind::DiesBefore(n) if n == nth => Box::pin(async { Err("killed before the write".into()) }),
            Kind::DiesAfter(n) | Kind::LosesAnswer(n) if n == nth => {
                let call = self.inner.call(request);
                Box::pin(async move {
                    call.await?;
                    Err("the answer is lost".into())
                })
            }
            Kind::HangsAfter(n) if n == nth => {
                let call = self.inner.call(request);
                Box::pin(async move {
                    call.await?;
                    std::future::pending().await
                })
            }
            _ => Box::pin(self.inner.call(request)),
        }
    }
}
