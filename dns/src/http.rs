//! Health and metrics over HTTP, for the kubelet, the Service and Prometheus; what is served, for replicas and operator. I/O: one socket.

mod publication;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use tokio::{net::TcpListener, sync::watch};

use crate::{Snapshot, agreement::Version, family, metrics::Metrics, store::Held};

/// What is served, as it changes; nothing before it was compared with the API server.
pub struct Served {
    /// Its version.
    pub versions: watch::Receiver<Option<Version>>,
    /// By instance.
    pub held: watch::Receiver<Option<Held>>,
}

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
/// `/zone` tells the other replicas what is served, `/instances/NAMESPACE/NAME` the operator what of one instance is.
pub fn router(snapshot: Snapshot, metrics: Metrics, served: Served) -> Router {
    let Served { versions, held } = served;
    let (told, state, zone_of_instances) = (Arc::clone(&snapshot), Arc::clone(&metrics.state), Arc::clone(&snapshot));
    let instance = get(async move |Path(key): Path<(String, String)>| {
        let (held, zone) = (held.borrow().clone(), zone_of_instances.load_full());
        let (Some(held), Some(zone)) = (held, zone) else { return Err(StatusCode::SERVICE_UNAVAILABLE) };
        Ok(Json(publication::of(&key, &held, &zone, &state.faults)))
    });
    let metrics = get(async move || match metrics.text(&told) {
        Ok(text) => Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    });
    let zone = get(async move || versions.borrow().clone().map(Json).ok_or(StatusCode::SERVICE_UNAVAILABLE));
    let router = Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready));
    router
        .with_state(snapshot)
        .route("/metrics", metrics)
        .route("/zone", zone)
        .route("/instances/{namespace}/{name}", instance)
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
pub fn bind(listen: SocketAddr) -> Result<TcpListener, HttpError> {
    family::listener(listen).map_err(|source| HttpError { address: listen, source })
}

/// Answers until it is dropped.
///
/// # Errors
/// When the socket is lost.
pub async fn serve(
    listener: TcpListener,
    snapshot: Snapshot,
    metrics: Metrics,
    served: Served,
) -> Result<(), io::Error> {
    axum::serve(listener, router(snapshot, metrics, served)).await
}
