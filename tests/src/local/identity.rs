//! The cluster's certificate authority, certificates and kubeconfigs, made anew for each start. Writes files.

use std::{
    fs,
    io::Write,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use serde_json::json;

use super::layout::Layout;

/// The node's name.
pub const NODE: &str = "ecqx-node";

/// Who a client certificate names: (component, user, group). The groups carry the rights, as in any cluster.
const CLIENTS: [(&str, &str, &str); 5] = [
    ("admin", "ecqx-admin", "system:masters"),
    ("kube-controller-manager", "system:kube-controller-manager", "system:kube-controller-manager"),
    ("kube-scheduler", "system:kube-scheduler", "system:kube-scheduler"),
    ("kube-proxy", "system:kube-proxy", "system:node-proxier"),
    ("kubelet", "system:node:ecqx-node", "system:nodes"),
];

/// The files that the API server and its clients are started with.
#[derive(Clone, Debug)]
pub struct Identity {
    dir: PathBuf,
}

impl Identity {
    /// Writes all certificates, and a kubeconfig for each component that reaches the API server at `server`.
    ///
    /// # Errors
    /// When a key cannot be made or a file not written.
    pub fn create(layout: &Layout, server: &str, addresses: &[IpAddr]) -> Result<Self> {
        let identity = Self { dir: layout.path("pki") };
        fs::create_dir_all(&identity.dir)?;
        fs::create_dir_all(layout.path("kubeconfigs"))?;
        let (authority, ca) = authority()?;
        write_private(&identity.ca(), &ca)?;
        identity.issue("apiserver", &serving(addresses)?, &authority)?;
        for (component, user, group) in CLIENTS {
            let (certificate, key) = identity.issue(component, &client(user, group), &authority)?;
            let config = kubeconfig(server, &ca, &certificate, &key);
            write_private(&layout.kubeconfig_of(component), &config)?;
            if component == "admin" {
                write_private(&layout.kubeconfig(), &config)?;
            }
        }
        let tokens = KeyPair::generate()?;
        write_private(&identity.path("tokens.key"), &tokens.serialize_pem())?;
        write_private(&identity.path("tokens.pub"), &tokens.public_key_pem())?;
        Ok(identity)
    }

    /// A file of the identity, by name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The authority's certificate.
    pub fn ca(&self) -> PathBuf {
        self.path("ca.crt")
    }

    fn issue(
        &self,
        name: &str,
        params: &CertificateParams,
        authority: &Issuer<'_, KeyPair>,
    ) -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, authority)?.pem();
        write_private(&self.path(&format!("{name}.crt")), &certificate)?;
        write_private(&self.path(&format!("{name}.key")), &key.serialize_pem())?;
        Ok((certificate, key.serialize_pem()))
    }
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String)> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "ecqx local cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), certificate))
}

fn serving(addresses: &[IpAddr]) -> Result<CertificateParams> {
    let mut params = leaf("kube-apiserver", ExtendedKeyUsagePurpose::ServerAuth);
    for name in [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ] {
        params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
    }
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    Ok(params)
}

fn client(user: &str, group: &str) -> CertificateParams {
    let mut params = leaf(user, ExtendedKeyUsagePurpose::ClientAuth);
    params.distinguished_name.push(DnType::OrganizationName, group);
    params
}

fn leaf(name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![usage];
    params
}

/// A kubeconfig as JSON, which is YAML too.
fn kubeconfig(server: &str, ca: &str, certificate: &str, key: &str) -> String {
    let encode = |text: &str| STANDARD.encode(text);
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "ecqx",
        "clusters": [{"name": "ecqx", "cluster": {"server": server, "certificate-authority-data": encode(ca)}}],
        "users": [{"name": "ecqx", "user": {"client-certificate-data": encode(certificate), "client-key-data": encode(key)}}],
        "contexts": [{"name": "ecqx", "context": {"cluster": "ecqx", "user": "ecqx"}}],
    })
    .to_string()
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, content: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
