//! Which addresses "all" means on this machine. I/O: asks the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// The address as it is given, but all of IPv4 where that is all (`[::]`, which takes IPv4 too) and the kernel has no IPv6.
pub fn available(address: SocketAddr) -> SocketAddr {
    let has_ipv6 = || Socket::new(Domain::IPV6, Type::DGRAM, None).is_ok();
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !has_ipv6() {
        return SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    }
    address
}
