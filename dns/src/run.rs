//! The whole program: settings, watch, DNS and HTTP, from start to SIGTERM.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ecqx_domain::{
    name_change::Ttl,
    settings::{Settings, SettingsError},
};
use kube::Client;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Snapshot, agreement,
    args::Args,
    cookie::{Cookies, SecretError},
    dnssec::renewal::{Folder, SigningError},
    family,
    http::{self, HttpError},
    limit::Limits,
    metrics::{Metrics, State},
    publish::Publisher,
    server::{Patience, Server, ServerError, Service},
    store::{Ended, Journal, Loaded, Store, StoreError},
    transfer::{
        History, Keys, KeysError,
        notify::{self, Secondary},
    },
    watch,
    zone::{Timers, ZoneError, ZoneSettings},
};

/// How long the end waits for the disk.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file that is missing.
    #[error(
        "cannot read {path}: {source}; give the place of the settings with --settings, of the static part with --static-zone"
    )]
    Read {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Wrong settings.
    #[error("{path}: {source}")]
    Settings {
        /// Where they stand.
        path: PathBuf,
        /// What is wrong.
        source: SettingsError,
    },
    /// Wrong secrets.
    #[error("--cookie-secrets: {0}")]
    Cookies(#[from] SecretError),
    /// Wrong keys.
    #[error("--tsig-keys: {0}")]
    Keys(#[from] KeysError),
    /// Keys with which the zone cannot be signed.
    #[error("--dnssec-keys: {0}")]
    Signing(#[from] SigningError),
    /// A key that is not there.
    #[error("secondary {0} has a key that --tsig-keys does not have; add it there")]
    UnknownKey(SocketAddr),
    /// No zone can be made.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// No way to the API server is configured.
    #[error("no access to Kubernetes: {0}; run it in a pod with a service account, or set KUBECONFIG")]
    Kubernetes(#[from] Box<kube::Error>),
    /// DNS does not work.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// HTTP does not work.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// HTTP broke off.
    #[error("HTTP stopped by itself: {0}; it has to be started again")]
    Health(io::Error),
    /// The zone cannot be kept.
    #[error("--state: {0}")]
    Store(#[from] StoreError),
    /// Signals cannot be received.
    #[error("cannot wait for SIGTERM: {0}")]
    Signal(io::Error),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, or a part of it fails.
pub async fn run(args: Args) -> Result<(), RunError> {
    let stop = ecqx_process::stop_on_signal().map_err(RunError::Signal)?;
    let client = Client::try_default().await.map_err(Box::new)?;
    run_until(args, client, stop).await
}

/// Runs until told to stop, with this way to the API server.
///
/// # Errors
/// When it cannot start, or a part of it fails.
pub async fn run_until(args: Args, client: Client, stop: CancellationToken) -> Result<(), RunError> {
    let settings = Arc::new(zone_settings(&args).await?);
    for server in settings.unreachable_name_servers() {
        tracing::warn!(%server, "a name server in the zone has no address, so nobody can be sent to it; give --name-server NAME=ADDRESS");
    }
    let snapshot = Snapshot::default();
    let service = service(&args, &snapshot).await?;
    let metrics = service.metrics.clone();
    let (keys, history) = (service.keys.clone(), service.history.clone());
    let signing =
        args.dnssec_keys.as_ref().map(|path| Folder::new(path, settings.wire_origin()).follow()).transpose()?;
    let mut publisher = Publisher::new(Arc::clone(&settings), Arc::clone(&snapshot))
        .signing(signing)
        .with_serial_offset(args.serial_offset)
        .telling(Arc::clone(&metrics.state))
        .recording(history);
    // Before anybody can ask: a name server that starts anew is not to say SERVFAIL of what it has on disk.
    let keeping = match &args.state {
        Some(path) => Some(resume(&mut publisher, &settings, path, &metrics.state).await?),
        None => None,
    };
    let mut server = Server::start(family::available(args.listen), service).await?;
    let listener = http::bind(family::available(args.http))?;
    let health = listener.local_addr().map_err(RunError::Health)?;
    let zone = settings.origin().to_ascii().trim_end_matches('.').to_owned();
    let events = watch::events(client, zone, Arc::clone(&metrics.state));
    let told = http::Served { versions: publisher.versions(), held: publisher.held() };
    let http = http::serve(listener, snapshot, metrics, told);
    let (proposals, others) = mpsc::channel(1);
    let _asking = args.replicas.clone().map(|replicas| {
        AbortOnDropHandle::new(tokio::spawn(agreement::ask(replicas, publisher.versions(), proposals)))
    });
    let _telling = tell(&args, &keys, &settings, &publisher)?;
    tracing::info!(zone = %settings.origin(), dns = %server.address(), http = %health, "started");
    let ended = tokio::select! {
        ended = publisher.follow(events, others) => ended.map_err(RunError::from),
        ended = http => ended.map_err(RunError::Health),
        ended = server.ended() => ended.map_err(RunError::from),
        () = stop.cancelled() => Ok(()),
    };
    server.stop().await?;
    // With the publisher gone nothing more can come, and what came last is written.
    drop(publisher);
    if let Some(keeping) = keeping
        && tokio::time::timeout(LAST_WRITE, keeping).await.is_err()
    {
        tracing::warn!("the disk of the zone hangs; what changed last may not be on it");
    }
    tracing::info!("stopped");
    ended
}

/// Tells the secondaries of new serials, until it is dropped.
fn tell(
    args: &Args,
    keys: &Keys,
    settings: &Arc<ZoneSettings>,
    publisher: &Publisher,
) -> Result<JoinSet<()>, RunError> {
    let mut telling = JoinSet::new();
    for Secondary { address, key } in &args.secondaries {
        let known = key.as_ref().map(|name| keys.named(name).cloned().ok_or(RunError::UnknownKey(*address)));
        telling.spawn(notify::tell(*address, known.transpose()?, Arc::clone(settings), publisher.kept()));
    }
    Ok(telling)
}

/// Serves what was kept, and keeps what comes. A file that cannot be used is told of, and replaced with the first list.
async fn resume(
    publisher: &mut Publisher,
    settings: &ZoneSettings,
    path: &Path,
    state: &Arc<State>,
) -> Result<Ended, RunError> {
    let store = Store::new(path);
    let loaded = store.load(settings.origin().to_ascii().trim_end_matches('.'));
    let loaded = loaded.unwrap_or_else(|error| {
        tracing::warn!(%error, "the zone that was kept cannot be used; nothing is served before the first list");
        Loaded::default()
    });
    let (journal, ended) = Journal::begin(store, &loaded, Arc::clone(state))?;
    publisher.keep_in(journal);
    if let Some(kept) = &loaded.kept {
        publisher.resume(kept).await?;
    }
    Ok(ended)
}

async fn service(args: &Args, snapshot: &Snapshot) -> Result<Service, RunError> {
    let cookies = match &args.cookie_secrets {
        Some(path) => Cookies::parse(&read(path).await?)?,
        None => Cookies::of_this_process(),
    };
    let keys = match &args.tsig_keys {
        Some(path) => Keys::parse(&read(path).await?)?,
        None => Keys::default(),
    };
    let limits = Limits { rate: args.rate_limit, slip: args.rate_slip, allowed: args.rate_allow.clone() };
    Ok(Service {
        snapshot: Arc::clone(snapshot),
        limits,
        cookies,
        metrics: Metrics::default(),
        keys,
        history: History::default(),
        query_log: args.query_log,
        patience: Patience::default(),
    })
}

async fn zone_settings(args: &Args) -> Result<ZoneSettings, RunError> {
    let text = read(&args.settings).await?;
    let wrong = |source| RunError::Settings { path: args.settings.clone(), source };
    let settings = Settings::parse(&text).map_err(wrong)?;
    let ttl = Ttl { usual: args.ttl, short: args.short_ttl };
    let timers = Timers { ttl, negative_ttl: args.negative_ttl, ..Timers::default() };
    let fixed = match &args.static_zone {
        Some(path) => read(path).await?,
        None => String::new(),
    };
    Ok(ZoneSettings::with_static(&settings.zone, &args.name_servers, timers, &fixed)?.offering_tls(args.sips))
}

async fn read(path: &Path) -> Result<String, RunError> {
    let text = tokio::fs::read_to_string(path).await;
    text.map_err(|source| RunError::Read { path: path.to_owned(), source })
}
