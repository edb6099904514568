//! `/v1/recordings`: list, fetch, delete. Does I/O (files).

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use pbx_contract::RecordingsPage;
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use crate::recordings::{Name, Recordings, RecordingsError};

/// How many a page has when the request does not say.
const PAGE: usize = 100;

/// What a request for a page may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    /// [`RecordingsPage::next`] of the page before.
    before: Option<String>,
    limit: Option<usize>,
}

/// The routes; whoever comes here has shown the token.
pub fn router(recordings: Recordings) -> Router {
    Router::new()
        .route("/v1/recordings", get(list))
        .route("/v1/recordings/{name}", get(fetch).delete(delete))
        .with_state(recordings)
}

async fn list(State(recordings): State<Recordings>, Query(page): Query<Page>) -> Result<Json<RecordingsPage>, Failure> {
    let limit = page.limit.unwrap_or(PAGE);
    Ok(Json(blocking(move || recordings.page(page.before.as_deref(), limit)).await?))
}

/// Ranges and conditions are answered as RFC 9110 says.
async fn fetch(
    State(recordings): State<Recordings>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let name = Name::parse(&name).ok_or(RecordingsError::Unknown)?;
    let path = blocking(move || recordings.readable(&name)).await?;
    let Ok(mut response) = ServeFile::new(path).oneshot(request).await.map(IntoResponse::into_response);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn delete(State(recordings): State<Recordings>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    let name = Name::parse(&name).ok_or(RecordingsError::Unknown)?;
    let shown = name.clone();
    blocking(move || recordings.delete(&name)).await?;
    tracing::info!(name = shown.as_str(), "a recording was deleted on request");
    Ok(StatusCode::NO_CONTENT)
}

/// What is answered when it cannot be done.
#[derive(Debug)]
struct Failure(RecordingsError);

impl From<RecordingsError> for Failure {
    fn from(error: RecordingsError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let code = match &self.0 {
            RecordingsError::Unknown => StatusCode::NOT_FOUND,
            RecordingsError::InProgress => StatusCode::CONFLICT,
            RecordingsError::Io { .. } => {
                tracing::error!(error = %self.0, "a request for recordings failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (code, Json(serde_json::json!({ "error": self.0.to_string() }))).into_response()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RecordingsError> + Send + 'static,
) -> Result<T, RecordingsError> {
    let cut = |error: tokio::task::JoinError| RecordingsError::Io {
        what: "finish the work on",
        path: "recordings".into(),
        error: error.into(),
    };
    tokio::task::spawn_blocking(work).await.map_err(cut)?
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::response::Response;
    use http_body_util::BodyExt as _;
    use rstest::rstest;

    use super::super::token::{Token, required};
    use super::*;

    const NAME: &str = "20261127T201923Z-101-102-102-ecqx-1.1.wav";

    struct Pbx {
        dir: tempfile::TempDir,
        router: Router,
    }

    fn pbx() -> Pbx {
        let dir = tempfile::tempdir().unwrap();
        let recorded = dir.path().join("recordings");
        std::fs::create_dir(&recorded).unwrap();
        std::fs::write(recorded.join(NAME), "0123456789").unwrap();
        std::fs::write(dir.path().join("agent.token"), "t0ken\n").unwrap();
        let token = Token::among(dir.path());
        let router = router(Recordings::new(recorded)).route_layer(from_fn_with_state(token, required));
        Pbx { dir, router }
    }

    impl Pbx {
        async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        }

        async fn ask_as_known(&self, method: &str, path: &str) -> Response {
            self.ask(method, path, &[("authorization", "Bearer t0ken")]).await
        }
    }

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn without_the_token_nothing_is_told_fetched_or_deleted() {
        let pbx = pbx();
        let one = format!("/v1/recordings/{NAME}");
        for (method, path) in [("GET", "/v1/recordings"), ("GET", &one), ("HEAD", &one), ("DELETE", &one)] {
            assert_eq!(pbx.ask(method, path, &[]).await.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        }
        assert!(pbx.dir.path().join("recordings").join(NAME).exists());
    }

    #[tokio::test]
    async fn a_page_is_json_and_a_wrong_question_is_refused() {
        let pbx = pbx();
        let page = text(pbx.ask_as_known("GET", "/v1/recordings?limit=1").await).await;
        let page: RecordingsPage = serde_json::from_str(&page).unwrap();
        assert_eq!((page.recordings[0].name.as_str(), page.count, page.bytes, page.next), (NAME, 1, 10, None));
        for wrong in ["limit=-1", "limit=many", "page=2"] {
            let response = pbx.ask_as_known("GET", &format!("/v1/recordings?{wrong}")).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_recording_is_fetched_whole_or_by_range() {
        let pbx = pbx();
        let one = format!("/v1/recordings/{NAME}");
        let whole = pbx.ask_as_known("GET", &one).await;
        assert_eq!(whole.headers()["content-type"], "audio/wav");
        assert_eq!(text(whole).await, "0123456789");
        let known = ("authorization", "Bearer t0ken");
        let part = pbx.ask("GET", &one, &[known, ("range", "bytes=3-5")]).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.headers()["content-range"], "bytes 3-5/10");
        assert_eq!(text(part).await, "345");
        let beyond = pbx.ask("GET", &one, &[known, ("range", "bytes=10-")]).await;
        assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    }

    #[tokio::test]
    async fn a_deleted_recording_is_gone_and_one_in_progress_stays() {
        let pbx = pbx();
        let (one, path) = (format!("/v1/recordings/{NAME}"), pbx.dir.path().join("recordings").join(NAME));
        let writer = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        assert_eq!(pbx.ask_as_known("DELETE", &one).await.status(), StatusCode::CONFLICT);
        drop(writer);
        assert_eq!(pbx.ask_as_known("DELETE", &one).await.status(), StatusCode::NO_CONTENT);
        assert!(!path.exists());
        for method in ["GET", "DELETE"] {
            assert_eq!(pbx.ask_as_known(method, &one).await.status(), StatusCode::NOT_FOUND);
        }
    }

    #[rstest]
    #[case("../agent.token")]
    #[case("..%2fagent.token")]
    #[case("%2e%2e%2fagent.token")]
    #[case("..%5cagent.token")]
    #[case("%2fetc%2fpasswd")]
    #[case("..")]
    #[case("%2e%2e")]
    #[case("20261127T201923Z-..%2f..%2fagent.wav")]
    #[case("20261127T201923Z-1.wav%00")]
    #[case("20261127T201923Z-%ff.wav")]
    #[tokio::test]
    async fn no_name_leads_out_of_the_directory(#[case] name: &str) {
        let pbx = pbx();
        for method in ["GET", "DELETE"] {
            let response = pbx.ask_as_known(method, &format!("/v1/recordings/{name}")).await;
            assert!(response.status().is_client_error(), "{method} {name}: {}", response.status());
        }
        assert!(pbx.dir.path().join("agent.token").exists());
    }
}
