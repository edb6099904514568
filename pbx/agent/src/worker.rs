//! The agent proper: Asterisk, the applier, the probes and the drain, put together. Does I/O.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pbx_contract::event::SystemEvent;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use crate::ami::{self, Ami, Secret};
use crate::applier::{Applier, ApplyError, watched};
use crate::args::Args;
use crate::console::{Console, Door, Floor, Patience, Ports, listen};
use crate::control::Control;
use crate::events::{Events, inbox};
use crate::http::{Answers, Token, router};
use crate::init::exit_code;
use crate::metrics::Applying;
use crate::observe::Observer;
use crate::recordings::{Recordings, bound};
use crate::source::Source;
use crate::status::{Shared, Status};
use crate::supervise::{SuperviseError, Supervisor};
use crate::tally::Tally;
use crate::throttle::wall::Wall;
use crate::usage::UsageProbe;
use crate::watch::Watch;

/// While Asterisk boots it is asked this often whether it has.
const BOOTING: Duration = Duration::from_millis(100);

/// Why the agent cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The first files could not be written.
    #[error("cannot write Asterisk's first files: {0}")]
    Prepare(#[from] ApplyError),
    /// Asterisk could not be kept running.
    #[error(transparent)]
    Supervise(#[from] SuperviseError),
    /// A signal handler, the listener or the child failed.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What came of it.
        error: std::io::Error,
    },
}

/// What the parts of the agent share.
#[derive(Clone)]
struct Common {
    control: Control,
    status: Shared,
    events: Events,
    tally: Tally,
    usage: Arc<UsageProbe>,
    applying: Arc<Applying>,
    consoles: Ports,
}

/// Runs until SIGTERM has come and Asterisk has ended, and gives the exit code.
///
/// # Errors
/// When something that the agent cannot do without is missing.
pub async fn run(args: Args) -> Result<u8, WorkerError> {
    let mut stop = Stop::new()?;
    let common = Common::new(&args);
    let Common { control, status, events, .. } = &common;
    events.raise(SystemEvent::AgentStarted { version: env!("CARGO_PKG_VERSION").into() });
    let source =
        Source { limits_dir: args.limits_dir.clone(), passwords_dir: args.passwords_dir.clone(), tls: args.tls() };
    let secret = Secret::new(&mut rand::rng());
    let settings = args.settings(secret.clone());
    let directory = settings.directories.recordings();
    let recordings = Recordings::new(directory.clone());
    let (watch, poll) = (Watch::new(&watched(&source)), Duration::from_secs(args.poll_seconds));
    let applier = Applier::new(settings, source, &common.control, status, &common.applying, events);
    applier.prepare().await?;
    common.answer(&args, recordings).await?;
    common.listen(&args, Ami::start(ami::ADDRESS, secret, args.event_backlog), directory).await?;

    let applying = tokio::spawn(apply(applier, watch, poll, status.subscribe()));
    let running = common.supervisor(&args).run(stop.asked()).await?;
    status.send_modify(|status| status.draining = true);
    applying.abort();
    let code = match running {
        None => 0,
        Some(mut asterisk) => {
            let ended = asterisk.drain(control, args.drain(), stop.asked(), events).await;
            exit_code(ended.map_err(system("cannot wait for Asterisk".into()))?)
        }
    };
    events.flush();
    Ok(code)
}

impl Common {
    fn new(args: &Args) -> Self {
        let consoles = Ports::default();
        let (events, tally) = (Events::open(&args.data_dir.join("events")), Tally::open(&args.run_dir));
        events.count_refusals(tally.clone());
        Self {
            control: Control::new(&args.run_dir),
            status: Shared::new(Status::starting()),
            events,
            tally,
            usage: Arc::new(UsageProbe::new(consoles.clone())),
            applying: Arc::default(),
            consoles,
        }
    }

    /// Starts what answers kubelet, operator and Prometheus, and keeps the bound on recordings.
    async fn answer(&self, args: &Args, recordings: Recordings) -> Result<(), WorkerError> {
        let listener = bind(args.listen).await?;
        tokio::spawn(bound::keep(recordings.clone(), self.status.clone(), self.events.clone()));
        let answers = Answers {
            status: self.status.clone(),
            control: self.control.clone(),
            usage: Arc::clone(&self.usage),
            tally: self.tally.clone(),
            applying: Arc::clone(&self.applying),
            recordings,
            events: self.events.clone(),
            silent: AtomicBool::default(),
            token: Token::among(&args.passwords_dir).telling(&self.events),
        };
        tokio::spawn(async move { axum::serve(listener, router(answers)).await });
        Ok(())
    }

    /// Starts what follows from what happens in Asterisk: events and peaks, the wall against guessers, the console.
    async fn listen(&self, args: &Args, ami: Ami, recordings: PathBuf) -> Result<(), WorkerError> {
        let at_console = bind(args.console_listen).await?;
        let (control, status, events) = (self.control.clone(), self.status.clone(), self.events.clone());
        let wall = Wall { config: args.config_dir.clone(), control, status, events };
        tokio::spawn(wall.keep(ami.events()));
        let observer = Observer {
            ami: ami.clone(),
            control: self.control.clone(),
            status: self.status.clone(),
            events: self.events.clone(),
            tally: self.tally.clone(),
            usage: Arc::clone(&self.usage),
            data_dir: args.data_dir.clone(),
            recordings,
        };
        tokio::spawn(observer.listen());
        let (run_dir, events) = (args.run_dir.clone(), self.events.clone());
        tokio::spawn(async move { inbox::listen(&run_dir, events).await });
        let console = Console {
            door: Door::new(&args.passwords_dir, self.consoles.clone()),
            floor: Floor::start(ami.clone(), &self.status),
            ami,
            status: self.status.clone(),
            events: self.events.clone(),
            tally: self.tally.clone(),
            patience: Patience::default(),
        };
        tokio::spawn(listen::serve(at_console, console));
        Ok(())
    }

    fn supervisor(&self, args: &Args) -> Supervisor {
        Supervisor {
            program: args.asterisk.clone(),
            config_dir: args.config_dir.clone(),
            preload: args.preload.clone(),
            status: self.status.clone(),
            events: self.events.clone(),
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, WorkerError> {
    TcpListener::bind(address).await.map_err(system(format!("cannot listen on {address}")))
}

/// A round after each change, each poll, and each end of Asterisk; fast ones until it is booted.
async fn apply(mut applier: Applier, mut watch: Watch, poll: Duration, mut status: Receiver<Status>) {
    loop {
        applier.round().await;
        if applier.is_waiting() {
            watch.changed_or(Instant::now() + BOOTING).await;
            continue;
        }
        tokio::select! {
            () = watch.changed_or(Instant::now() + poll) => {}
            _ = status.wait_for(|status| !status.booted) => {}
        }
    }
}

/// SIGTERM or SIGINT; a second one is in a hurry.
struct Stop {
    term: Signal,
    int: Signal,
}

impl Stop {
    fn new() -> Result<Self, WorkerError> {
        let listen = |kind| signal(kind).map_err(system("cannot listen for signals".into()));
        Ok(Self { term: listen(SignalKind::terminate())?, int: listen(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

fn system(what: String) -> impl FnOnce(std::io::Error) -> WorkerError {
    move |error| WorkerError::System { what, error }
}
