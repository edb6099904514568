//! One connection, from its login to its end. Does I/O (a WebSocket).

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use pbx_contract::Usage;
use pbx_contract::event::SystemEvent;
use pbx_contract::{BargeMode, ConsoleAction, ConsoleMessage, ConsoleRefusal, ConsoleRequest, ConsoleState};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::door::{Admitted, Claim};
use super::floor::{Paused, Presence};
use super::roles::Roles;
use super::view::view;
use super::{Console, barge};
use crate::wanted::Wanted;

/// Requests within [`WINDOW`].
const REQUESTS: u32 = 30;
const WINDOW: Duration = Duration::from_secs(10);
/// The longest reason of a pause, in characters.
const REASON_MAX: usize = 64;

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The other side has gone, or takes nothing.
    Gone,
    /// It is told why.
    Refused(Option<u32>, ConsoleRefusal),
}

/// Serves a connection to its end. `settled` is called when it is logged in.
pub async fn serve(console: Console, mut socket: WebSocket, source: IpAddr, settled: impl FnOnce()) {
    let end = match login(&console, &mut socket, source).await {
        Ok((id, extension, admitted)) => {
            settled();
            let events = console.events.clone();
            console.tally.used(&Usage { consoles: console.door.ports().taken(), ..Usage::default() });
            events.raise(SystemEvent::ConsoleConnected { extension: (&extension).into() });
            let end = Session::new(console, socket, extension.clone(), admitted).run(id).await;
            events.raise(SystemEvent::ConsoleDisconnected { extension: (&extension).into() });
            return tracing::debug!(extension, ?end, "a console is gone");
        }
        Err(end) => end,
    };
    tracing::debug!(%source, ?end, "a console was not let in");
    bid_farewell(&mut socket, console.patience.send, end).await;
}

/// The first message is the login.
async fn login(console: &Console, socket: &mut WebSocket, source: IpAddr) -> Result<(u32, String, Admitted), End> {
    let late = |_| End::Refused(None, ConsoleRefusal::Late);
    let request = timeout(console.patience.login, request(socket)).await.map_err(late)??;
    let id = request.id;
    let refused = |why| End::Refused(Some(id), why);
    let ConsoleAction::Login { extension, password } = request.action else {
        return Err(refused(ConsoleRefusal::WrongCredentials));
    };
    let wanted = wanted(console).ok_or(refused(ConsoleRefusal::NotReady))?;
    let claim = Claim { source, extension: &extension, password: &password };
    let admitted = console.door.admit(&claim, &wanted).await;
    let admitted = admitted.inspect_err(|why| tell(console, &claim, *why, &wanted)).map_err(refused)?;
    Ok((id, extension, admitted))
}

/// Refusals that somebody should know of.
fn tell(console: &Console, claim: &Claim<'_>, why: ConsoleRefusal, wanted: &Wanted) {
    let (extension, source) = (claim.extension.into(), claim.source);
    match why {
        ConsoleRefusal::NoFreePort => {
            console.tally.refused("CallCenter");
            console.events.raise(SystemEvent::ConsoleFull { extension, limit: wanted.limits.call_center });
        }
        // One that is blocked is no news: its failures were.
        ConsoleRefusal::TooManyFailures => {}
        _ => console.events.raise(SystemEvent::ConsoleLoginRefused { extension, source }),
    }
}

/// The next text, as a request.
async fn request(socket: &mut WebSocket) -> Result<ConsoleRequest, End> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return parse(text.as_str()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            // Octets, or too long, or no WebSocket any more.
            Some(Ok(Message::Binary(_)) | Err(_)) => return Err(End::Refused(None, ConsoleRefusal::Malformed)),
        }
    }
}

fn parse(text: &str) -> Result<ConsoleRequest, End> {
    serde_json::from_str(text).map_err(|_| End::Refused(None, ConsoleRefusal::Malformed))
}

fn wanted(console: &Console) -> Option<Arc<Wanted>> {
    console.status.borrow().applied.as_ref().map(|applied| Arc::clone(&applied.wanted))
}

struct Session {
    console: Console,
    socket: WebSocket,
    extension: String,
    admitted: Admitted,
    /// Of an agent: as long as it lives, its queues' calls go to it.
    presence: Option<Presence>,
    shown: Option<ConsoleState>,
    requests: (Instant, u32),
    heard: Instant,
    barging: bool,
}

impl Session {
    fn new(console: Console, socket: WebSocket, extension: String, admitted: Admitted) -> Self {
        let (requests, heard) = ((Instant::now(), 0), Instant::now());
        Self { console, socket, extension, admitted, presence: None, shown: None, requests, heard, barging: false }
    }

