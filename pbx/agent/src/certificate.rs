//! The certificate for SIP over TLS: read, and checked before Asterisk sees it. Does I/O (files), blocking.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// The chain's file, as cert-manager names it; Asterisk's copy has the same name.
pub const CHAIN: &str = "tls.crt";
/// The private key's file.
pub const KEY: &str = "tls.key";

/// A chain and the key that belongs to it, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The server's certificate first.
    pub chain: String,
    /// Its private key, for a file that only its owner reads.
    pub key: String,
    /// From when on telephones refuse it.
    pub until: Timestamp,
}

/// Why there is no TLS with what is mounted.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {file} of the certificate for SIP over TLS: {error}")]
    Read {
        /// Which.
        file: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// What is in it is no PEM of that kind. The parser's own words could hold what is secret.
    #[error("{0} of the certificate for SIP over TLS is not valid PEM")]
    Pem(&'static str),
    /// Chain and key do not belong together, or the kind of key is unknown.
    #[error("the certificate for SIP over TLS cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Certificate {
    /// What is in this directory; none when neither file is there.
    ///
    /// # Errors
    /// When it cannot be read, or chain and key are no pair: one half of a change, say.
    pub fn read(dir: &Path) -> Result<Option<Self>, CertificateError> {
        let Some(chain) = text(dir, CHAIN)? else { return Ok(None) };
        let Some(key) = text(dir, KEY)? else { return Err(CertificateError::Pem(KEY)) };
        let until = check(&chain, &key)?;
        Ok(Some(Self { chain, key, until }))
    }
}

/// Gives the end of the first certificate's validity.
fn check(chain: &str, key: &str) -> Result<Timestamp, CertificateError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::Pem(CHAIN))?;
    let until = chain.first().and_then(|first| until(first)).ok_or(CertificateError::Pem(CHAIN))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| CertificateError::Pem(KEY))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())?;
    Ok(until)
}

fn until(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(..)")
    }
}

fn text(dir: &Path, file: &'static str) -> Result<Option<String>, CertificateError> {
    match std::fs::read_to_string(dir.join(file)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CertificateError::Read { file, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, chain: &str, key: &str) {
        std::fs::write(dir.join(CHAIN), chain).unwrap();
        std::fs::write(dir.join(KEY), key).unwrap();
    }

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["a.epygicloud.com".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_pair_is_taken_and_never_printed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Certificate::read(dir.path()).unwrap(), None);
        let (chain, key) = made();
        write(dir.path(), &chain, &key);
        let read = Certificate::read(dir.path()).unwrap().unwrap();
        assert_eq!((&read.chain, &read.key), (&chain, &key));
        // `rcgen` makes them valid for some thousand years, unless it is told otherwise.
        assert_eq!(read.until.to_string(), "4096-01-01T00:00:00Z");
        assert_eq!(format!("{read:?}"), "Certificate(..)");
    }

    #[test]
    fn the_key_of_another_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &made().0, &made().1);
        assert!(matches!(Certificate::read(dir.path()), Err(CertificateError::Unusable(_))));
    }

    #[test]
    fn what_is_no_pem_is_refused_without_being_quoted() {
        let dir = tempfile::tempdir().unwrap();
        for (chain, key) in [("", made().1.as_str()), (made().0.as_str(), "hidden")] {
            write(dir.path(), chain, key);
            let error = Certificate::read(dir.path()).unwrap_err();
            assert!(matches!(error, CertificateError::Pem(_)) && !error.to_string().contains("hidden"), "{error}");
        }
    }
}
