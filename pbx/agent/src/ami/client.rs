//! What the rest of the agent holds of the manager connection. Does I/O through the connection's task.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::connection::{self, Ends, Question};
use super::message::{Action, Event, Fields, Torn};
use super::secret::Secret;

/// The usual backlog: some thousand phones may register within a moment.
pub const BACKLOG: usize = 8192;
/// Questions that wait for being sent.
const QUESTIONS: usize = 64;
/// An idle Asterisk answers in a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);

/// The manager connection. Clones share it; it ends with the last one.
#[derive(Clone, Debug)]
pub struct Ami {
    questions: mpsc::Sender<Question>,
    events: broadcast::Sender<Arc<Event>>,
    link: watch::Receiver<Link>,
}

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not connected, or not logged in.
    Down,
    /// Logged in, for the so-manieth time.
    Up(u64),
}

/// What Asterisk answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The answer's own lines.
    pub fields: Fields,
    /// The rows, of an action that answers with a list.
    pub rows: Vec<Event>,
}

/// Why there is no answer, or a bad one.
#[derive(Debug, thiserror::Error)]
pub enum AmiError {
    /// Asterisk is away, or restarting.
    #[error("{0}: there is no connection to Asterisk's manager interface; it is being made anew")]
    Down(&'static str),
    /// It took too long.
    #[error("{action}: Asterisk's manager interface did not answer within {} s", PATIENCE.as_secs())]
    Late {
        /// What was asked.
        action: &'static str,
    },
    /// Asterisk refused.
    #[error("{action}: Asterisk says: {message}")]
    Refused {
        /// What was asked.
        action: &'static str,
        /// Its words.
        message: String,
    },
    /// A value that cannot be sent.
    #[error(transparent)]
    Torn(#[from] Torn),
}

impl Ami {
    /// Starts to connect, and goes on doing so as long as there is a clone. Needs a runtime.
    ///
    /// A receiver that is more than `backlog` events behind has lost some; at least 1.
    pub fn start(address: SocketAddr, secret: Secret, backlog: usize) -> Self {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (events, _) = broadcast::channel(backlog.max(1));
        let (state, link) = watch::channel(Link::Down);
        let ends = Ends { questions: asked, events: events.clone(), link: state };
        tokio::spawn(connection::keep(address, secret, ends));
        Self { questions, events, link }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// Whether there is a connection, as it changes.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Asks, and waits for the answer with all of its rows.
    ///
    /// # Errors
    /// When there is no connection, none in time, or Asterisk refuses.
    pub async fn request(&self, action: Action) -> Result<Answer, AmiError> {
        let name = action.name();
        action.encode("0")?;
        if *self.link.borrow() == Link::Down {
            return Err(AmiError::Down(name));
        }
        let (answer, answered) = oneshot::channel();
        let exchange = async {
            self.questions.send(Question { action, answer }).await.map_err(|_| AmiError::Down(name))?;
            answered.await.map_err(|_| AmiError::Down(name))
        };
        let (response, rows) = timeout(PATIENCE, exchange).await.map_err(|_| AmiError::Late { action: name })??;
        if response.success {
            return Ok(Answer { fields: response.fields, rows });
        }
        let message = response.fields.get("Message").unwrap_or("no reason").to_owned();
        Err(AmiError::Refused { action: name, message })
    }
}
