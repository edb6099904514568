//! The webhook's secret and the API's tokens: read from files, compared in constant time, never shown. I/O: those files.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Where the secrets are. They are read anew for each delivery, so that a rotated secret counts without a restart.
#[derive(Clone, Debug)]
pub struct SecretFiles {
    /// The secret that the shop signs its webhook with.
    pub webhook_secret: PathBuf,
    /// The tokens of /v1/orders, one on each line.
    pub api_tokens: PathBuf,
}

/// Why a secret cannot be used. The text names the file and never its contents.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret file {path}: {source}; mount it, or name another with the flag", path = .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is nothing in it: anybody could sign with an empty secret.
    #[error("the secret file {path} is empty; put the secret into it", path = .path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

impl SecretFiles {
    /// Whether both secrets can be used.
    ///
    /// # Errors
    /// With the file that cannot.
    pub async fn check(&self) -> Result<(), SecretError> {
        read(&self.webhook_secret).await?;
        read(&self.api_tokens).await?;
        Ok(())
    }

    /// Whether `signature` (base64) is the HMAC-SHA256 of the raw body.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub async fn verifies(&self, body: &[u8], signature: &[u8]) -> Result<bool, SecretError> {
        let secret = read(&self.webhook_secret).await?;
        let (Ok(signature), Ok(mut mac)) =
            (STANDARD.decode(signature), Hmac::<Sha256>::new_from_slice(secret.as_bytes()))
        else {
            return Ok(false);
        };
        mac.update(body);
        Ok(mac.verify_slice(&signature).is_ok())
    }

    /// Whether the token is one of those in the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn admits(&self, token: &[u8]) -> Result<bool, SecretError> {
        let tokens = read(&self.api_tokens).await?;
        let given = Sha256::digest(token);
        // Digests are of one length, and every token is looked at: neither its length nor its place shows in the time taken.
        let known = tokens.lines().map(str::trim).filter(|line| !line.is_empty());
        let admitted = known.fold(subtle::Choice::from(0), |admitted, known| {
            admitted | Sha256::digest(known).as_slice().ct_eq(given.as_slice())
        });
        Ok(admitted.into())
    }
}

async fn read(path: &PathBuf) -> Result<String, SecretError> {
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|source| SecretError::Read { path: path.clone(), source })?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(SecretError::Empty { path: path.clone() });
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(webhook_secret: &str, api_tokens: &str) -> (tempfile::TempDir, SecretFiles) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        };
        let files = SecretFiles { webhook_secret: at("webhook", webhook_secret), api_tokens: at("tokens", api_tokens) };
        (folder, files)
    }

    #[tokio::test]
    async fn a_signature_of_rfc_4231_verifies_and_one_of_another_body_does_not() {
        // RFC 4231, test case 2.
        let (_folder, files) = files("Jefe\n", "t");
        let signature = b"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert!(files.verifies(b"what do ya want for nothing?", signature).await.unwrap());
        assert!(!files.verifies(b"what do ya want for nothing!", signature).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_base64_or_cut_short_does_not_verify() {
        let (_folder, files) = files("Jefe", "t");
        for signature in ["", "!", "W9w=", "5bdcc146bf60754e6a042426089575c7"] {
            assert!(!files.verifies(b"what do ya want for nothing?", signature.as_bytes()).await.unwrap());
        }
    }

    #[tokio::test]
    async fn each_token_of_the_file_is_admitted_and_nothing_else() {
        let (_folder, files) = files("s", "one\n\n two \r\n");
        for (token, admitted) in [("one", true), ("two", true), ("", false), ("on", false), ("one\n\n two", false)] {
            assert_eq!(files.admits(token.as_bytes()).await.unwrap(), admitted, "{token:?}");
        }
    }

    #[tokio::test]
    async fn an_empty_or_absent_secret_is_refused_with_its_file() {
        let (folder, files) = files(" \n", "t");
        assert!(files.check().await.unwrap_err().to_string().contains("webhook is empty"));
        drop(folder);
        assert!(files.check().await.unwrap_err().to_string().contains("cannot read the secret file"));
    }
}
