//! The agent proper: Asterisk, the applier, the probes and the drain, put together. Does I/O.

use std::net::SocketAddr;
use std::sync::Arc;
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
use crate::events::Events;
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

/// Runs until SIGTERM has come and Asterisk has ended, and gives the exit code.
///
/// # Errors
/// When something that the agent cannot do without is missing.
pub async fn run(args: Args) -> Result<u8, WorkerError> {
    let mut stop = Stop::new()?;
    let control = Control::new(&args.run_dir);
    let source =
        Source { limits_dir: args.limits_dir.clone(), passwords_dir: args.passwords_dir.clone(), tls: args.tls() };
    let status = Shared::new(Status::starting());
    let secret = Secret::new(&mut rand::rng());
    let counts = Arc::<Applying>::default();
    let settings = args.settings(secret.clone());
    let recordings = Recordings::new(settings.directories.recordings());
    let applier = Applier::new(settings, source.clone(), control.clone(), status.clone(), Arc::clone(&counts));
    applier.prepare().await?;
    let listener = listen_on(args.listen).await?;
    let at_console = listen_on(args.console_listen).await?;
    let events = Events::open(&args.data_dir.join("events"));
    events.raise(SystemEvent::AgentStarted { version: env!("CARGO_PKG_VERSION").into() });
    let ami = Ami::start(ami::ADDRESS, secret);
    let (usage, tally) = (Arc::<UsageProbe>::default(), Tally::open(&args.run_dir));
    let consoles = Ports::default();

    tokio::spawn(bound::keep(recordings.clone(), status.clone()));
    let wall = Wall {
        config: args.config_dir.clone(),
        control: control.clone(),
        status: status.clone(),
        events: events.clone(),
    };
    tokio::spawn(wall.keep(ami.events()));
    let console = Console {
        door: Door::new(&args.passwords_dir, consoles.clone()),
        floor: Floor::start(ami.clone(), &status),
        ami: ami.clone(),
        status: status.clone(),
        patience: Patience::default(),
    };
    tokio::spawn(listen::serve(at_console, console));
    let observer = Observer {
        ami,
        control: control.clone(),
        status: status.clone(),
        events: events.clone(),
        tally: tally.clone(),
        usage: Arc::clone(&usage),
        data_dir: args.data_dir.clone(),
    };
    tokio::spawn(observer.listen());
    let answers = Answers {
        status: status.clone(),
        control: control.clone(),
        usage,
        tally,
        applying: counts,
        consoles,
        recordings,
        events: events.clone(),
        token: Token::among(&args.passwords_dir),
    };
    tokio::spawn(async move { axum::serve(listener, router(answers)).await });

    let supervisor = Supervisor {
        program: args.asterisk.clone(),
        config_dir: args.config_dir.clone(),
        preload: args.preload.clone(),
        status: status.clone(),
        events: events.clone(),
    };
    let watch = Watch::new(&watched(&source));
    let applying = tokio::spawn(apply(applier, watch, Duration::from_secs(args.poll_seconds), status.subscribe()));
    let running = supervisor.run(stop.asked()).await?;
    status.send_modify(|status| status.draining = true);
    applying.abort();
    let code = match running {
        None => 0,
        Some(mut asterisk) => {
            let ended = asterisk.drain(&control, args.drain(), stop.asked(), &events).await;
            exit_code(ended.map_err(system("cannot wait for Asterisk".into()))?)
        }
    };
    events.flush();
    Ok(code)
}

async fn listen_on(address: SocketAddr) -> Result<TcpListener, WorkerError> {
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
