//! DNS in datagrams: a thread for each socket, which answers one batch after the other. I/O: sockets.
//!
//! Nothing is queued here but the one batch: what comes faster than it is answered waits in the socket's buffer, and is
//! dropped there by the kernel.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::batch::{Incoming, Outgoing};
use crate::{
    Snapshot,
    respond::{Transport, respond},
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
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    // The kernel may grant less, which is no reason not to serve.
    let _granted = socket.set_recv_buffer_size(SOCKET_BUFFER).and_then(|()| socket.set_send_buffer_size(SOCKET_BUFFER));
    socket.set_read_timeout(Some(LOOK_UP))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Answers until `stop` is set.
pub fn serve(socket: &UdpSocket, snapshot: &Snapshot, stop: &AtomicBool) -> io::Result<()> {
    let (mut incoming, mut outgoing) = (Incoming::new(), Outgoing::new());
    while !stop.load(Ordering::Relaxed) {
        match incoming.receive(socket) {
            Ok(()) => answer(&incoming, &mut outgoing, snapshot),
            // ECONNREFUSED and its like tell of an earlier answer that found no receiver.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => {
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        outgoing.send(socket);
    }
    Ok(())
}

fn answer(incoming: &Incoming, outgoing: &mut Outgoing, snapshot: &Snapshot) {
    let zone = snapshot.load();
    for (message, sender) in incoming.datagrams() {
        let Some(out) = outgoing.next() else { return };
        if respond(zone.as_deref(), message, Transport::Udp, out) {
            outgoing.keep(sender);
        }
    }
}
