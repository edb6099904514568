//! Why something could not be told or done of an instance: each reason with a status, a code, a field and a remedy. Pure.

use axum::http::StatusCode;
use ecqx_domain::ledger::Refusal;
use k8s_openapi::jiff::Timestamp;

use super::Key;

/// Why a call about an instance is refused. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// There is no such instance.
    #[error("there is no such instance; check namespace and name")]
    Unknown,
    /// A parameter that is not known, or given twice.
    #[error("{name} is {problem}; known is at, once")]
    Parameter {
        /// Which.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A forecast for what is no time.
    #[error(
        "{given:?} is no time: {problem}; write it as 2026-12-01T00:00:00Z, or with an offset whose + is written as %2B"
    )]
    NoTime {
        /// As it was given.
        given: String,
        /// What the reader found.
        problem: String,
    },
    /// A forecast for the past.
    #[error("{at} is past, now is {now}; ask for now or later")]
    Past {
        /// What was asked for.
        at: Timestamp,
        /// When it was asked.
        now: Timestamp,
    },
    /// There is no such request.
    #[error("no such request was made for this instance; check the id")]
    ChangeUnknown,
    /// The id is taken by a request with other content.
    #[error(
        "a request of this id was made before with other content, and stands as it was; give another request an id of its own"
    )]
    ChangeConflict,
    /// The ledger refuses the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody can take it back any more.
    #[error("the request can no longer be cancelled: {0}")]
    NotPending(String),
    /// The licences bear facts without a time that are not on record yet: what is asked could come before or after them.
    #[error("the licences have not been recorded by the operator yet; ask again in a moment")]
    NotRecorded,
    /// A trial is not paid for.
    #[error("the instance is on trial, and no payment of a trial can fail; convert it with a paid order first")]
    OnTrial,
    /// The API server refuses for good.
    #[error("the API server refuses it: {0}")]
    Api(String),
    /// The API server cannot be asked, or others were quicker each time.
    #[error("that could not be done for now; ask again, nothing is done twice")]
    Unavailable,
}

impl InstanceError {
    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unknown | Self::ChangeUnknown => StatusCode::NOT_FOUND,
            Self::Parameter { .. } | Self::NoTime { .. } | Self::Past { .. } => StatusCode::BAD_REQUEST,
            Self::ChangeConflict | Self::NotPending(_) => StatusCode::CONFLICT,
            Self::Refused(_) | Self::OnTrial | Self::Api(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotRecorded | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// One word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "InstanceUnknown",
            Self::Parameter { .. } => "ParameterUnreadable",
            Self::NoTime { .. } => "TimeUnreadable",
            Self::Past { .. } => "TimePast",
            Self::ChangeUnknown => "ChangeUnknown",
            Self::ChangeConflict => "ChangeConflict",
            Self::Refused(Refusal::Increase { .. }) => "IncreaseIsAnOrder",
            Self::Refused(Refusal::ToZero) => "DecreaseToZero",
            Self::Refused(Refusal::NothingPaid) => "NothingPaid",
            Self::Refused(Refusal::NoQuantity) => "NoQuantity",
            Self::Refused(Refusal::Ended) => "InstanceEnded",
            Self::NotPending(_) => "ChangeNotPending",
            Self::NotRecorded => "NotRecorded",
            Self::OnTrial => "InstanceOnTrial",
            Self::Api(_) => "ApiRefused",
            Self::Unavailable => "Unavailable",
        }
    }

    /// Which field of the call it is about.
    pub fn field(&self) -> &str {
        match self {
            Self::Parameter { name, .. } => name,
            Self::Unknown | Self::Refused(Refusal::Ended) => "name",
            Self::NoTime { .. } | Self::Past { .. } => "at",
            Self::ChangeUnknown | Self::ChangeConflict | Self::NotPending(_) => "id",
            Self::Refused(Refusal::Increase { .. } | Refusal::ToZero) => "newQuantity",
            Self::Refused(Refusal::NothingPaid) => "service",
            Self::Refused(Refusal::NoQuantity) => "kind",
            Self::OnTrial => "state",
            Self::NotRecorded | Self::Api(_) | Self::Unavailable => ".",
        }
    }

    /// What the API server's answer means, to what was tried.
    pub(super) fn api(action: &'static str, key: &Key) -> impl FnOnce(kube::Error) -> Self {
        let object = format!("{}/{}", key.namespace, key.name);
        move |error| match error {
            kube::Error::Api(status) if status.code == 422 => Self::Api(status.message),
            error => {
                tracing::error!(action, object, %error, "a call about an instance could not be answered");
                Self::Unavailable
            }
        }
    }
}
