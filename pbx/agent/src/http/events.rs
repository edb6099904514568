//! `/v1/events`: what has happened, page by page, and the catalogue of what can. No I/O.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use pbx_contract::event::{EventsPage, KINDS, Kind};
use serde::Deserialize;

use crate::events::Events;

/// How many a page has when the request does not say.
const PAGE: usize = 100;

/// What a request may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// [`EventsPage::next`] of the page before; 0 for the oldest.
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// The routes; whoever comes here has shown the token.
pub fn router(events: Events) -> Router {
    Router::new().route("/v1/events", get(list)).route("/v1/events/kinds", get(kinds)).with_state(events)
}

async fn list(State(events): State<Events>, Query(cursor): Query<Cursor>) -> Json<EventsPage> {
    Json(events.page(cursor.after, cursor.limit.unwrap_or(PAGE)))
}

async fn kinds() -> Json<Vec<Kind>> {
    Json(KINDS.to_vec())
}
