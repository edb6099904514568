//! `ecqx-dns key`: makes keys, and sets the times of a rollover (RFC 6781, RFC 7583). I/O: files, the clock, standard output.

mod plan;

#[cfg(test)]
mod tests;

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand, ValueEnum};
use hickory_proto::rr::Name;
use ring::rand::{SecureRandom, SystemRandom};

use super::{Key, KeyError, Tick, algorithm::Algorithm, key, key::Times};
use crate::{metrics::unix_now, wire::WireName};

/// Makes and replaces the keys that sign the zone. The files go into a Secret; nothing is sent anywhere.
#[derive(Debug, Parser)]
#[command(name = "ecqx-dns key")]
pub struct Manage {
    /// The folder of the key files.
    #[arg(long, global = true, value_name = "PATH", default_value = ".")]
    folder: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key that is in use at once, and prints the DS record for the parent zone.
    New {
        /// The zone.
        zone: String,
        /// What the key is for.
        #[arg(long, value_enum, default_value_t = Role::Csk)]
        role: Role,
        /// The scheme.
        #[arg(long, value_enum, default_value_t = Algorithm::Ed25519)]
        algorithm: Algorithm,
    },
    /// Makes the successor of a key, and sets both keys' times so that there is no gap: the new one stands in the zone a day before it
    /// signs. An old KSK or CSK stays until it is retired, since only you know when the parent's DS is the new one.
    Replace {
        /// The zone.
        zone: String,
        /// The name of the old key's files, without .key and .private.
        name: String,
    },
    /// Sets the time at which a replaced KSK or CSK leaves the zone: a day from now. Not before the parent's DS is that of its successor,
    /// and the TTL of the old DS has passed.
    Retire {
        /// The zone.
        zone: String,
        /// The name of its files.
        name: String,
    },
    /// Prints the DS record of a key.
    Ds {
        /// The zone.
        zone: String,
        /// The name of its files.
        name: String,
    },
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything: the parent points to it, and it signs the zone.
    Csk,
    /// The parent points to it, and it signs the keys.
    Ksk,
    /// It signs the zone, where there is a KSK beside it.
    Zsk,
}

/// Why a key cannot be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A key.
    #[error("{path}: {source}")]
    Key {
        /// The .private file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// No zone.
    #[error("{0:?} is no domain name; give the zone as in the settings, such as epygicloud.com")]
    Zone(String),
    /// No random numbers.
    #[error("the system gives no random numbers; try again")]
    Random,
    /// Not retired.
    #[error("{0} has no successor yet (no time Inactive); make one with `ecqx-dns key replace`")]
    NotReplaced(PathBuf),
}

/// The times of a key that is replaced, from now on, and of its successor.
pub fn replaced(old: Times, is_entry: bool, now: key::Instant) -> (Times, Times) {
    plan::replaced(old, if is_entry { Role::Csk } else { Role::Zsk }, now)
}

/// When a replaced entry point may leave at the earliest.
pub fn retired(old: &Times, now: key::Instant) -> key::Instant {
    plan::retired(old, now)
}

impl Manage {
    /// Does what is wanted, and tells of it on standard output.
    ///
    /// # Errors
    /// With the file concerned.
    pub fn run(self) -> Result<(), ManageError> {
        let text = self.done(unix_now())?;
        io::stdout().write_all(text.as_bytes()).map_err(|source| ManageError::File { path: "stdout".into(), source })
    }

    /// Does what is wanted at a time in Unix seconds; what is to be told.
    ///
    /// # Errors
    /// With the file concerned.
    pub fn done(self, now: u64) -> Result<String, ManageError> {
        match &self.command {
            Command::New { zone, role, algorithm } => {
                let times = plan::first(Tick::of(now), *role);
                self.make(&origin(zone)?, *role, *algorithm, times)
            }
            Command::Replace { zone, name } => self.replace(&origin(zone)?, name, now),
            Command::Retire { zone, name } => self.retire(&origin(zone)?, name, now),
            Command::Ds { zone, name } => {
                let origin = origin(zone)?;
                Ok(ds(&self.read(&origin, name)?, &origin))
            }
        }
    }

