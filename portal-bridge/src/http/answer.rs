//! What a delivery is answered with. Pure.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use ecqx_crds::{InstanceRef, OrderPhase, OrderReason, PortalOrder};
use kube::ResourceExt;
use serde::Serialize;

use crate::{instances::InstanceError, intake::Fault};

/// The body of every answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceRef>,
    reasons: Vec<OrderReason>,
}

impl Answer {
    pub fn of(order: &PortalOrder) -> Self {
        let status = order.status.clone().unwrap_or_default();
        Self {
            order: Some(order.name_any()),
            state: match status.phase {
                None => "Received",
                Some(OrderPhase::AwaitingPayment) => "AwaitingPayment",
                Some(OrderPhase::OnHold) => "OnHold",
                Some(OrderPhase::Fulfilled) => "Fulfilled",
                Some(OrderPhase::Void) => "Void",
            },
            instance: status.instance_ref,
            reasons: status.reasons,
        }
    }

    /// For a delivery that is understood and means nothing to be done.
    pub fn ignored() -> Self {
        Self { order: None, state: "Ignored", instance: None, reasons: Vec::new() }
    }
}

/// Why a delivery is refused, so that nothing of it is recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the signature is missing; sign the raw body with the webhook's secret (base64 of HMAC-SHA256)")]
    SignatureMissing,
    #[error("the signature does not fit the body; check the webhook's secret")]
    SignatureInvalid,
    #[error("a known bearer token is needed")]
    TokenInvalid,
    #[error("the body has more than {limit} bytes; deliver less, or raise maxBodyBytes")]
    TooLarge { limit: usize },
    #[error("the body was cut off; deliver it again")]
    CutOff,
    #[error("{}", .0.problem)]
    Unreadable(#[from] Fault),
    #[error(
        "this number was received before with other content, and stands as it was; place a new order for what has changed"
    )]
    Conflict { order: String },
    #[error("no such order was received")]
    Unknown,
    #[error("the order could not be recorded for now; deliver it again")]
    Unavailable,
    #[error(transparent)]
    Instance(#[from] InstanceError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignatureMissing | Self::SignatureInvalid | Self::TokenInvalid => StatusCode::UNAUTHORIZED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::CutOff | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Instance(error) => error.status(),
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::SignatureMissing => "SignatureMissing",
            Self::SignatureInvalid => "SignatureInvalid",
            Self::TokenInvalid => "TokenInvalid",
            Self::TooLarge { .. } => "BodyTooLarge",
            Self::CutOff => "BodyCutOff",
            Self::Unreadable(_) => "BodyUnreadable",
            Self::Conflict { .. } => "ContentConflict",
            Self::Unknown => "OrderUnknown",
            Self::Unavailable => "Unavailable",
            Self::Instance(error) => error.code(),
        }
    }

    fn field(&self) -> String {
        match self {
            Self::SignatureMissing | Self::SignatureInvalid => "X-WC-Webhook-Signature".to_owned(),
            Self::TokenInvalid => "Authorization".to_owned(),
            Self::Unreadable(fault) => fault.path.clone(),
            Self::Conflict { .. } | Self::Unknown => "number".to_owned(),
            Self::TooLarge { .. } | Self::CutOff | Self::Unavailable => ".".to_owned(),
            Self::Instance(error) => error.field().to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Of the delivery itself only the code is logged: its text may hold what is personal or secret.
        tracing::warn!(code = self.code(), "a delivery was refused");
        let reason = OrderReason { code: self.code().to_owned(), field: self.field(), message: self.to_string() };
        let status = self.status();
        let order = if let Self::Conflict { order } = self { Some(order) } else { None };
        let answer = Answer { order, state: "Refused", instance: None, reasons: vec![reason] };
        let mut response = (status, Json(answer)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
