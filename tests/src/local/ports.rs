//! Free TCP ports for clusters side by side. Does I/O: each port is leased by a lock file, and tried.

use std::{net::TcpListener, path::Path};

use anyhow::{Result, bail};

use super::lock::{self, Lock};

/// Below the kernel's ephemeral ports (no outgoing connection can take one meanwhile) and the cluster's node ports.
const RANGE: std::ops::Range<u16> = 20_000..29_000;

/// A port that no other local cluster will take while this value lives.
#[derive(Debug)]
pub struct Port {
    /// The number.
    pub number: u16,
    _lease: Lock,
}

/// Leases `N` ports, by lock files under `leases`.
///
/// # Errors
/// When there are none free, or the lease files cannot be written.
pub fn lease<const N: usize>(leases: &Path) -> Result<[Port; N]> {
    let mut found = Vec::with_capacity(N);
    let span = RANGE.end - RANGE.start;
    // Neighbouring pids start far apart, so that clusters started together seldom try the same port.
    let first = u16::try_from(std::process::id().wrapping_mul(37) % u32::from(span)).unwrap_or(0);
    for step in 0..span {
        let number = RANGE.start + (first + step) % span;
        let Some(lease) = lock::try_take(&leases.join(number.to_string()), "a local cluster")? else { continue };
        if TcpListener::bind(("0.0.0.0", number)).is_ok() {
            found.push(Port { number, _lease: lease });
        }
        if found.len() == N {
            break;
        }
    }
    match <[Port; N]>::try_from(found) {
        Ok(ports) => Ok(ports),
        Err(found) => bail!("only {} of {N} ports are free between {} and {}", found.len(), RANGE.start, RANGE.end),
    }
}
