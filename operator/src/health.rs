//! `/livez` and `/readyz`. I/O: an HTTP server.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, http::StatusCode, routing::get};
use tokio_util::sync::CancellationToken;

/// Set once the stores are filled and the controllers run.
pub type Ready = Arc<AtomicBool>;

/// Answers until `stop`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(address: SocketAddr, ready: Ready, stop: CancellationToken) -> std::io::Result<()> {
    let readiness = move || {
        let ready = ready.load(Ordering::Relaxed);
        async move {
            if ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "reading the cluster\n") }
        }
    };
    let router = Router::new().route("/livez", get(|| async { "alive\n" })).route("/readyz", get(readiness));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}
