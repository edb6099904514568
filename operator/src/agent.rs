//! Asks the agent in a PBX pod what it does. I/O: HTTP to the pod.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use pbx_contract::{AGENT_PORT, AgentStatus};
use reqwest::{Response, redirect::Policy};

/// A pod that does not answer within this is asked again later; a reconcile must not hang on it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// More than any status needs. The image in the pod may be a reseller's own, and must not fill this process's memory.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A client for all agents.
#[derive(Clone, Debug)]
pub struct Agents(reqwest::Client);

/// Why an agent's state is not known.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The client could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    /// The pod did not answer, or not with a status.
    #[error("the agent at {address} gave no status: {source}")]
    NoStatus {
        /// The pod.
        address: IpAddr,
        /// Why not.
        source: reqwest::Error,
    },
    /// The pod answered too much.
    #[error("the agent at {address} answered more than {LONGEST_ANSWER} bytes")]
    TooLong {
        /// The pod.
        address: IpAddr,
    },
    /// The pod answered something else than a status.
    #[error("the agent at {address} answered no status: {source}")]
    NotAStatus {
        /// The pod.
        address: IpAddr,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Agents {
    /// A client for all agents.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new() -> Result<Self, AgentError> {
        // A pod answers for itself: it must not send the operator elsewhere.
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().redirect(Policy::none());
        client.build().map(Self).map_err(AgentError::Client)
    }

    /// What the PBX in the pod does now.
    ///
    /// # Errors
    /// When the pod does not answer with a status in time.
    pub async fn status(&self, address: IpAddr) -> Result<AgentStatus, AgentError> {
        self.status_at(SocketAddr::new(address, AGENT_PORT)).await
    }

    async fn status_at(&self, agent: SocketAddr) -> Result<AgentStatus, AgentError> {
        let address = agent.ip();
        let answer = self.0.get(format!("http://{agent}/v1/status")).send().await;
        let answer = answer.and_then(Response::error_for_status);
        let body = read(answer.map_err(|source| AgentError::NoStatus { address, source })?, address).await?;
        serde_json::from_slice(&body).map_err(|source| AgentError::NotAStatus { address, source })
    }
}

async fn read(mut answer: Response, address: IpAddr) -> Result<Vec<u8>, AgentError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|source| AgentError::NoStatus { address, source })? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(AgentError::TooLong { address });
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use axum::{Router, response::Redirect, routing::get};

    use super::*;

    async fn asked(router: Router) -> Result<AgentStatus, AgentError> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Agents::new().unwrap().status_at(address).await
    }

    fn status() -> String {
        serde_json::to_string(&AgentStatus::default()).unwrap()
    }

    #[tokio::test]
    async fn a_status_is_read() {
        let router = Router::new().route("/v1/status", get(|| async { status() }));
        assert_eq!(asked(router).await.unwrap(), AgentStatus::default());
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let router = Router::new().route("/v1/status", get(|| async { status() + &" ".repeat(10_000_000) }));
        assert!(matches!(asked(router).await, Err(AgentError::TooLong { .. })));
    }

    #[tokio::test]
    async fn an_agent_cannot_send_the_operator_elsewhere() {
        let elsewhere = Router::new().route("/elsewhere", get(|| async { status() }));
        let router = elsewhere.route("/v1/status", get(|| async { Redirect::temporary("/elsewhere") }));
        assert!(matches!(asked(router).await, Err(AgentError::NotAStatus { .. })));
    }
}
