//! DNS over TCP (RFC 7766): bounded connections, each answered in order. I/O: sockets.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};

use super::Service;
use crate::{
    metrics::{Counts, unix_now},
    respond::{Asking, Transport, respond},
    transfer::{self, Stream},
    wire,
};

/// How many connections there may be; more wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How many of them one address may hold, so that it cannot hold them all.
const CONNECTIONS_OF_ONE: usize = 64;
/// How long a connection may stay without a query (RFC 7766, section 6.2.3: some seconds).
const IDLE: Duration = Duration::from_secs(10);
/// How long a query that has begun may take to arrive, and an answer to be taken.
const TRANSFER: Duration = Duration::from_secs(5);
/// How long accepting rests when the system has no more descriptors.
const REST: Duration = Duration::from_millis(100);

/// Accepts and answers. Never ends by itself.
pub async fn serve(listener: TcpListener, service: Arc<Service>) -> io::Result<()> {
    let (places, holders) = (Arc::new(Semaphore::new(CONNECTIONS)), Holders::default());
    let (mut connections, counts) = (JoinSet::new(), service.metrics.part());
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, client)) => {
                if let Some(hold) = Hold::take(&holders, client, place) {
                    connections.spawn(connection(stream, Arc::clone(&service), Arc::clone(&counts), hold));
                }
            }
            // A client that has gone, or too many open files: neither is a reason to stop answering others.
            Err(error) => {
                tracing::debug!(%error, "a TCP connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Answers one query after the other: those that were sent ahead wait in the connection itself, so a client that does not
/// read what it asked for holds no more than one answer.
async fn connection(mut stream: TcpStream, service: Arc<Service>, counts: Arc<Counts>, hold: Hold) {
    let (mut message, mut out) = (Vec::new(), Vec::new());
    // Small answers are not to wait for one another; where it cannot be set, they do.
    let _without_delay = stream.set_nodelay(true);
    while let Ok(Ok(length)) = timeout(IDLE, stream.read_u16()).await {
        message.resize(usize::from(length), 0);
        if !matches!(timeout(TRANSFER, stream.read_exact(&mut message)).await, Ok(Ok(_))) {
            break;
        }
        if let Some(transfer) = transfer(&service, &message) {
            if !send_all(&mut stream, transfer).await {
                break;
            }
            continue;
        }
        if !answer(&service, &hold, &message, &mut out) {
            counts.silent();
            break;
        }
        counts.answered(wire::asked_kind(&out), &out);
        if !send(&mut stream, &out).await {
            break;
        }
    }
    drop(hold);
}

fn answer(service: &Service, hold: &Hold, message: &[u8], out: &mut Vec<u8>) -> bool {
    let Service { cookies, keys, .. } = service;
    let asking = Asking { transport: Transport::Tcp, client: hold.client, now: unix_now(), cookies, keys };
    respond(service.snapshot.load().as_deref(), message, asking, out).is_some()
}

fn transfer(service: &Service, message: &[u8]) -> Option<Stream> {
    let zone = service.snapshot.load_full()?;
    transfer::requested(&zone, &service.history, &service.keys, message, unix_now())
}

async fn send_all(stream: &mut TcpStream, mut transfer: Stream) -> bool {
    while let Some(message) = transfer.next(unix_now()) {
        if !send(stream, &message).await {
            return false;
        }
    }
    true
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> bool {
    let Ok(length) = u16::try_from(message.len()) else { return false };
    // In one piece, as some clients expect (RFC 7766, section 8).
    let framed = [&length.to_be_bytes(), message].concat();
    matches!(timeout(TRANSFER, stream.write_all(&framed)).await, Ok(Ok(())))
}

type Holders = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// A connection's place, given back when it ends.
struct Hold {
    holders: Holders,
    client: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Hold {
    fn take(holders: &Holders, client: SocketAddr, place: OwnedSemaphorePermit) -> Option<Self> {
        let client = client.ip().to_canonical();
        let mut counts = holders.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= CONNECTIONS_OF_ONE {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Self { holders: Arc::clone(holders), client, _place: place })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut counts = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}
