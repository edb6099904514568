//! Free ports for programs that cannot be told to take any. Does I/O: each port is leased by a lock file, and tried.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::Path,
};

use anyhow::{Result, bail};

use crate::local::{
    layout,
    lock::{self, Lock},
};

/// Below the kernel's ephemeral ports (no outgoing connection can take one meanwhile) and the cluster's node ports.
const RANGE: std::ops::Range<u16> = 20_000..29_000;

/// A port that nobody else who leases will take while this value lives.
#[derive(Debug)]
pub struct Port {
    /// The number.
    pub number: u16,
    _lease: Lock,
}

impl Port {
    /// The port on this machine's loopback.
    pub fn on_loopback(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

/// Leases `N` ports that are free on both TCP and UDP.
///
/// # Errors
/// When there are none free, or the lease files cannot be written.
pub fn lease<const N: usize>() -> Result<[Port; N]> {
    let (leases, span) = (layout::run_root().join("ports"), RANGE.end - RANGE.start);
    // Neighbouring pids start far apart, so that those who start together seldom try the same port.
    let first = u16::try_from(std::process::id().wrapping_mul(37) % u32::from(span)).unwrap_or(0);
    let mut found = Vec::with_capacity(N);
    for step in 0..span {
        found.extend(take(&leases, RANGE.start + (first + step) % span)?);
        if found.len() == N {
            break;
        }
    }
    match <[Port; N]>::try_from(found) {
        Ok(ports) => Ok(ports),
        Err(found) => bail!("only {} of {N} ports are free between {} and {}", found.len(), RANGE.start, RANGE.end),
    }
}

/// This port, when nobody has leased it and nobody listens there.
fn take(leases: &Path, number: u16) -> Result<Option<Port>> {
    let lease = lock::try_take(&leases.join(number.to_string()), "one who needs a port")?;
    let address = (Ipv4Addr::UNSPECIFIED, number);
    let is_free = || TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok();
    Ok(lease.filter(|_| is_free()).map(|lease| Port { number, _lease: lease }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_leased_once_and_again_when_it_is_given_back() {
        let leases = tempfile::tempdir().unwrap();
        // Held to the end, so that no other program gets it meanwhile.
        let [free] = lease().unwrap();
        let number = free.number;
        assert!(take(&layout::run_root().join("ports"), number).unwrap().is_none(), "leased twice");
        let first = take(leases.path(), number).unwrap().unwrap();
        assert!(take(leases.path(), number).unwrap().is_none(), "leased twice");
        drop(first);
        drop(take(leases.path(), number).unwrap().unwrap());
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert!(take(leases.path(), number).unwrap().is_none(), "taken on UDP");
        drop(udp);
        let _tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert!(take(leases.path(), number).unwrap().is_none(), "taken on TCP");
    }
}
