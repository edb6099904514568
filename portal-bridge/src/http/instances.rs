//! `/v1/instances/{namespace}/{name}`: what is to come of an instance, requests for less, its payment. I/O: HTTP.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{answer::Refusal, token::admit};
use crate::{
    bridge::Bridge,
    instances::{
        InstanceError, Key,
        changes::{self, Asked},
        forecast, payment,
    },
};

pub(super) async fn forecast(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    Path((namespace, name)): Path<(String, String)>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    let at = only_at(parameters)?;
    let view = forecast::forecast(&bridge, &Key::new(namespace, name)?, at.as_deref()).await?;
    Ok(Json(view).into_response())
}

/// A mistyped parameter must not be answered as if it had not been given.
fn only_at(parameters: Vec<(String, String)>) -> Result<Option<String>, InstanceError> {
    let mut at = None;
    for (name, value) in parameters {
        if name != "at" {
            return Err(InstanceError::Parameter { name, problem: "no parameter of a forecast" });
        }
        if at.replace(value).is_some() {
            return Err(InstanceError::Parameter { name, problem: "given twice" });
        }
    }
    Ok(at)
}

pub(super) async fn request_change(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    Path((namespace, name)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    let asked = Asked::read(&body)?;
    let (told, new) = changes::request(&bridge, &Key::new(namespace, name)?, &asked).await?;
    let status = if new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(told)).into_response())
}

pub(super) async fn list_changes(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    Ok(Json(changes::list(&bridge, &Key::new(namespace, name)?).await?).into_response())
}

pub(super) async fn cancel_change(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    Path((namespace, name, id)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    Ok(Json(changes::cancel(&bridge, &Key::new(namespace, name)?, &id).await?).into_response())
}

pub(super) async fn put_payment(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    Path((namespace, name)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    let state = payment::read(&body)?;
    Ok(Json(payment::record(&bridge, &Key::new(namespace, name)?, state).await?).into_response())
}
