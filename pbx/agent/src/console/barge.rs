//! A supervisor's telephone in an agent's call. Does I/O (asks Asterisk).

use std::sync::Arc;
use std::time::Duration;

use pbx_contract::BargeMode;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::reading::interface;
use crate::ami::{Action, Ami, AmiError, Event};
use crate::render::call_centre::{JOIN, LISTEN, QUEUES_VARIABLE, WHISPER};

/// How long the supervisor's telephone rings.
const RING: Duration = Duration::from_secs(30);
/// Asterisk says what came of it within this.
const OUTCOME: Duration = Duration::from_secs(40);

/// A telephone that rings.
#[derive(Debug)]
pub struct Ringing {
    events: broadcast::Receiver<Arc<Event>>,
    channel: String,
    context: &'static str,
    agent: String,
}

/// Rings the supervisor, who will hear the agent's call as long as it is one of these queues.
///
/// # Errors
/// When Asterisk refuses.
pub async fn ring(
    ami: &Ami,
    supervisor: &str,
    agent: &str,
    mode: BargeMode,
    queues: &[String],
) -> Result<Ringing, AmiError> {
    // Before it is asked for: the outcome may come at once.
    let events = ami.events();
    let (channel, context) = (interface(supervisor), context(mode));
    let action = Action::new("Originate")
        .with("Channel", &channel)
        .with("Context", context)
        .with("Exten", agent)
        .with("Priority", "1")
        .with("CallerID", format!("<{agent}>"))
        .with("Variable", format!("{QUEUES_VARIABLE}={}", queues.join(":")))
        .with("Timeout", RING.as_millis().to_string())
        .with("Async", "true");
    ami.request(action).await?;
    Ok(Ringing { events, channel, context, agent: agent.to_owned() })
}

impl Ringing {
    /// Whether it was answered.
    pub async fn answered(mut self) -> bool {
        timeout(OUTCOME, self.outcome()).await.unwrap_or(false)
    }

    async fn outcome(&mut self) -> bool {
        loop {
            match self.events.recv().await {
                Ok(event) if self.is_told_by(&event) => return event.get("Response") == Some("Success"),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return false,
            }
        }
    }

    /// One that failed has no channel yet, so that it is known by what was asked for.
    fn is_told_by(&self, event: &Event) -> bool {
        let channel = event.get("Channel").and_then(|channel| channel.strip_prefix(self.channel.as_str()));
        event.name == "OriginateResponse"
            && channel.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            && event.get("Context") == Some(self.context)
            && event.get("Exten") == Some(self.agent.as_str())
    }
}

/// The context in the dialplan.
pub const fn context(mode: BargeMode) -> &'static str {
    match mode {
        BargeMode::Listen => LISTEN,
        BargeMode::Whisper => WHISPER,
        BargeMode::Join => JOIN,
    }
}
