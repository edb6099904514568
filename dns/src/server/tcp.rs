//! DNS over TCP (RFC 7766): bounded connections, each answered in order. I/O: sockets.

mod places;

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Service, query_log::Sampler};
use crate::{
    metrics::{Connection, Counts, Outcome, unix_now},
    respond::{Asking, Transport, respond},
    transfer::{self, Stream},
    wire::{self, kind},
};
use places::{Place, Places};

/// How long connections may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Without a query (RFC 7766, section 6.2.3: some seconds).
    pub idle: Duration,
    /// In all. Who goes on asking comes again; who only holds a place has it no longer than this.
    pub lifetime: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10), lifetime: Duration::from_mins(2) }
    }
}

/// How long a query that has begun may take to arrive, and an answer to be taken.
const TRANSFER: Duration = Duration::from_secs(5);
/// How long accepting rests when the system has no more descriptors.
const REST: Duration = Duration::from_millis(100);

/// Accepts and answers. Never ends by itself.
pub async fn serve(listener: TcpListener, service: Arc<Service>) -> io::Result<()> {
    let (places, mut connections, counts) = (Places::default(), JoinSet::new(), service.metrics.part());
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, client)) => {
                let Ok((place, displaced)) = places.take(client) else {
                    counts.connected(Connection::Refused);
                    continue;
                };
                counts.connected(if displaced { Connection::InPlaceOfAnother } else { Connection::Taken });
                connections.spawn(Talk::new(&service, &counts, place).run(stream));
            }
            // A client that has gone, or too many open files: neither is a reason to stop answering others.
            Err(error) => {
                tracing::debug!(%error, "a TCP connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// One connection.
struct Talk {
    service: Arc<Service>,
    counts: Arc<Counts>,
    place: Place,
    sampler: Sampler,
    until: Instant,
    out: Vec<u8>,
}

impl Talk {
    fn new(service: &Arc<Service>, counts: &Arc<Counts>, place: Place) -> Self {
        let sampler = Sampler::new(service.query_log);
        let until = Instant::now() + service.patience.lifetime;
        let (service, counts) = (Arc::clone(service), Arc::clone(counts));
        Self { service, counts, place, sampler, until, out: Vec::new() }
    }

    /// Until the client goes, has had its time, or another gets its place.
    async fn run(mut self, mut stream: TcpStream) {
        // Small answers are not to wait for one another; where it cannot be set, they do.
        let _without_delay = stream.set_nodelay(true);
        let end = self.place.end.clone();
        end.run_until_cancelled(self.answer_all(&mut stream)).await;
    }

    /// Answers one query after the other: those that were sent ahead wait in the connection itself, so a client that does not
    /// read what it asked for holds no more than one answer.
    async fn answer_all(&mut self, stream: &mut TcpStream) {
        let mut message = Vec::new();
        while let Some(begin) = self.read(stream, &mut message).await {
            self.place.heard();
            let goes_on = match self.transfer(&message) {
                Some(transfer) => self.send_transfer(stream, transfer, &message).await,
                None => self.send_answer(stream, &message, begin).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Reads a message, and says when it was complete.
    async fn read(&self, stream: &mut TcpStream, message: &mut Vec<u8>) -> Option<Instant> {
        let patience = self.service.patience.idle.min(self.until.duration_since(Instant::now()));
        let length = timeout(patience, stream.read_u16()).await.ok()?.ok()?;
        message.resize(usize::from(length), 0);
        timeout(TRANSFER, stream.read_exact(message)).await.ok()?.ok()?;
        Some(Instant::now())
    }

    async fn send_answer(&mut self, stream: &mut TcpStream, message: &[u8], begin: Instant) -> bool {
        if !self.respond(message) {
            self.counts.silent();
            return false;
        }
        self.counts.asked(wire::asked_kind(&self.out));
        self.counts.answered(&self.out);
        self.sampler.note(self.place.client, "tcp", &self.out);
        let sent = send(stream, &self.out).await;
        self.counts.took(1, u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
        sent
    }

    fn respond(&mut self, message: &[u8]) -> bool {
        let Service { snapshot, cookies, keys, .. } = &*self.service;
        let asking = Asking { transport: Transport::Tcp, client: self.place.client, now: unix_now(), cookies, keys };
        respond(snapshot.load().as_deref(), message, asking, &mut self.out).is_some()
    }

    fn transfer(&self, message: &[u8]) -> Option<Stream> {
        let Service { snapshot, history, keys, .. } = &*self.service;
        transfer::requested(&snapshot.load_full()?, history, keys, message, unix_now())
    }

    /// A transfer takes as long as it takes: who has a key of ours is no stranger.
    async fn send_transfer(&mut self, stream: &mut TcpStream, transfer: Stream, message: &[u8]) -> bool {
        self.place.known();
        let sent = send_all(stream, transfer).await;
        self.until = Instant::now() + self.service.patience.lifetime;
        self.counts.transferred(match wire::asked_kind(message) {
            _ if !sent => Outcome::BrokenOff,
            Some(kind::IXFR) => Outcome::Ixfr,
            _ => Outcome::Axfr,
        });
        sent
    }
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
