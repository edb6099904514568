//! From wire types to what the builders take, or a reason why not. Pure.

use ecqx_crds::{EcqxInstance, LicenseSet, facts::situation_of};
use ecqx_domain::{
    hostname::{HostnameError, Label},
    ledger::{self, Entitlements},
    lifecycle::Trial,
    settings::Settings,
    unique_id::UniqueId,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use pbx_contract::{Document as _, ExtensionsFile, LimitsFile, Network, Policy};

use crate::names::Names;

pub use extensions::Passwords;
pub use life::LifeNow;

mod extensions;
mod life;

/// An instance that can be built: the builders' only input.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedInstance {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its object UID.
    pub uid: String,
    /// The names of its children.
    pub names: Names,
    /// Makes the garbage collector end the children with it.
    pub owner: OwnerReference,
    /// The full host name.
    pub fqdn: String,
    /// What the PBX runs with.
    pub limits: LimitsFile,
    /// Whom it serves.
    pub extensions: ExtensionsFile,
    /// What may be used, and why.
    pub entitlements: Entitlements,
    /// Its dates, and where it stands by them.
    pub life: LifeNow,
    /// The pod and its volume.
    pub pbx: ecqx_crds::PbxSpec,
    /// Whether it has a pod: while it is in service, and then until its calls are over.
    pub runs: bool,
}

impl ValidatedInstance {
    /// The extensions that may be used.
    pub fn enabled(&self) -> Vec<&pbx_contract::Extension> {
        self.extensions.enabled(self.limits.limits.ip_phone_extension)
    }

    /// The extensions beyond the licensed number.
    pub fn disabled(&self) -> Vec<&pbx_contract::Extension> {
        self.extensions.disabled(self.limits.limits.ip_phone_extension)
    }
}

/// Why an instance cannot be built as it is.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// The API server always sets these; an object without them did not come from it.
    #[error("the object has no {0}; it was not read from an API server")]
    Incomplete(&'static str),
    /// The host name is no label, or reserved.
    #[error("spec.hostname: {0}")]
    Hostname(#[from] HostnameError),
    /// What the PBX is to run with cannot be written.
    #[error("the PBX's files cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Checks an instance with its licences, and its trial as it is on record, and derives all that is wanted of it at `now`.
///
/// # Errors
/// When its host name cannot be given.
pub fn validate(
    instance: &EcqxInstance,
    licenses: Option<&LicenseSet>,
    passwords: &Passwords,
    trial: Option<Trial>,
    settings: &Settings,
    now: Timestamp,
) -> Result<ValidatedInstance, ValidateError> {
    let meta = &instance.metadata;
    let namespace = meta.namespace.clone().ok_or(ValidateError::Incomplete("namespace"))?;
    let name = meta.name.clone().ok_or(ValidateError::Incomplete("name"))?;
    let uid = meta.uid.clone().ok_or(ValidateError::Incomplete("UID"))?;
    let owner = instance.controller_owner_ref(&()).ok_or(ValidateError::Incomplete("owner reference"))?;
    let label = Label::parse(&instance.spec.hostname)?;
    let fqdn = settings.fqdn(&label);
    // A name that was given stays given, whatever is reserved later.
    let given = instance.status.as_ref().and_then(|status| status.fqdn.as_ref()) == Some(&fqdn);
    let label = if given { label } else { label.unless_reserved(&settings.reserved_hostnames)? };

    let mut situation = situation_of(instance, licenses, settings, now);
    // What is on record of the trial outlives the status.
    situation.life.trial = trial.or(situation.life.trial);
    let entitlements = ledger::standing(&situation.facts, &settings.catalogue, now).entitlements;
    let life = LifeNow::of(&situation, now);
    let identity = pbx_contract::Instance {
        unique_id: UniqueId::from_uid(&uid).to_string(),
        fqdn: fqdn.clone(),
        display_name: instance.spec.display_name.clone().unwrap_or_else(|| label.to_string()),
    };
    let extensions = extensions::configured(&instance.spec.pbx.extensions, &entitlements, passwords);
    let extensions = ExtensionsFile { extensions, ..ExtensionsFile::default() }.seal()?;
    Ok(ValidatedInstance {
        names: Names::of(&name),
        limits: limits_file(identity, &extensions, &entitlements, !life.phase.in_service())?,
        extensions,
        runs: life.phase.in_service(),
        life,
        pbx: instance.spec.pbx.clone(),
        namespace,
        name,
        uid,
        owner,
        fqdn,
        entitlements,
    })
}

fn limits_file(
    instance: pbx_contract::Instance,
    extensions: &ExtensionsFile,
    entitlements: &Entitlements,
    suspended: bool,
) -> Result<LimitsFile, serde_json::Error> {
    let file = LimitsFile {
        schema: 0,
        generation: String::new(),
        instance,
        suspended,
        limits: entitlements.limits(),
        policy: Policy::default(),
        network: Network::default(),
        extensions: extensions.generation.clone(),
    };
    file.seal()
}

#[cfg(test)]
pub(crate) mod tests;
