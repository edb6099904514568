//! Several datagrams with one call to the kernel (`recvmmsg`, `sendmmsg`). I/O: one socket.

use std::{
    io::{IoSlice, IoSliceMut},
    net::{IpAddr, UdpSocket},
    os::fd::AsRawFd,
};

use nix::{
    errno::Errno,
    sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg},
};

/// How many datagrams are taken at once.
pub const BATCH: usize = 64;
/// The largest query that is read whole: a query is small, and what was cut is malformed.
const LONGEST_QUERY: usize = 2048;

/// Buffers for what comes in, made once.
pub struct Incoming {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Vec<[u8; LONGEST_QUERY]>,
    arrived: Vec<(usize, Option<SockaddrStorage>)>,
}

impl Incoming {
    /// Empty buffers.
    pub fn new() -> Self {
        let headers = MultiHeaders::preallocate(BATCH, None);
        Self { headers, buffers: vec![[0; LONGEST_QUERY]; BATCH], arrived: Vec::with_capacity(BATCH) }
    }

    /// Waits for one datagram, and takes with it all that have come.
    pub fn receive(&mut self, socket: &UdpSocket) -> Result<(), Errno> {
        self.arrived.clear();
        let mut slices: Vec<_> = self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let flags = MsgFlags::MSG_WAITFORONE;
        let received = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None)?;
        self.arrived.extend(received.map(|datagram| (datagram.bytes, datagram.address)));
        Ok(())
    }

    /// What has arrived, with the senders and their addresses.
    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], SockaddrStorage, IpAddr)> {
        let pairs = self.buffers.iter().zip(&self.arrived);
        pairs.filter_map(|(buffer, (length, sender))| {
            let sender = (*sender)?;
            Some((buffer.get(..*length)?, sender, address(&sender)?))
        })
    }
}

/// Buffers for what goes out, made once.
pub struct Outgoing {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Vec<Vec<u8>>,
    receivers: Vec<Option<SockaddrStorage>>,
}

impl Outgoing {
    /// Empty buffers.
    pub fn new() -> Self {
        let headers = MultiHeaders::preallocate(BATCH, None);
        let buffers = (0..BATCH).map(|_| Vec::with_capacity(LONGEST_QUERY)).collect();
        Self { headers, buffers, receivers: Vec::with_capacity(BATCH) }
    }

    /// The next free buffer, if there is one.
    pub fn next(&mut self) -> Option<&mut Vec<u8>> {
        self.buffers.get_mut(self.receivers.len())
    }

    /// Keeps what was written to the next buffer, to be sent.
    pub fn keep(&mut self, receiver: SockaddrStorage) {
        self.receivers.push(Some(receiver));
    }

    /// Sends all that was kept. One that cannot be sent, since its receiver cannot be reached, is left out.
    pub fn send(&mut self, socket: &UdpSocket) {
        let slices: Vec<_> = self.buffers.iter().map(|buffer| [IoSlice::new(buffer)]).collect();
        let mut done = 0;
        while done < self.receivers.len() {
            let (rest, receivers) = (&slices[done..self.receivers.len()], &self.receivers[done..]);
            let no_control: [ControlMessage<'_>; 0] = [];
            let sent =
                sendmmsg(socket.as_raw_fd(), &mut self.headers, rest.iter(), receivers, no_control, MsgFlags::empty());
            done += match sent {
                Ok(sent) => sent.count().max(1),
                Err(Errno::EINTR) => 0,
                Err(_) => 1,
            };
        }
        self.receivers.clear();
    }
}

/// The address of a sender.
fn address(sender: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = sender.as_sockaddr_in().map(|sender| IpAddr::from(sender.ip()));
    v4.or_else(|| sender.as_sockaddr_in6().map(|sender| sender.ip().to_canonical()))
}
