//! The pod's HTTP answers: `/readyz`, `/livez`, `/v1/status`, `/metrics` for kubelet, operator and Prometheus, and with the token `/v1/recordings` and
//! `/v1/events`. Does I/O (asks Asterisk, reads files).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use pbx_contract::AgentStatus;
use pbx_contract::event::SystemEvent;
use serde_json::json;

use crate::control::Control;
use crate::events::Events;
use crate::metrics::{Applying, Reading};
use crate::recordings::Recordings;
use crate::status::Shared;
use crate::tally::{Counted, Tally};
use crate::usage::UsageProbe;

pub use token::Token;

mod events;
mod recordings;
mod token;

/// What a live Asterisk is asked.
const ALIVE: &str = "core show uptime seconds";
/// A live Asterisk answers in milliseconds; the kubelet's own deadline should be longer than this.
const ALIVE_LIMIT: Duration = Duration::from_secs(2);

/// What the answers are made from.
pub struct Answers {
    /// What the agent knows.
    pub status: Shared,
    /// Asterisk's command line.
    pub control: Control,
    /// What is in use.
    pub usage: Arc<UsageProbe>,
    /// The most that was, and what was refused.
    pub tally: Tally,
    /// How configurations were applied.
    pub applying: Arc<Applying>,
    /// What was recorded.
    pub recordings: Recordings,
    /// What has happened.
    pub events: Events,
    /// Asterisk was silent when it was asked last, and that has been told.
    pub silent: AtomicBool,
    /// What the protected paths ask for.
    pub token: Token,
}

/// The routes.
pub fn router(answers: Answers) -> Router {
    let protected = recordings::router(answers.recordings.clone()).merge(events::router(answers.events.clone()));
    let protected = protected.route_layer(from_fn_with_state(answers.token.clone(), token::required));
    Router::new()
        .route("/readyz", get(readyz))
        .route("/livez", get(livez))
        .route("/v1/status", get(status))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(answers))
        .merge(protected)
}

/// 200 only when Asterisk is fully booted, runs with the newest limits, and answers now.
async fn readyz(State(answers): State<Arc<Answers>>) -> Response {
    let status = answers.status.borrow().clone();
    let generation = status.generation();
    let mut reason = status.not_ready();
    if reason.is_none() {
        reason = answers.control.run(ALIVE, ALIVE_LIMIT).await.err().map(|error| error.to_string());
    }
    match reason {
        None => Json(json!({ "ready": true, "generation": generation })).into_response(),
        Some(reason) => unavailable(&json!({ "ready": false, "generation": generation, "reason": reason })),
    }
}

/// 503 makes the kubelet restart the container: only for an Asterisk that is deaf, never for limits that are wrong.
async fn livez(State(answers): State<Arc<Answers>>) -> Response {
    let asked = answers.control.run(ALIVE, ALIVE_LIMIT).await;
    let silent_yet_fine = {
        let status = answers.status.borrow();
        status.may_be_silent() || status.draining
    };
    match asked {
        Err(error) if !silent_yet_fine => {
            tracing::error!(%error, "Asterisk does not answer");
            if !answers.silent.swap(true, Ordering::Relaxed) {
                answers.events.raise(SystemEvent::AsteriskSilent { seconds: ALIVE_LIMIT.as_secs() });
            }
            unavailable(&json!({ "alive": false, "reason": error.to_string() }))
        }
        answer => {
            answers.silent.fetch_and(answer.is_err(), Ordering::Relaxed);
            Json(json!({ "alive": true })).into_response()
        }
    }
}

async fn status(State(answers): State<Arc<Answers>>) -> Json<AgentStatus> {
    let status = answers.status.borrow().clone();
    let mut problem = status.not_ready();
    let usage = answers.usage.read(&answers.control, &status).await;
    if let Err(error) = &usage {
        problem.get_or_insert_with(|| error.to_string());
    }
    let (usage_unknown, usage) = (usage.is_err(), usage.unwrap_or_default());
    let applied_generation = status.generation().map(str::to_owned);
    let sips = status.applied.is_some_and(|applied| applied.sips);
    answers.tally.used(&usage);
    let Counted { peak, refused } = answers.tally.counted();
    Json(AgentStatus {
        ready: problem.is_none(),
        applied_generation,
        problem,
        sips,
        usage,
        usage_unknown,
        peak,
        refused,
    })
}

/// In `OpenMetrics`; what Asterisk cannot be asked is left out.
async fn metrics(State(answers): State<Arc<Answers>>) -> Response {
    let status = answers.status.borrow().clone();
    let usage = answers.usage.read(&answers.control, &status).await.ok();
    let reading = Reading {
        usage,
        counted: answers.tally.counted(),
        events: answers.events.counts(),
        applying: answers.applying.read(),
        status,
    };
    match reading.text() {
        Ok(text) => {
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn unavailable(body: &serde_json::Value) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Applied, Status};

    fn answers(status: Status) -> State<Arc<Answers>> {
        answers_of(status, Control::new(std::path::Path::new("/nowhere")))
    }

    fn answers_of(status: Status, control: Control) -> State<Arc<Answers>> {
        let (recordings, token) = (Recordings::new("/nowhere".into()), Token::among("/nowhere".as_ref()));
        let (status, usage) = (Shared::new(status), Arc::new(UsageProbe::default()));
        let (tally, applying) = (Tally::open("/nowhere".as_ref()), Arc::default());
        let events = Events::in_memory();
        State(Arc::new(Answers {
            status,
            control,
            usage,
            tally,
            applying,
            recordings,
            events,
            silent: AtomicBool::default(),
            token,
        }))
    }

    fn ready() -> Status {
        let applied = Applied { generation: "g".into(), mark: "g/1".into(), ..Applied::nothing() };
        Status { booted: true, heard: true, applied: Some(applied), ..Status::starting() }
    }

    #[tokio::test]
    async fn readiness_follows_the_status_and_asterisks_answer() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let dir = tempfile::tempdir().unwrap();
        let listener = tokio::net::UnixListener::bind(dir.path().join("asterisk.ctl")).unwrap();
        let asterisk = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"host/1/22.10\n").await.unwrap();
                let _question = stream.read(&mut [0; 64]).await.unwrap();
                stream.write_all(b"System uptime: 1\n").await.unwrap();
            }
        });
        let control = Control::new(dir.path());
        assert_eq!(readyz(answers_of(ready(), control.clone())).await.status(), StatusCode::OK);
        let late = Status { problem: Some("no password".into()), ..ready() };
        assert_eq!(readyz(answers_of(late, control)).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(readyz(answers(ready())).await.status(), StatusCode::SERVICE_UNAVAILABLE, "nobody answers");
        asterisk.abort();
    }

    #[tokio::test]
    async fn wrong_limits_are_no_reason_to_restart_and_a_deaf_asterisk_is() {
        assert_eq!(livez(answers(Status::starting())).await.status(), StatusCode::OK);
        assert_eq!(livez(answers(ready())).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn the_status_of_a_deaf_asterisk_says_so_and_keeps_the_generation() {
        let Json(status) = status(answers(ready())).await;
        assert!(!status.ready && status.problem.is_some());
        assert_eq!(status.applied_generation.as_deref(), Some("g"));
    }
}
