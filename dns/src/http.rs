//! Health and metrics over HTTP, for the kubelet, the Service and Prometheus. I/O: one socket.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{Snapshot, metrics::Metrics};

/// Why health cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("cannot answer HTTP on {address}: {source}; give another address with --http")]
pub struct HttpError {
    address: SocketAddr,
    source: io::Error,
}

/// `/livez` answers 200 while the process runs; `/readyz` 200 as soon as there is a zone to serve, and from then on even while
/// the API server is away.
/// `/metrics` tells what was counted, in `OpenMetrics`.
pub fn router(snapshot: Snapshot, metrics: Metrics) -> Router {
    let told = Arc::clone(&snapshot);
    let metrics = get(async move || match metrics.text(&told) {
        Ok(text) => Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    });
    let router = Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready));
    router.with_state(snapshot).route("/metrics", metrics)
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
pub async fn serve(listener: TcpListener, snapshot: Snapshot, metrics: Metrics) -> Result<(), io::Error> {
    axum::serve(listener, router(snapshot, metrics)).await
}
