//! DNS in datagrams: a thread for each socket, which answers one batch after the other. I/O: sockets.
//!
//! Nothing is queued here but the one batch: what comes faster than it is answered waits in the socket's buffer, and is
//! dropped there by the kernel.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::errno::Errno;
use socket2::{Protocol, Type};

use super::Service;
use super::{
    batch::{Incoming, Outgoing},
    query_log::Sampler,
};
use crate::{
    family,
    limit::{Limiter, Sort, Verdict},
    metrics::{Counts, unix_now},
    respond::{Asking, Transport, full, respond},
    wire,
};

/// How long a thread waits for a query before it looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How much may wait in a socket's buffer: some thousand queries, so that a short burst is answered and not dropped.
const SOCKET_BUFFER: usize = 4 << 20;

/// Sockets on the same address, one for each thread.
pub fn bind(listen: SocketAddr, threads: usize) -> io::Result<Vec<UdpSocket>> {
    // Sockets that share an address never tell that another program has it too; one that does not share it does.
    let address = UdpSocket::bind(listen)?.local_addr()?;
    (0..threads.max(1)).map(|_| socket(address)).collect()
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = family::socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_reuse_port(true)?;
    // The kernel may grant less, which is no reason not to serve.
    let _granted = socket.set_recv_buffer_size(SOCKET_BUFFER).and_then(|()| socket.set_send_buffer_size(SOCKET_BUFFER));
    socket.set_read_timeout(Some(LOOK_UP))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// What one thread needs to answer.
pub struct Worker {
    service: Service,
    limiter: Limiter,
    counts: Arc<Counts>,
    started: Instant,
    sampler: Sampler,
}

impl Worker {
    /// For one of so many threads.
    pub fn new(service: &Service, threads: usize) -> Self {
        let (limiter, counts) = (Limiter::new(&service.limits, threads), service.metrics.part());
        let sampler = Sampler::new(service.query_log);
        Self { service: service.clone(), limiter, counts, started: Instant::now(), sampler }
    }

    /// Answers until `stop` is set.
    pub fn serve(&mut self, socket: &UdpSocket, stop: &AtomicBool) -> io::Result<()> {
        let (mut incoming, mut outgoing) = (Incoming::new(), Outgoing::new());
        while !stop.load(Ordering::Relaxed) {
            match incoming.receive(socket) {
                Ok(()) => (),
                // ECONNREFUSED and its like tell of an earlier answer that found no receiver.
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            let begin = Instant::now();
            let count = self.answer(&incoming, &mut outgoing, begin);
            outgoing.send(socket);
            self.counts.took(count, u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Writes the answers to all that has arrived, and says to how many queries.
    fn answer(&mut self, incoming: &Incoming, outgoing: &mut Outgoing, now: Instant) -> u64 {
        let zone = self.service.snapshot.load();
        // Cut to 32 bits on purpose: it is compared by difference only.
        #[allow(clippy::cast_possible_truncation)]
        let (seconds, milliseconds) = (unix_now(), now.duration_since(self.started).as_millis() as u32);
        let (cookies, keys) = (&self.service.cookies, &self.service.keys);
        let mut count = 0;
        for (message, sender, client) in incoming.datagrams() {
            let Some(out) = outgoing.next() else { break };
            let asking = Asking { transport: Transport::Udp, client, now: seconds, cookies, keys };
            let Some(answered) = respond(zone.as_deref(), message, asking, out) else {
                self.counts.silent();
                continue;
            };
            count += 1;
            self.counts.asked(wire::asked_kind(out));
            self.sampler.note(client, "udp", out);
            let mut judge = || self.limiter.judge(client, sort(out), milliseconds);
            let verdict = if answered.proven { Verdict::Send } else { judge() };
            self.counts.judged(verdict);
            let sent = match verdict {
                Verdict::Send => true,
                Verdict::Slip => full::truncated(message, asking, out),
                Verdict::Drop => false,
            };
            if sent {
                self.counts.answered(out);
                outgoing.keep(sender);
            }
        }
        count
    }
}

/// What sort of answer it is, for the rate limit.
fn sort(answer: &[u8]) -> Sort {
    match (wire::code(answer), &answer[6..8]) {
        (0, [0, 0]) | (3, _) => Sort::Negative,
        (0, _) => Sort::Answer,
        _ => Sort::Error,
    }
}
