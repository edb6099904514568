//! DNS on UDP and TCP: sockets, and the hickory server on them.

mod fit;
mod frame;
mod handler;

use std::{io, net::SocketAddr, time::Duration};

use hickory_server::{Server as Hickory, net::NetError};
use tokio::net::{TcpListener, UdpSocket};

use crate::Snapshot;
use handler::Handler;

/// How long a TCP connection may stay without a query (RFC 7766, section 6.2.3: some seconds).
const TCP_IDLE: Duration = Duration::from_secs(10);
/// How many answers may wait on one TCP connection for a client that does not read.
const TCP_ANSWERS_WAITING: usize = 16;

/// A server that answers.
pub struct Server {
    hickory: Hickory<Handler>,
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
    Stopped(#[from] NetError),
}

impl Server {
    /// Answers from the snapshot on UDP and TCP. With port 0, UDP gets a free one and TCP the same.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn start(listen: SocketAddr, snapshot: Snapshot) -> Result<Self, ServerError> {
        let refused = |protocol, address| move |source| ServerError::Bind { protocol, address, source };
        let udp = UdpSocket::bind(listen).await.map_err(refused("UDP", listen))?;
        let address = udp.local_addr().map_err(refused("UDP", listen))?;
        let tcp = TcpListener::bind(address).await.map_err(refused("TCP", address))?;
        let mut hickory = Hickory::new(Handler::new(snapshot));
        hickory.register_socket(udp);
        hickory.register_listener(tcp, TCP_IDLE, TCP_ANSWERS_WAITING);
        Ok(Self { hickory, address })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it ends by itself, which it should not.
    ///
    /// # Errors
    /// When a socket was lost.
    pub async fn ended(&mut self) -> Result<(), ServerError> {
        Ok(self.hickory.block_until_done().await?)
    }

    /// Takes no more queries, and ends.
    ///
    /// # Errors
    /// When a socket was lost.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        Ok(self.hickory.shutdown_gracefully().await?)
    }
}
