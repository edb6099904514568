//! The way in: routes, limits and probes. I/O: HTTP.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures::FutureExt;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
const READ_AT_ONCE: usize = 256;
/// How many octets of all of them are held at once, from when they come until they are answered: the container has some 100 MiB.
const HELD: usize = 32 << 20;
/// How long the sending of a delivery may take.
const SENDING: Duration = Duration::from_secs(5);
/// How long a delivery may take in all, reading and waiting included.
const DEADLINE: Duration = Duration::from_secs(15);

/// The places of those who are read, and of those who are worked on, and the room for what they have sent.
#[derive(Clone)]
struct Places {
    limit: usize,
    reading: Arc<Semaphore>,
    working: Arc<Semaphore>,
    octets: Arc<Semaphore>,
}

/// All routes.
pub fn router(bridge: Arc<Bridge>) -> Router {
    let places = Places {
        limit: bridge.config.max_body_bytes,
        reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        working: Arc::new(Semaphore::new(AT_ONCE)),
        octets: Arc::new(Semaphore::new(HELD)),
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
        let (request, _room) = match whole(&places, request).await {
            Ok(whole) => whole,
            Err(refusal) => return refusal.into_response(),
        };
        let _place = places.working.acquire().await;
        next.run(request).await
    });
    answered.await.unwrap_or_else(|_| Refusal::Unavailable.into_response())
}

/// The request with its whole body, and the room that it takes.
async fn whole(places: &Places, request: Request) -> Result<(Request, Option<OwnedSemaphorePermit>), Refusal> {
    let _place = places.reading.acquire().await;
    let (head, body) = request.into_parts();
    let read = tokio::time::timeout(SENDING, read_body(places, body));
    let (body, room) = read.await.map_err(|_| Refusal::CutOff)??;
    Ok((Request::from_parts(head, Body::from(body)), room))
}

/// The whole body, within the limit. Room is taken for what has come, not for what was announced: to announce costs nothing.
async fn read_body(places: &Places, mut body: Body) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Refusal> {
    let (mut read, mut room): (Vec<u8>, Option<OwnedSemaphorePermit>) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let Ok(octets) = frame.map_err(|_| Refusal::CutOff)?.into_data() else { continue };
        if read.len() + octets.len() > places.limit {
            return Err(Refusal::TooLarge { limit: places.limit });
        }
        let count = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let more = Arc::clone(&places.octets).acquire_many_owned(count).await.map_err(|_| Refusal::Unavailable)?;
        match &mut room {
            Some(room) => room.merge(more),
            None => room = Some(more),
        }
        read.extend_from_slice(&octets);
    }
    Ok((read, room))
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
