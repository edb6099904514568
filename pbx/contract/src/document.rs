//! What both files have in common: a schema, and a generation that is a digest of the rest. No I/O.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::SCHEMA;

/// The two fields that say how a file is to be read and which one it is.
#[derive(Debug)]
pub struct Sealed<'file> {
    /// [`SCHEMA`].
    pub schema: &'file mut u32,
    /// The digest.
    pub generation: &'file mut String,
}

/// A file of the contract.
pub trait Document: Clone + Serialize + DeserializeOwned {
    /// Its name in [`crate::LIMITS_DIR`].
    const FILE: &'static str;

    /// Its schema and generation.
    fn sealed(&mut self) -> Sealed<'_>;

    /// Sets `schema` and `generation` from the content. Equal content gives an equal generation, in any process.
    ///
    /// # Errors
    /// When the content cannot be written as JSON.
    fn seal(mut self) -> Result<Self, serde_json::Error> {
        *self.sealed().schema = SCHEMA;
        *self.sealed().generation = String::new();
        let digest = digest(&serde_json::to_vec(&self)?);
        *self.sealed().generation = digest;
        Ok(self)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it is not JSON of this shape, has another schema, or does not hash to its generation.
    fn parse(text: &str) -> Result<Self, ContractError> {
        let file = Self::FILE;
        // The schema first: a newer one may have any shape.
        let version: Version = serde_json::from_str(text).map_err(|error| ContractError::Json { file, error })?;
        if version.schema != SCHEMA {
            return Err(ContractError::Schema { file, found: version.schema });
        }
        let mut document: Self = serde_json::from_str(text).map_err(|error| ContractError::Json { file, error })?;
        let stated = document.sealed().generation.clone();
        let sealed = document.seal().map_err(|error| ContractError::Json { file, error })?;
        let computed = sealed.clone().sealed().generation.clone();
        if stated != computed {
            return Err(ContractError::Generation { file, stated, computed });
        }
        Ok(sealed)
    }
}

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// Not JSON of this shape.
    #[error("{file} is not valid: {error}")]
    Json {
        /// Which.
        file: &'static str,
        /// Where and why.
        error: serde_json::Error,
    },
    /// Written for another version of the contract.
    #[error("{file} has schema {found}, this agent reads {SCHEMA}; deploy matching versions of operator and PBX image")]
    Schema {
        /// Which.
        file: &'static str,
        /// What it says.
        found: u32,
    },
    /// The content does not hash to its generation: a partial or edited file.
    #[error("{file} says generation {stated}, its content gives {computed}; it was edited by hand or cut short")]
    Generation {
        /// Which.
        file: &'static str,
        /// What it says.
        stated: String,
        /// What its content gives.
        computed: String,
    },
    /// The limits were written for other extensions.
    #[error("limits.json belongs to extensions.json of generation {wanted}, but {found} is mounted beside it")]
    Pair {
        /// What the limits name.
        wanted: String,
        /// What is there.
        found: String,
    },
}

#[derive(serde::Deserialize)]
struct Version {
    schema: u32,
}

fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
