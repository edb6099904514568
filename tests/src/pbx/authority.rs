//! A certificate authority of a test's own, which its phones trust. No I/O.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use super::{ADDRESS, FQDN};

/// Issues the certificates of PBXs.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// One of this name that nobody knows yet.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Its own certificate, in PEM: what a phone is given.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Chain and key for a PBX under test, ending in so many days; of less than none, it has ended.
    ///
    /// # Errors
    /// When none can be made.
    pub fn issue(&self, days: i64) -> Result<(String, String)> {
        let mut params = CertificateParams::new(vec![FQDN.to_owned()])?;
        // Phones under test know the PBX by its address: there is no name server in its network.
        params.subject_alt_names.push(SanType::DnsName(ADDRESS.try_into()?));
        let end = Duration::from_secs(days.unsigned_abs() * 24 * 3600);
        let now = SystemTime::now();
        let end = if days < 0 { now.checked_sub(end) } else { now.checked_add(end) };
        params.not_after = end.context("no such day")?.into();
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}
