//! The connection's task: connects, logs in, sends questions, tells events, and begins anew when it ends. Does I/O (a socket).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::client::Link;
use super::message::{Action, Event, Message, Parser, Response};
use super::{Secret, USER};

/// The first pause before it is tried again; each one is twice the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The PBX is not ready meanwhile, and a try costs nothing.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Asterisk listens before it is booted, and answers once it is.
const LOGIN_LIMIT: Duration = Duration::from_secs(20);
/// The rows of one answer; a list of 3000 extensions fits in.
const ROWS: usize = 10_000;
/// Questions whose answers are awaited at one time; who has given up leaves one behind.
const PENDING: usize = 1024;

/// An answer with its rows.
type Complete = (Response, Vec<Event>);

/// Somebody waits for an answer.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) action: Action,
    pub(super) answer: oneshot::Sender<Complete>,
}

/// The task's ends of the client's channels.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) events: broadcast::Sender<Arc<Event>>,
    pub(super) link: watch::Sender<Link>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{0}")]
    Socket(#[from] std::io::Error),
    #[error("Asterisk has closed the connection")]
    Closed,
    #[error("Asterisk did not answer the login in time")]
    Late,
    #[error("Asterisk refused the login")]
    Refused,
    #[error("the login cannot be written")]
    Login,
    /// The last client has gone: nobody asks, nobody listens.
    #[error("nobody uses it any more")]
    Unused,
}

/// Connects again and again, until nobody uses it.
pub(super) async fn keep(address: SocketAddr, secret: Secret, mut ends: Ends) {
    let (mut pause, mut logins) = (FIRST_PAUSE, 0);
    loop {
        let lost = match timeout(LOGIN_LIMIT, Connection::open(address, &secret)).await.unwrap_or(Err(Lost::Late)) {
            Ok(connection) => {
                logins += 1;
                pause = FIRST_PAUSE;
                ends.link.send_replace(Link::Up(logins));
                let lost = connection.serve(&mut ends).await;
                ends.link.send_replace(Link::Down);
                tracing::warn!(reason = %lost, "the connection to Asterisk's manager interface is lost");
                lost
            }
            Err(lost) => lost,
        };
        tracing::debug!(reason = %lost, ?pause, "no connection to Asterisk's manager interface");
        tokio::select! {
            () = refuse(&mut ends.questions) => return,
            () = sleep(pause) => {}
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Without a connection each question ends at once. Returns when nobody can ask any more.
async fn refuse(questions: &mut mpsc::Receiver<Question>) {
    while let Some(question) = questions.recv().await {
        drop(question);
    }
}

struct Connection {
    stream: TcpStream,
    octets: Vec<u8>,
    parser: Parser,
    pending: HashMap<String, Pending>,
    asked: u64,
}

struct Pending {
    answer: oneshot::Sender<Complete>,
    response: Option<Response>,
    rows: Vec<Event>,
}

impl Connection {
    async fn open(address: SocketAddr, secret: &Secret) -> Result<Self, Lost> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (octets, parser) = (vec![0; 16 << 10], Parser::default());
        let mut connection = Self { stream, octets, parser, pending: HashMap::new(), asked: 0 };
        let login = Action::new("Login").with("Username", USER).with("Secret", secret.reveal());
        connection.stream.write_all(login.encode("login").map_err(|_| Lost::Login)?.as_bytes()).await?;
        loop {
            while let Some(message) = connection.parser.take() {
                match message {
                    Message::Response(response) if response.success => return Ok(connection),
                    Message::Response(_) => return Err(Lost::Refused),
                    Message::Event(_) => {}
                }
            }
            connection.read().await?;
        }
    }

    /// May be dropped at any moment: nothing is lost by it.
    async fn read(&mut self) -> Result<(), Lost> {
        match self.stream.read(&mut self.octets).await? {
            0 => Err(Lost::Closed),
            length => {
                self.parser.push(&self.octets[..length]);
                Ok(())
            }
        }
    }

    /// Until it is lost. Who waits for an answer then is told by the end of the channel.
    async fn serve(mut self, ends: &mut Ends) -> Lost {
        loop {
            while let Some(message) = self.parser.take() {
                self.take(message, &ends.events);
            }
            let outcome = tokio::select! {
                outcome = self.read() => outcome,
                question = ends.questions.recv() => match question {
                    Some(question) => self.ask(question).await,
                    None => Err(Lost::Unused),
                },
            };
            if let Err(lost) = outcome {
                return lost;
            }
        }
    }

    async fn ask(&mut self, Question { action, answer }: Question) -> Result<(), Lost> {
        self.asked += 1;
        let id = self.asked.to_string();
        self.pending.retain(|_, pending| !pending.answer.is_closed());
        if let (Ok(wire), true) = (action.encode(&id), self.pending.len() < PENDING) {
            self.pending.insert(id, Pending { answer, response: None, rows: Vec::new() });
            self.stream.write_all(wire.as_bytes()).await?;
        }
        Ok(())
    }

    /// A row of an answer bears the question's number, as the answer does; all else is news.
    fn take(&mut self, message: Message, events: &broadcast::Sender<Arc<Event>>) {
        let fields = match &message {
            Message::Event(event) => &event.fields,
            Message::Response(response) => &response.fields,
        };
        let id = fields.get("ActionID").filter(|id| self.pending.contains_key(*id)).map(str::to_owned);
        match (message, id) {
            (Message::Event(event), None) => {
                // Nobody may be listening.
                let _ = events.send(Arc::new(event));
            }
            (Message::Response(_), None) => {}
            (Message::Response(response), Some(id)) => self.answer(&id, response),
            (Message::Event(event), Some(id)) => self.row(&id, event),
        }
    }

    fn answer(&mut self, id: &str, response: Response) {
        let begins = response.fields.get("EventList").is_some_and(|list| list.eq_ignore_ascii_case("start"));
        if let Some(pending) = self.pending.get_mut(id) {
            pending.response = Some(response);
        }
        if !begins {
            self.complete(id);
        }
    }

    fn row(&mut self, id: &str, event: Event) {
        let ends = event.get("EventList").is_some_and(|list| list.eq_ignore_ascii_case("complete"));
        if let Some(pending) = self.pending.get_mut(id).filter(|pending| !ends && pending.rows.len() < ROWS) {
            pending.rows.push(event);
        }
        if ends {
            self.complete(id);
        }
    }

    fn complete(&mut self, id: &str) {
        if let Some(Pending { answer, response: Some(response), rows }) = self.pending.remove(id) {
            // Who asked may have given up.
            let _ = answer.send((response, rows));
        }
    }
}

#[cfg(test)]
mod tests;
