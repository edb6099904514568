//! Packets of a flood, written with their headers, so that they come from wherever they say. Raw sockets.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// What sort of flood.
#[derive(Clone, Copy, Debug)]
pub enum Flood {
    /// Octets at random behind a header that looks like a query's, cut and mixed.
    Malformed,
    /// Well-formed queries of every sort, for names that do and do not exist.
    Forged,
}

/// Sends, each packet from another address of 10.0.0.0/8.
pub struct Sender {
    socket: Socket,
    flood: Flood,
    server: SocketAddr,
    number: u64,
}

impl Sender {
    pub fn new(flood: Flood, server: SocketAddr) -> Self {
        // IPPROTO_RAW: the packet is given with its IP header, whose checksum the kernel writes.
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap();
        Self { socket, flood, server, number: flood as u64 + 1 }
    }

    /// Sends so many, and says how many went out.
    pub fn send(&mut self, count: usize) -> u64 {
        let to = SockAddr::from(self.server);
        let mut sent = 0;
        for _ in 0..count {
            let packet = self.packet();
            sent += u64::from(self.socket.send_to(&packet, &to).is_ok());
        }
        sent
    }

    /// The same numbers in every run (an LCG), since a flood need not be unpredictable.
    fn next(&mut self) -> u32 {
        self.number = self.number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.number >> 32).unwrap()
    }

    fn packet(&mut self) -> Vec<u8> {
        let [_, a, b, c] = self.next().to_be_bytes();
        let message = match self.flood {
            Flood::Malformed => self.malformed(),
            Flood::Forged => self.query(),
        };
        let from = Ipv4Addr::new(10, a, b, c);
        let port = u16::try_from(self.next() % 60_000).unwrap() + 1024;
        wrapped(from, port, self.server, &message)
    }

    fn malformed(&mut self) -> Vec<u8> {
        let length = self.next() % 500;
        let mut message: Vec<u8> = (0..length).map(|_| self.next().to_be_bytes()[0]).collect();
        // Mostly queries with few records, so that they get beyond the header.
        for (at, keep) in [(2, 0x01), (4, 0), (5, 3), (6, 0), (7, 1), (8, 0), (9, 1), (10, 0), (11, 3)] {
            message.get_mut(at).into_iter().for_each(|octet| *octet &= keep);
        }
        message
    }

    fn query(&mut self) -> Vec<u8> {
        let n = self.next();
        let label = if n.is_multiple_of(2) { format!("pbx-{}", n % 200) } else { format!("\n{{\"{n:x}") };
        let mut message = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, u8::try_from(label.len()).unwrap()];
        message.extend(label.as_bytes());
        message.extend(b"\x0aepygicloud\x03com\x00\x00");
        message.extend([[1, 28, 33, 35, 255][usize::try_from(n % 5).unwrap()], 0, 1]);
        message.extend(b"\x00\x00\x29\x10\x00\x00\x00\x80\x00\x00\x00");
        message
    }
}

/// The message in UDP (RFC 768, without a checksum) in IPv4 (RFC 791).
fn wrapped(from: Ipv4Addr, port: u16, to: SocketAddr, message: &[u8]) -> Vec<u8> {
    let SocketAddr::V4(to) = to else { panic!("the flood is one of IPv4") };
    let length = |extra: usize| u16::try_from(message.len() + extra).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0];
    packet.extend(length(28));
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.ip().octets());
    packet.extend(port.to_be_bytes());
    packet.extend(to.port().to_be_bytes());
    packet.extend(length(8));
    packet.extend([0, 0]);
    packet.extend_from_slice(message);
    packet
}
