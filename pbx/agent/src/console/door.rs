//! Who comes in: password, role and port. Does I/O (a file).

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pbx_contract::{ConsoleRefusal, secret};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use super::ports::{Port, Ports};
use super::roles::Roles;
use crate::throttle::{Rule, Throttle};
use crate::wanted::{Wanted, is_number};

/// A longer password is cut, and so is wrong.
const PASSWORD_MAX: u64 = 4 << 10;

/// Lets in, or not. Clones share it.
#[derive(Clone, Debug)]
pub struct Door {
    passwords: Arc<Path>,
    ports: Ports,
    /// Counted apart from telephones: a mistyped console password must not cut off the phones of an office.
    throttle: Arc<Mutex<Throttle>>,
}

/// One who is in.
#[derive(Debug)]
pub struct Admitted {
    /// Its port, as long as this lives.
    pub port: Port,
    /// What it may do.
    pub roles: Roles,
}

/// What somebody says to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// From where.
    pub source: IpAddr,
    /// Who.
    pub extension: &'a str,
    /// With what.
    pub password: &'a str,
}

impl Door {
    /// With the passwords of this directory.
    pub fn new(passwords: &Path, ports: Ports) -> Self {
        Self { passwords: passwords.into(), ports, throttle: Arc::default() }
    }

    /// Who is in: for the usage.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Lets in whoever has the password of an agent or supervisor, while a port is free. Whoever has not learns neither which
    /// extensions there are nor whether a port is free.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(&self, claim: &Claim<'_>, wanted: &Wanted) -> Result<Admitted, ConsoleRefusal> {
        let now = Instant::now();
        if self.keeps_out(claim.source, now) {
            return Err(ConsoleRefusal::TooManyFailures);
        }
        if !self.is_right(claim).await {
            self.throttle().failed(claim.source, now, Rule::from(&wanted.policy));
            return Err(ConsoleRefusal::WrongCredentials);
        }
        let roles = Roles::of(claim.extension, wanted);
        if roles.is_none() {
            return Err(ConsoleRefusal::NoRole);
        }
        let port = self.ports.take(wanted.limits.call_center).ok_or(ConsoleRefusal::NoFreePort)?;
        Ok(Admitted { port, roles })
    }

    async fn is_right(&self, claim: &Claim<'_>) -> bool {
        // Only a number leads to a file.
        if !is_number(claim.extension) {
            return false;
        }
        let path = self.passwords.join(secret::console_password(claim.extension));
        let password = read(path).await.unwrap_or_default();
        let password = password.trim_ascii_end();
        let same: bool = Sha256::digest(password).ct_eq(&Sha256::digest(claim.password)).into();
        same && !password.is_empty()
    }

    fn keeps_out(&self, source: IpAddr, now: Instant) -> bool {
        let mut throttle = self.throttle();
        throttle.released(now);
        throttle.blocks(source, now)
    }

    /// A panic in between leaves counts that are counts.
    fn throttle(&self) -> std::sync::MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(path: PathBuf) -> std::io::Result<Vec<u8>> {
    let mut password = Vec::new();
    tokio::fs::File::open(path).await?.take(PASSWORD_MAX).read_to_end(&mut password).await?;
    Ok(password)
}