    async fn run(mut self, login: u32) -> End {
        let Err(end) = self.talk(login).await;
        // The agent's calls and the port do not wait for the farewell.
        let Self { console, mut socket, admitted, presence, .. } = self;
        drop((admitted, presence));
        bid_farewell(&mut socket, console.patience.send, end).await
    }

    async fn talk(&mut self, login: u32) -> Result<Infallible, End> {
        let (mut reading, mut status) = (self.console.floor.reading(), self.console.status.subscribe());
        let (outcomes, mut outcome) = mpsc::channel(1);
        let mut ping = interval(self.console.patience.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.welcome(Some(login)).await?;
        self.show().await?;
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    self.heard = Instant::now();
                    self.take(message, &outcomes).await?;
                }
                Some(message) = outcome.recv() => {
                    self.barging = false;
                    self.say(&message).await?;
                }
                changed = reading.changed() => {
                    changed.map_err(|_| End::Gone)?;
                    self.show().await?;
                }
                changed = status.changed() => {
                    changed.map_err(|_| End::Gone)?;
                    self.review().await?;
                }
                _ = ping.tick() => self.ping().await?,
            }
        }
    }

    async fn take(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        outcomes: &mpsc::Sender<ConsoleMessage>,
    ) -> Result<(), End> {
        match message {
            Some(Ok(Message::Text(text))) => {
                self.count()?;
                let request = parse(text.as_str())?;
                self.obey(request, outcomes).await
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_)) | Err(_)) => Err(End::Refused(None, ConsoleRefusal::Malformed)),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        }
    }

    fn count(&mut self) -> Result<(), End> {
        let (since, count) = &mut self.requests;
        if since.elapsed() >= WINDOW {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        if *count > REQUESTS { Err(End::Refused(None, ConsoleRefusal::TooManyRequests)) } else { Ok(()) }
    }

    async fn obey(&mut self, request: ConsoleRequest, outcomes: &mpsc::Sender<ConsoleMessage>) -> Result<(), End> {
        let id = request.id;
        let done = match request.action {
            ConsoleAction::Login { .. } => Err(ConsoleRefusal::AlreadyLoggedIn),
            ConsoleAction::Pause { extension, reason } => {
                self.pause(extension, Some(readable(&reason.unwrap_or_default()))).await
            }
            ConsoleAction::Resume { extension } => self.pause(extension, None).await,
            ConsoleAction::Barge { extension, mode } => self.barge(id, extension, mode, outcomes).await,
        };
        match done {
            Ok(()) => self.say(&ConsoleMessage::Done { id }).await,
            Err(code) => self.say(&refusal(Some(id), code)).await,
        }
    }

    async fn pause(&mut self, extension: Option<String>, reason: Option<String>) -> Result<(), ConsoleRefusal> {
        let agent = extension.as_deref().unwrap_or(&self.extension);
        let own = agent == self.extension && !self.admitted.roles.agent_of.is_empty();
        if !own && !self.supervises(agent) {
            return Err(ConsoleRefusal::NotAllowed);
        }
        match self.console.floor.pause(agent, reason).await {
            Paused::Done => Ok(()),
            Paused::NotConnected => Err(ConsoleRefusal::NotConnected),
            Paused::Failed => Err(ConsoleRefusal::Failed),
        }
    }

    /// Into calls of the supervisor's own queues alone: what else an agent speaks of is its own affair.
    async fn barge(
        &mut self,
        id: u32,
        agent: String,
        mode: BargeMode,
        outcomes: &mpsc::Sender<ConsoleMessage>,
    ) -> Result<(), ConsoleRefusal> {
        if agent == self.extension || !self.supervises(&agent) {
            return Err(ConsoleRefusal::NotAllowed);
        }
        if self.barging {
            return Err(ConsoleRefusal::Busy);
        }
        let queues = &self.admitted.roles.supervisor_of;
        if !self.console.floor.reading().borrow().in_call(&agent, queues.iter()) {
            return Err(ConsoleRefusal::NoCall);
        }
        let ringing = barge::ring(&self.console.ami, &self.extension, &agent, mode, queues).await.map_err(|error| {
            tracing::warn!(%error, "a supervisor could not be let into a call");
            ConsoleRefusal::Failed
        })?;
        self.barging = true;
        let (outcomes, events, supervisor) = (outcomes.clone(), self.console.events.clone(), self.extension.clone());
        tokio::spawn(async move {
            let answered = ringing.answered().await;
            if answered {
                let (supervisor, agent, mode) = (supervisor.into(), (&agent).into(), barge::context(mode).into());
                events.raise(SystemEvent::BargeStarted { supervisor, agent, mode });
            }
            // The console may have gone.
            let _ = outcomes.send(ConsoleMessage::Barge { id, extension: agent, answered }).await;
        });
        Ok(())
    }

    fn supervises(&self, agent: &str) -> bool {
        wanted(&self.console).is_some_and(|wanted| self.admitted.roles.supervises(agent, &wanted))
    }

    /// The limits may have changed. A number of ports that has fallen cuts nobody off; a role that is lost does.
    async fn review(&mut self) -> Result<(), End> {
        let Some(wanted) = wanted(&self.console) else { return Ok(()) };
        let roles = Roles::of(&self.extension, &wanted);
        if roles.is_none() {
            return Err(End::Refused(None, ConsoleRefusal::NoRole));
        }
        if roles != self.admitted.roles {
            self.admitted.roles = roles;
            self.welcome(None).await?;
        }
        self.show().await
    }

    async fn welcome(&mut self, id: Option<u32>) -> Result<(), End> {
        let Roles { agent_of, supervisor_of } = self.admitted.roles.clone();
        match (&self.presence, agent_of.is_empty()) {
            (None, false) => self.presence = Some(self.console.floor.come(&self.extension)),
            (Some(_), true) => self.presence = None,
            _ => {}
        }
        self.say(&ConsoleMessage::Welcome { id, extension: self.extension.clone(), agent_of, supervisor_of }).await
    }

    async fn show(&mut self) -> Result<(), End> {
        let Some(wanted) = wanted(&self.console) else { return Ok(()) };
        let state = view(&self.console.floor.reading().borrow(), &wanted, &self.admitted.roles);
        if self.shown.as_ref() == Some(&state) {
            return Ok(());
        }
        self.shown = Some(state.clone());
        self.say(&ConsoleMessage::State(state)).await
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard.elapsed() >= self.console.patience.silence {
            return Err(End::Gone);
        }
        let limit = self.console.patience.send;
        send(&mut self.socket, limit, Message::Ping(Bytes::new())).await
    }

    async fn say(&mut self, message: &ConsoleMessage) -> Result<(), End> {
        say(&mut self.socket, self.console.patience.send, message).await
    }
}