    fn make(&self, origin: &WireName, role: Role, algorithm: Algorithm, times: Times) -> Result<String, ManageError> {
        let (key, secret) = random(algorithm, role != Role::Zsk, times)?;
        let (public, private) = key.texts(origin, &secret);
        let name = format!(
            "{}-{}",
            role.to_possible_value().map_or("key".into(), |value| value.get_name().to_owned()),
            key.tag()
        );
        write(&self.folder.join(format!("{name}.key")), &public, true)?;
        write(&self.folder.join(format!("{name}.private")), &private, true)?;
        let mut told = format!("; {name}.key and {name}.private are written\n");
        if key.is_entry() {
            told.push_str(&ds(&key, origin));
        }
        Ok(told)
    }

    fn replace(&self, origin: &WireName, name: &str, now: u64) -> Result<String, ManageError> {
        let old = self.read(origin, name)?;
        let role = match (old.is_entry(), name.starts_with("ksk")) {
            (true, false) => Role::Csk,
            (true, true) => Role::Ksk,
            (false, _) => Role::Zsk,
        };
        let (before, after) = plan::replaced(*old.times(), role, now);
        let mut told = self.make(origin, role, old.algorithm(), after)?;
        self.set(name, &before)?;
        plan::told(&before, &after).lines().for_each(|line| {
            // Writing to a text cannot fail.
            let _written = writeln!(told, "; {line}");
        });
        Ok(told)
    }

    fn retire(&self, origin: &WireName, name: &str, now: u64) -> Result<String, ManageError> {
        let old = *self.read(origin, name)?.times();
        if old.inactive.is_none() {
            return Err(ManageError::NotReplaced(self.folder.join(name)));
        }
        let times = Times { delete: Some(plan::retired(&old, now)), ..old };
        self.set(name, &times)?;
        Ok(format!(
            "; {name} leaves the zone:\n{}",
            times.text().lines().map(|line| format!("; {line}\n")).collect::<Vec<_>>().concat()
        ))
    }

    fn read(&self, origin: &WireName, name: &str) -> Result<Key, ManageError> {
        let path = self.folder.join(format!("{name}.private"));
        let (public, private) = (read(&self.folder.join(format!("{name}.key")))?, read(&path)?);
        Key::parse(&public, &private, origin).map_err(|source| ManageError::Key { path, source })
    }

    fn set(&self, name: &str, times: &Times) -> Result<(), ManageError> {
        let path = self.folder.join(format!("{name}.private"));
        write(&path, &key::retimed(&read(&path)?, times), false)
    }
}

/// A key of random numbers, with its secret.
fn random(algorithm: Algorithm, is_entry: bool, times: Times) -> Result<(Key, [u8; 32]), ManageError> {
    // Nearly all numbers make a key.
    for _ in 0..8 {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| ManageError::Random)?;
        if let Some(key) = Key::of(algorithm, &secret, is_entry, times) {
            return Ok((key, secret));
        }
    }
    Err(ManageError::Random)
}

/// The DS record for the parent zone.
fn ds(key: &Key, origin: &WireName) -> String {
    let octets = key.ds(origin);
    let digest = octets[4..].iter().fold(String::new(), |mut text, octet| {
        // Writing to a text cannot fail.
        let _written = write!(text, "{octet:02X}");
        text
    });
    format!("{origin} IN DS {} {} 2 {digest}\n", key.tag(), key.algorithm().number())
}

fn origin(zone: &str) -> Result<WireName, ManageError> {
    let refused = |_| ManageError::Zone(zone.to_owned());
    let name = Name::from_ascii(zone.trim_end_matches('.')).and_then(|name| name.append_domain(&Name::root()));
    name.map(|name| WireName::of(&name)).map_err(refused)
}

fn read(path: &Path) -> Result<String, ManageError> {
    std::fs::read_to_string(path).map_err(|source| ManageError::File { path: path.to_owned(), source })
}

/// Writes a file that only its owner can read: a new one, or in the place of one.
fn write(path: &Path, text: &str, new: bool) -> Result<(), ManageError> {
    let refused = |source| ManageError::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).mode(0o600);
    let mut file =
        if new { options.create_new(true).open(path) } else { options.truncate(true).open(path) }.map_err(refused)?;
    file.write_all(text.as_bytes()).map_err(refused)
}
