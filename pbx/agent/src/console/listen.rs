//! The console's port. Does I/O (sockets).
//!
//! With a certificate it speaks TLS, and nothing else; without one what is in front of the pod has to. A connection that has not
//! logged in takes one of a fixed number of places and has a deadline, so that whatever arrives is bounded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Extension, State};
use axum::response::Response;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use pbx_contract::{CONSOLE_PATH, CONSOLE_PROTOCOL};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::{Console, session};
use crate::certificate::Certificate;

/// Connections that have not logged in yet; further ones wait in the kernel.
const STRANGERS: usize = 128;
/// The longest message of a console. A request is a tenth of it.
const MESSAGE_MAX: usize = 4 << 10;
/// When the kernel has no more sockets, it may have some later.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// The place of a connection among those that have not logged in.
#[derive(Clone)]
struct Place(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Place {
    fn leave(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Accepts for ever.
pub async fn serve(listener: TcpListener, console: Console) {
    let strangers = Arc::new(Semaphore::new(STRANGERS));
    let mut tls = Tls::default();
    loop {
        let Ok(permit) = Arc::clone(&strangers).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, source)) => {
                let acceptor = tls.acceptor(&console);
                let place = Place(Arc::new(Mutex::new(Some(permit))));
                tokio::spawn(connection(stream, source, acceptor, console.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "the console cannot accept a connection");
                sleep(AFTER_ERROR).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, source: SocketAddr, tls: Option<TlsAcceptor>, console: Console, place: Place) {
    // Small messages that are not to wait for each other.
    let _ = stream.set_nodelay(true);
    match tls {
        None => http(stream, source, console, place).await,
        Some(tls) => match timeout(console.patience.head, tls.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, source, console, place).await,
            Ok(Err(error)) => tracing::debug!(%source, %error, "no TLS with a console"),
            Err(_) => tracing::debug!(%source, "no TLS with a console in time"),
        },
    }
}

/// Requests, until one makes it a WebSocket; its session then goes on by itself.
async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    source: SocketAddr,
    console: Console,
    place: Place,
) {
    let head = console.patience.head;
    let service =
        TowerToHyperService::new(router(console).layer(Extension(place)).layer(Extension(ConnectInfo(source))));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    match timeout(head, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%source, %error, "no request of a console"),
        Err(_) => tracing::debug!(%source, "no request of a console in time"),
    }
}

fn router(console: Console) -> Router {
    Router::new().route(CONSOLE_PATH, get(upgrade)).with_state(console)
}

async fn upgrade(
    State(console): State<Console>,
    Extension(ConnectInfo(source)): Extension<ConnectInfo<SocketAddr>>,
    Extension(place): Extension<Place>,
    request: WebSocketUpgrade,
) -> Response {
    let request = request.protocols([CONSOLE_PROTOCOL]).max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
    request.on_upgrade(move |socket| async move {
        session::serve(console, socket, source.ip(), || place.leave()).await;
    })
}

/// The acceptor for the certificate in force, made once for each.
#[derive(Default)]
struct Tls(Option<(Certificate, TlsAcceptor)>);

impl Tls {
    fn acceptor(&mut self, console: &Console) -> Option<TlsAcceptor> {
        let status = console.status.borrow();
        let certificate = status.applied.as_ref()?.wanted.certificate.as_ref()?;
        if self.0.as_ref().is_none_or(|(there, _)| there != certificate) {
            match config(certificate) {
                Ok(config) => self.0 = Some((certificate.clone(), TlsAcceptor::from(Arc::new(config)))),
                Err(error) => tracing::error!(%error, "the console goes on with the certificate before"),
            }
        }
        self.0.as_ref().map(|(_, acceptor)| acceptor.clone())
    }
}

/// Its parts were checked when it was read.
fn config(certificate: &Certificate) -> Result<ServerConfig, rustls::Error> {
    let unreadable = |_| rustls::Error::General("the certificate is not valid PEM".into());
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(certificate.chain.as_bytes()).collect::<Result<_, _>>().map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).map_err(unreadable)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    builder.with_safe_default_protocol_versions()?.with_no_client_auth().with_single_cert(chain, key)
}
