//! Health over HTTP, for the kubelet and the Service.

use std::{io, net::SocketAddr};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use tokio::net::TcpListener;

use crate::Snapshot;

/// Why health cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("cannot answer HTTP on {address}: {source}; give another address with --http")]
pub struct HttpError {
    address: SocketAddr,
    source: io::Error,
}

/// `/livez` answers 200 while the process runs; `/readyz` 200 as soon as there is a zone to serve, and from then on even while
/// the API server is away.
pub fn router(snapshot: Snapshot) -> Router {
    Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(snapshot)
}

async fn ready(State(snapshot): State<Snapshot>) -> (StatusCode, &'static str) {
    if snapshot.load().is_some() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "waiting for the first complete list of instances")
    }
}

/// Where health will be told.
///
/// # Errors
/// When it cannot listen there.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, HttpError> {
    TcpListener::bind(listen).await.map_err(|source| HttpError { address: listen, source })
}

/// Answers until it is dropped.
///
/// # Errors
/// When the socket is lost.
pub async fn serve(listener: TcpListener, snapshot: Snapshot) -> Result<(), io::Error> {
    axum::serve(listener, router(snapshot)).await
}