async fn say(socket: &mut WebSocket, limit: Duration, message: &ConsoleMessage) -> Result<(), End> {
    let text = serde_json::to_string(message).map_err(|_| End::Gone)?;
    send(socket, limit, Message::Text(text.into())).await
}

async fn send(socket: &mut WebSocket, limit: Duration, message: Message) -> Result<(), End> {
    timeout(limit, socket.send(message)).await.ok().and_then(Result::ok).ok_or(End::Gone)
}

/// Says why, and closes. The other side may be gone.
async fn bid_farewell(socket: &mut WebSocket, limit: Duration, end: End) -> End {
    if let End::Refused(id, code) = &end {
        let _ = say(socket, limit, &refusal(*id, *code)).await;
        let frame = CloseFrame { code: close_code::POLICY, reason: words(*code).into() };
        let _ = send(socket, limit, Message::Close(Some(frame))).await;
    }
    end
}

fn refusal(id: Option<u32>, code: ConsoleRefusal) -> ConsoleMessage {
    ConsoleMessage::Refused { id, code, message: words(code).to_owned() }
}

/// At most 123 octets, as a WebSocket's farewell has them (RFC 6455, section 5.5).
const fn words(code: ConsoleRefusal) -> &'static str {
    match code {
        ConsoleRefusal::Malformed => "this is no request of the console's contract, or too long",
        ConsoleRefusal::WrongCredentials => "log in first, with an extension and its console password",
        ConsoleRefusal::TooManyFailures => "too many failed logins from this address; wait and try again",
        ConsoleRefusal::TooManyRequests => "too many requests; at most 30 in 10 seconds",
        ConsoleRefusal::NoRole => "this extension is neither agent nor supervisor of a queue, or it is disabled",
        ConsoleRefusal::NoFreePort => "all ports of the call centre are taken; close another console, or order more",
        ConsoleRefusal::Late => "no login came within 10 seconds",
        ConsoleRefusal::NotReady => "the PBX is starting; try again in a moment",
        ConsoleRefusal::AlreadyLoggedIn => "this connection is logged in; open another one",
        ConsoleRefusal::NotAllowed => "only an agent itself and a supervisor of its queues may do this",
        ConsoleRefusal::NotConnected => "this agent has no console connected",
        ConsoleRefusal::NoCall => "this agent has no call of a queue that you watch over",
        ConsoleRefusal::Busy => "your telephone still rings for the barge before",
        ConsoleRefusal::Failed => "Asterisk did not do it; try again",
    }
}

/// One line that can be shown: what a reason is to others.
fn readable(reason: &str) -> String {
    let line: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(REASON_MAX).collect()
}
