//! Whom a PBX serves, from the spec: the whole of it, or a reason why it cannot be. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ecqx_crds::{PbxSpec, condition::reason, facts::numbers};
use ecqx_domain::{feature::Feature, ledger::Entitlements, maintenance::WindowError};
use pbx_contract::{ConferenceRoom, Document as _, Extension, ExtensionsFile, MediaEncryption};

use super::{dialled, extensions, extensions::Passwords};

/// A ConfigMap holds 1 MiB; limits.json needs little of it.
const MOST_BYTES: usize = 1_000_000;

/// Why what the spec says of the PBX cannot be: with the field and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// One number, two things.
    #[error("spec.pbx.{list}: {number} is {holder} already; give one of them another number")]
    Twice {
        /// The list of the second.
        list: &'static str,
        /// Which number.
        number: String,
        /// What it is in the first.
        holder: &'static str,
    },
    /// A member that is nobody.
    #[error(
        "spec.pbx.{list}[number={number}].{field}: there is no extension {missing}; add it to spec.pbx.extensions, or take it out here"
    )]
    NoSuchExtension {
        /// The list.
        list: &'static str,
        /// Of which item.
        number: String,
        /// The field in it.
        field: &'static str,
        /// Who is missing.
        missing: String,
    },
    /// Keys of audio would go in the clear.
    #[error(
        "spec.pbx.extensions[number={number}].mediaEncryption: Required needs SIP over TLS, or the keys would be read on the way; set spec.pbx.tls, or leave it out"
    )]
    NeedsTls {
        /// Of which extension.
        number: String,
    },
    /// More than a ConfigMap holds.
    #[error(
        "spec.pbx: names, addresses and lists come to {bytes} bytes, and a PBX can be given {MOST_BYTES}; shorten names and e-mail addresses"
    )]
    TooLarge {
        /// How much it is.
        bytes: usize,
    },
    /// No such window.
    #[error("spec.maintenanceWindow.{0}")]
    Window(#[from] WindowError),
    /// It cannot be written.
    #[error("spec.pbx: cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ConfigurationError {
    /// One word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoSuchExtension { .. } => reason::NOT_FOUND,
            Self::TooLarge { .. } => reason::TOO_LARGE,
            Self::Twice { .. } | Self::NeedsTls { .. } | Self::Window(_) | Self::Json(_) => reason::INVALID,
        }
    }
}

/// Builds the file.
///
/// # Errors
/// With the field and the remedy; nothing is left out in silence.
pub(super) fn extensions_file(
    spec: &PbxSpec,
    entitlements: &Entitlements,
    passwords: &Passwords,
) -> Result<ExtensionsFile, ConfigurationError> {
    let default_room = numbers::has_default_room(spec, entitlements.quantity(Feature::AudioConference));
    let extensions = extensions::configured(spec, entitlements, passwords);
    let mut file = ExtensionsFile {
        extensions,
        ring_groups: dialled::ring_groups(spec),
        conference_rooms: dialled::conference_rooms(spec),
        queues: dialled::queues(spec),
        ..ExtensionsFile::default()
    };
    check(spec, &file)?;
    if default_room && file.extensions.iter().all(|extension| extension.number != numbers::DEFAULT_ROOM) {
        file.conference_rooms.push(ConferenceRoom { number: numbers::DEFAULT_ROOM.to_owned(), name: None });
    }
    let file = file.seal()?;
    let bytes = serde_json::to_string(&file)?.len();
    if bytes > MOST_BYTES { Err(ConfigurationError::TooLarge { bytes }) } else { Ok(file) }
}

fn check(spec: &PbxSpec, file: &ExtensionsFile) -> Result<(), ConfigurationError> {
    let extensions: BTreeSet<&str> = file.extensions.iter().map(|extension| extension.number.as_str()).collect();
    let mut holders: BTreeMap<&str, &'static str> =
        extensions.iter().map(|number| (*number, "an extension's")).collect();
    let encrypted = |extension: &&Extension| extension.media_encryption == MediaEncryption::Required;
    if let Some(extension) = file.extensions.iter().find(encrypted).filter(|_| spec.tls.is_none()) {
        return Err(ConfigurationError::NeedsTls { number: extension.number.clone() });
    }
    for (list, kind, number) in numbers::others(spec) {
        if let Some(holder) = holders.insert(number, kind) {
            return Err(ConfigurationError::Twice { list, number: number.to_owned(), holder });
        }
    }
    let groups = spec.ring_groups.iter().map(|group| ("ringGroups", &group.number, "members", &group.members));
    let agents = spec.queues.iter().map(|queue| ("queues", &queue.number, "agents", &queue.agents));
    let supervisors = spec.queues.iter().map(|queue| ("queues", &queue.number, "supervisors", &queue.supervisors));
    for (list, number, field, members) in groups.chain(agents).chain(supervisors) {
        if let Some(missing) = members.iter().find(|member| !extensions.contains(member.as_str())) {
            let (number, missing) = (number.clone(), missing.clone());
            return Err(ConfigurationError::NoSuchExtension { list, number, field, missing });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
