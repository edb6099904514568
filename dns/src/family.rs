//! Which addresses "all" means on this machine. I/O: asks the kernel.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How many connections may wait to be taken.
const WAITING: i32 = 1024;

/// The address as it is given, but all of IPv4 where that is all (`[::]`, which takes IPv4 too) and the kernel has no IPv6.
pub fn available(address: SocketAddr) -> SocketAddr {
    let has_ipv6 = || Socket::new(Domain::IPV6, Type::DGRAM, None).is_ok();
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !has_ipv6() {
        return SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    }
    address
}

/// A socket of this address's family; all of IPv6 (`[::]`) takes IPv4 too, whatever the machine's setting is.
///
/// # Errors
/// When the kernel gives none.
pub fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    Ok(socket)
}

/// Listens there; in a runtime.
///
/// # Errors
/// When it cannot.
pub fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(WAITING)?;
    TcpListener::from_std(socket.into())
}
