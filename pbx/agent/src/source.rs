//! Reads what is mounted: the limits and the passwords. Does I/O (files), blocking.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use pbx_contract::{ContractError, Document, ExtensionsFile, LimitsFile};

use crate::certificate::{Certificate, CertificateError};
use crate::wanted::{self, Passwords, Unfit, Wanted};

/// More than 3000 extensions with long names need; a ConfigMap holds 1 MiB.
const FILE_MAX: u64 = 4 << 20;
/// A password file beyond this is cut, and so does not authenticate.
const PASSWORD_MAX: u64 = 4 << 10;

/// Where the mounted files are.
#[derive(Clone, Debug)]
pub struct Source {
    /// The directory of `limits.json`.
    pub limits_dir: PathBuf,
    /// The directory of the passwords.
    pub passwords_dir: PathBuf,
    /// The directories of the certificate.
    pub tls: TlsDirs,
}

/// Where a certificate for SIP over TLS is.
#[derive(Clone, Debug)]
pub struct TlsDirs {
    /// The newest one; may be no directory.
    pub mounted: PathBuf,
    /// The one that Asterisk runs with.
    pub in_force: PathBuf,
}

impl TlsDirs {
    /// One that cannot be used costs no phone its connection: the one in force stays.
    fn read(&self) -> (Option<Certificate>, Option<CertificateError>) {
        match Certificate::read(&self.mounted) {
            Ok(certificate) => (certificate, None),
            Err(error) => (Certificate::read(&self.in_force).ok().flatten(), Some(error)),
        }
    }
}

/// Why nothing new can be applied; the last good limits stay.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}; is the volume mounted, and readable for the pod's user?")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The limits break the contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The limits and passwords do not make a PBX.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

impl Source {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// When a file is missing, or what they say cannot be applied as a whole.
    pub fn read(&self) -> Result<Wanted, SourceError> {
        let limits: LimitsFile = self.document()?;
        let extensions: ExtensionsFile = self.document()?;
        let mut passwords = Passwords::default();
        for key in wanted::keys(&extensions) {
            if let Some(password) = self.secret(&key)? {
                passwords.0.insert(key, password);
            }
        }
        let wanted = Wanted::new(&limits, &extensions, &passwords)?;
        let (certificate, fault) = self.tls.read();
        Ok(Wanted { certificate, certificate_fault: fault.map(|fault| fault.to_string()), ..wanted })
    }

    fn document<D: Document>(&self) -> Result<D, SourceError> {
        let path = self.limits_dir.join(D::FILE);
        let bytes = read_at_most(&path, FILE_MAX).map_err(|error| SourceError::Read { path, error })?;
        Ok(D::parse(&String::from_utf8_lossy(&bytes))?)
    }

    /// A missing file is no error yet: [`Wanted::new`] names what it lacks.
    fn secret(&self, key: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let path = self.passwords_dir.join(key);
        match read_at_most(&path, PASSWORD_MAX) {
            Ok(password) => Ok(Some(password)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SourceError::Read { path, error }),
        }
    }
}

fn read_at_most(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wanted::fixtures::limits;
    use pbx_contract::LIMITS_FILE;

    fn no_tls() -> TlsDirs {
        TlsDirs { mounted: "/nowhere".into(), in_force: "/nowhere".into() }
    }

    fn mounted(numbers: &[&str]) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        for number in numbers {
            std::fs::write(dir.path().join(number), "secret\n").unwrap();
        }
        let (limits, extensions) = limits(&[("101", None), ("102", None)], 1);
        std::fs::write(dir.path().join(LimitsFile::FILE), serde_json::to_string(&limits).unwrap()).unwrap();
        std::fs::write(dir.path().join(ExtensionsFile::FILE), serde_json::to_string(&extensions).unwrap()).unwrap();
        let source = Source { limits_dir: dir.path().into(), passwords_dir: dir.path().into(), tls: no_tls() };
        (dir, source)
    }

    #[test]
    fn what_is_mounted_is_read() {
        let (_dir, source) = mounted(&["101", "102"]);
        assert_eq!(source.read().unwrap().phones.len(), 2);
    }

    #[test]
    fn a_missing_password_is_said_with_its_number() {
        let (_dir, source) = mounted(&["101"]);
        assert!(source.read().unwrap_err().to_string().contains("extension 102"));
    }

    #[test]
    fn a_file_cut_short_is_refused() {
        let (dir, source) = mounted(&["101", "102"]);
        let path = dir.path().join(LIMITS_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(matches!(source.read(), Err(SourceError::Contract(_))));
    }

    #[test]
    fn a_missing_limits_file_is_said_with_its_path() {
        let source = Source { limits_dir: "/nowhere".into(), passwords_dir: "/nowhere".into(), tls: no_tls() };
        assert!(source.read().unwrap_err().to_string().contains("/nowhere/limits.json"));
    }
}
