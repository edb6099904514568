//! `POST /webhooks/woocommerce`: the deliveries of a `WooCommerce` shop. I/O: HTTP.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{
    answer::{Answer, Refusal},
    take::take,
};
use crate::{
    bridge::Bridge,
    intake::woocommerce::{self, Delivery},
};

/// An order that is recorded is answered with 200, also when it is held: it was received, and the shop switches a webhook off
/// for good after five answers in a row that are not 2xx.
pub(super) async fn deliver(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    if is_ping(&headers, &body) {
        return Ok(Json(Answer::ignored()).into_response());
    }
    let signature = headers.get("x-wc-webhook-signature").ok_or(Refusal::SignatureMissing)?;
    match bridge.secrets.verifies(&body, signature.as_bytes()).await {
        Ok(true) => {}
        Ok(false) => return Err(Refusal::SignatureInvalid),
        Err(error) => {
            tracing::error!(%error, "a delivery could not be verified");
            return Err(Refusal::Unavailable);
        }
    }
    match woocommerce::read(&body, &bridge.config)? {
        Delivery::Draft => Ok(Json(Answer::ignored()).into_response()),
        Delivery::Order(spec) => {
            let taken = take(&bridge, *spec).await?;
            Ok(Json(Answer::of(&taken.order)).into_response())
        }
    }
}

/// What the shop sends when the webhook is made: a form with one number, which it does not sign. Nothing comes of it.
fn is_ping(headers: &HeaderMap, body: &[u8]) -> bool {
    let form =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let number = body.strip_prefix(b"webhook_id=");
    form && number.is_some_and(|id| (1..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
}
