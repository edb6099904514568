//! The bearer token of the agent's protected paths. Does I/O (a file).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use pbx_contract::secret;
use subtle::ConstantTimeEq as _;

/// The token as it is mounted; a new one counts from the next request on.
#[derive(Clone, Debug)]
pub struct Token(Arc<Path>);

impl Token {
    /// The one among these passwords.
    pub fn among(passwords: &Path) -> Self {
        let path: PathBuf = passwords.join(secret::AGENT_TOKEN);
        Self(path.into())
    }

    /// Without a token nobody is let in.
    async fn lets_in(&self, headers: &HeaderMap) -> bool {
        let Ok(token) = tokio::fs::read(&self.0).await else { return false };
        let token = token.trim_ascii_end();
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        !token.is_empty() && given.is_some_and(|given| given.ct_eq(token).into())
    }
}

/// 401 for whoever does not have it.
pub async fn required(State(token): State<Token>, request: Request, next: Next) -> Response {
    if token.lets_in(request.headers()).await {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], "the agent's bearer token is needed\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearing(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[tokio::test]
    async fn only_the_whole_token_lets_in() {
        let dir = tempfile::tempdir().unwrap();
        let token = Token::among(dir.path());
        assert!(!token.lets_in(&bearing("Bearer ")).await, "without a token nobody is let in");
        std::fs::write(dir.path().join("agent.token"), "s3cret\n").unwrap();
        assert!(token.lets_in(&bearing("Bearer s3cret")).await);
        for wrong in ["Bearer s3cre", "Bearer s3cret1", "Bearer ", "s3cret", "Basic s3cret", "bearer"] {
            assert!(!token.lets_in(&bearing(wrong)).await, "{wrong}");
        }
        assert!(!token.lets_in(&HeaderMap::new()).await);
        std::fs::write(dir.path().join("agent.token"), "\n").unwrap();
        assert!(!token.lets_in(&bearing("Bearer ")).await, "an empty token is none");
    }
}
