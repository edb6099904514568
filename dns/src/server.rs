//! DNS on UDP and TCP: the sockets, and what reads and writes them.

mod batch;
pub mod query_log;
mod tcp;
mod udp;

pub use tcp::Patience;

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
};

use crate::{
    Snapshot,
    cookie::Cookies,
    family,
    limit::Limits,
    metrics::Metrics,
    transfer::{History, Keys},
};

/// How many ports that are free on UDP are tried until one is free on TCP too.
const MOST_PORTS_TRIED: u8 = 100;

/// What a server serves, and how.
#[derive(Clone)]
pub struct Service {
    /// The zone.
    pub snapshot: Snapshot,
    /// How much a network may get.
    pub limits: Limits,
    /// The secrets of cookies.
    pub cookies: Cookies,
    /// Where it is counted.
    pub metrics: Metrics,
    /// The keys that are shared with secondaries.
    pub keys: Keys,
    /// The zone's last states, for secondaries.
    pub history: History,
    /// One in how many queries is logged; 0: none.
    pub query_log: u32,
    /// How long TCP connections may last.
    pub patience: Patience,
}

impl Service {
    /// The zone without a rate limit, with cookies of this process.
    pub fn of(snapshot: Snapshot) -> Self {
        let limits = Limits { rate: 0, slip: 0, allowed: Vec::new() };
        Self {
            snapshot,
            limits,
            cookies: Cookies::of_this_process(),
            metrics: Metrics::default(),
            keys: Keys::default(),
            history: History::default(),
            query_log: 0,
            patience: Patience::default(),
        }
    }
}

/// A server that answers until it is stopped or dropped.
pub struct Server {
    parts: JoinSet<io::Result<()>>,
    stop: Arc<AtomicBool>,
    address: SocketAddr,
}

/// Why DNS cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not allowed.
    #[error("cannot listen for DNS on {protocol} {address}: {source}; give another address with --listen")]
    Bind {
        /// UDP or TCP.
        protocol: &'static str,
        /// As given.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A socket was lost.
    #[error("the DNS server stopped by itself: {0}; it has to be started again")]
    Stopped(#[from] io::Error),
    /// A part of it was ended by force.
    #[error("a part of the DNS server broke off: {0}; it has to be started again")]
    Broken(#[from] JoinError),
}

impl Server {
    /// Answers on UDP and TCP. With port 0, UDP gets a free one and TCP the same.
    ///
    /// UDP has a socket and a thread for each processor: the kernel spreads the clients over them (`SO_REUSEPORT`).
    ///
    /// # Errors
    /// When it cannot listen there.
    #[expect(clippy::unused_async, reason = "it needs a runtime, which every async function has")]
    pub async fn start(listen: SocketAddr, service: Service) -> Result<Self, ServerError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (sockets, listener, address) = bind(listen, threads)?;
        let (mut parts, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for socket in sockets {
            let (mut worker, stop) = (udp::Worker::new(&service, threads), Arc::clone(&stop));
            parts.spawn_blocking(move || worker.serve(&socket, &stop));
        }
        parts.spawn(tcp::serve(listener, Arc::new(service)));
        Ok(Self { parts, stop, address })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a part of it ends by itself, which it should not.
    ///
    /// # Errors
    /// When a socket was lost.
    pub async fn ended(&mut self) -> Result<(), ServerError> {
        match self.parts.join_next().await {
            Some(ended) => Ok(ended??),
            None => Ok(()),
        }
    }

    /// Takes no more queries, answers those that have arrived, and ends.
    ///
    /// # Errors
    /// When a part of it broke off.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.stop.store(true, Ordering::Relaxed);
        // What waits for connections has nothing to finish; what answers datagrams sees the flag.
        self.parts.abort_all();
        while let Some(ended) = self.parts.join_next().await {
            match ended {
                Err(error) if error.is_cancelled() => (),
                ended => ended??,
            }
        }
        Ok(())
    }
}

/// The sockets for UDP, one for each thread, the one for TCP, and the address of all of them.
fn bind(listen: SocketAddr, threads: usize) -> Result<(Vec<UdpSocket>, TcpListener, SocketAddr), ServerError> {
    let mut tries = if listen.port() == 0 { MOST_PORTS_TRIED } else { 1 };
    loop {
        tries -= 1;
        match bind_once(listen, threads) {
            Err(ServerError::Bind { source, .. }) if source.kind() == io::ErrorKind::AddrInUse && tries > 0 => (),
            bound => return bound,
        }
    }
}

fn bind_once(listen: SocketAddr, threads: usize) -> Result<(Vec<UdpSocket>, TcpListener, SocketAddr), ServerError> {
    let refused = |protocol, address| move |source| ServerError::Bind { protocol, address, source };
    let sockets = udp::bind(listen, threads).map_err(refused("UDP", listen))?;
    let address = sockets.first().map_or(Ok(listen), UdpSocket::local_addr);
    let address = address.map_err(refused("UDP", listen))?;
    let listener = family::listener(address).map_err(refused("TCP", address))?;
    Ok((sockets, listener, address))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
