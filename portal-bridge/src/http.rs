//! The way in: routes, limits and probes. I/O: HTTP.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures::FutureExt;
use tokio::sync::Semaphore;

use crate::bridge::Bridge;
use answer::Refusal;

mod answer;
mod instances;
mod orders;
mod take;
mod token;
mod webhook;

/// How many deliveries are worked on at once; more wait.
const AT_ONCE: usize = 64;
/// How many are read at once. Nobody knows yet who sends them, so those who send slowly are not to take the places of the others.
const READ_AT_ONCE: usize = 512;
/// How long the sending of a delivery may take.
const SENDING: Duration = Duration::from_secs(5);
/// How long a delivery may take in all, reading and waiting included.
const DEADLINE: Duration = Duration::from_secs(15);

/// The places of those who are read, and of those who are worked on.
#[derive(Clone)]
struct Places {
    limit: usize,
    reading: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

/// All routes.
pub fn router(bridge: Arc<Bridge>) -> Router {
    let places = Places {
        limit: bridge.config.max_body_bytes,
        reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        working: Arc::new(Semaphore::new(AT_ONCE)),
    };
    Router::new()
        .route("/webhooks/woocommerce", post(webhook::deliver))
        .route("/v1/orders", post(orders::place))
        .route("/v1/orders/{shop}/{number}", get(orders::look_up))
        .route("/v1/instances/{namespace}/{name}/forecast", get(instances::forecast))
        .route("/v1/instances/{namespace}/{name}/changes", get(instances::list_changes).post(instances::request_change))
        .route("/v1/instances/{namespace}/{name}/changes/{id}/cancel", post(instances::cancel_change))
        .route("/v1/instances/{namespace}/{name}/payment", put(instances::put_payment))
        // The bound is that of the configuration, kept where the body is read.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(places, in_turn))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(bridge)
}

/// Bounds how many deliveries are in hand and how long each takes.
async fn in_turn(State(places): State<Places>, request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(DEADLINE, async {
        let request = match whole(&places, request).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into_response(),
        };
        let _place = places.working.acquire().await;
        next.run(request).await
    });
    answered.await.unwrap_or_else(|_| Refusal::Unavailable.into_response())
}

/// The request with its whole body.
async fn whole(places: &Places, request: Request) -> Result<Request, Refusal> {
    let _place = places.reading.acquire().await;
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(SENDING, read_body(places.limit, body)).await.map_err(|_| Refusal::CutOff)??;
    Ok(Request::from_parts(head, Body::from(body)))
}

async fn ready(State(bridge): State<Arc<Bridge>>) -> Response {
    let listed = matches!(bridge.known.wait_until_ready().now_or_never(), Some(Ok(())));
    if !listed {
        return (StatusCode::SERVICE_UNAVAILABLE, "the orders have not been listed yet").into_response();
    }
    match bridge.secrets.check().await {
        Ok(()) => "ok".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

/// The whole body, within the limit.
async fn read_body(limit: usize, body: Body) -> Result<Bytes, Refusal> {
    match to_bytes(body, limit).await {
        Ok(bytes) => Ok(bytes),
        Err(error) if is_over_limit(&error) => Err(Refusal::TooLarge { limit }),
        Err(_) => Err(Refusal::CutOff),
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
}
