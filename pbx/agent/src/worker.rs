//! The agent proper: Asterisk, the applier, the probes and the drain, put together. Does I/O.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::ami::{self, Ami, Secret};
use crate::applier::{Applier, ApplyError, watched};
use crate::args::Args;
use crate::asterisk::{Asterisk, StartError};
use crate::console::{Console, Door, Floor, Patience, Ports, listen};
use crate::control::Control;
use crate::http::{Answers, Token, router};
use crate::init::exit_code;
use crate::recordings::{Recordings, bound};
use crate::source::Source;
use crate::status::{Shared, Status};
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
    /// Asterisk could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A signal handler, the listener or the child failed.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What came of it.
        error: std::io::Error,
    },
}

/// Runs until Asterisk has ended, by itself or because SIGTERM came, and gives the exit code.
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
    let applier = Applier::new(args.settings(secret.clone()), source.clone(), control.clone(), status.clone());
    applier.prepare().await?;
    let listener = TcpListener::bind(args.listen).await.map_err(system(format!("cannot listen on {}", args.listen)))?;
    let at_console = TcpListener::bind(args.console_listen)
        .await
        .map_err(system(format!("cannot listen on {}", args.console_listen)))?;
    let consoles = Ports::default();
    let recordings = Recordings::new(args.settings(secret.clone()).directories.recordings());
    tokio::spawn(bound::keep(recordings.clone(), status.clone()));
    let token = Token::among(&args.passwords_dir);
    let (usage, asterisk) = (UsageProbe::default(), control.clone());
    let answers =
        Answers { status: status.clone(), control: asterisk, usage, consoles: consoles.clone(), recordings, token };
    tokio::spawn(async move { axum::serve(listener, router(answers)).await });

    let ami = Ami::start(ami::ADDRESS, secret);
    let console = Console {
        door: Door::new(&args.passwords_dir, consoles),
        floor: Floor::start(ami.clone(), &status),
        ami,
        status: status.clone(),
        patience: Patience::default(),
    };
    tokio::spawn(listen::serve(at_console, console));
    let mut asterisk = Asterisk::start(&args.asterisk, &args.config_dir, &args.preload)?;
    let applying = tokio::spawn(apply(applier, Watch::new(&watched(&source)), Duration::from_secs(args.poll_seconds)));
    tokio::select! {
        ended = asterisk.ended() => {
            let ended = ended.map_err(system("cannot wait for Asterisk".into()))?;
            tracing::error!(status = %ended, "Asterisk has ended by itself; the container is to be restarted");
            return Ok(exit_code(ended));
        }
        () = stop.asked() => {}
    }
    status.send_modify(|status| status.draining = true);
    applying.abort();
    tracing::info!(seconds = args.drain_seconds, "stopping: calls in progress may finish");
    let ended = asterisk.drain(&control, args.drain(), stop.asked()).await;
    Ok(exit_code(ended.map_err(system("cannot wait for Asterisk".into()))?))
}

/// A round after each change, and each poll; fast ones until Asterisk is booted.
async fn apply(mut applier: Applier, mut watch: Watch, poll: Duration) {
    loop {
        applier.round().await;
        let pause = if applier.is_waiting() { BOOTING } else { poll };
        watch.changed_or(Instant::now() + pause).await;
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
