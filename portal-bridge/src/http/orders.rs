//! `/v1/orders`: the product's own way in. I/O: HTTP.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ecqx_crds::OrderPhase;
use ecqx_domain::order::names;

use super::{
    answer::{Answer, Refusal},
    take::{Taken, take},
    token::admit,
};
use crate::{bridge::Bridge, intake::own};

pub(super) async fn place(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    let taken = take(&bridge, own::read(&body, &bridge.config)?).await?;
    Ok((status(&taken), Json(Answer::of(&taken.order))).into_response())
}

pub(super) async fn look_up(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    Path((shop, number)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    admit(&bridge, &headers).await?;
    match bridge.orders().get_opt(&names::order_record(&shop, &number)).await {
        Ok(Some(order)) => Ok(Json(Answer::of(&order)).into_response()),
        Ok(None) => Err(Refusal::Unknown),
        Err(error) => {
            tracing::error!(%error, "an order could not be looked up");
            Err(Refusal::Unavailable)
        }
    }
}

fn status(taken: &Taken) -> StatusCode {
    match taken.order.status.as_ref().and_then(|status| status.phase) {
        Some(OrderPhase::OnHold) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(OrderPhase::Fulfilled) if !taken.first => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    }
}
