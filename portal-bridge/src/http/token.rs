//! Who may call the product's own API: whoever has a token. I/O: the file with the tokens.

use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use super::answer::Refusal;
use crate::bridge::Bridge;

/// Before the body is read: nobody without a token makes the bridge hold one.
pub(super) async fn admit(bridge: &Bridge, headers: &HeaderMap) -> Result<(), Refusal> {
    let header = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let scheme = b"Bearer ";
    let token = match header.split_at_checked(scheme.len()) {
        Some((given, token)) if given.eq_ignore_ascii_case(scheme) => token,
        _ => return Err(Refusal::TokenInvalid),
    };
    match bridge.secrets.admits(token).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::TokenInvalid),
        Err(error) => {
            tracing::error!(%error, "a token could not be verified");
            Err(Refusal::Unavailable)
        }
    }
}
