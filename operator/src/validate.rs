//! From wire types to what the builders take, or a reason why not. Pure.

use ecqx_crds::{EcqxInstance, LicenseSet, MaintenanceWindow, facts::situation_of};
use ecqx_domain::{
    hostname::{HostnameError, Label},
    ledger::{self, Entitlements},
    lifecycle::Trial,
    maintenance::Window,
    settings::Settings,
    unique_id::UniqueId,
};
use jiff::Timestamp;
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::Resource;
use pbx_contract::{Document as _, ExtensionsFile, LimitsFile, extension_order};

use crate::names::Names;

pub use configuration::ConfigurationError;
pub use extensions::Passwords;
pub use life::LifeNow;
pub use reach::{LoadBalancerSeen, Reach};

mod configuration;
mod dialled;
mod extensions;
mod life;
mod reach;

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
    /// How phones reach it.
    pub reach: Reach,
    /// When its pod may be replaced, if not at any time.
    pub window: Option<Window>,
    /// When somebody means to move it.
    pub planned_move_at: Option<Timestamp>,
    /// True while the window cannot be understood.
    pub window_is_wrong: bool,
    /// Why what the spec says of the PBX is not what it is given: the last one that could be goes on.
    pub refused: Option<Refused>,
}

/// Why what the spec says of the PBX cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// One word.
    pub reason: &'static str,
    /// With the field and the remedy.
    pub message: String,
}

impl From<ConfigurationError> for Refused {
    fn from(error: ConfigurationError) -> Self {
        Self { reason: error.reason(), message: error.to_string() }
    }
}

/// What is there already and bears on what is wanted.
#[derive(Clone, Debug, Default)]
pub struct Known<'there> {
    /// The licences.
    pub licenses: Option<&'there LicenseSet>,
    /// The trial as it is on record.
    pub trial: Option<Trial>,
    /// Which extensions have a password.
    pub passwords: Passwords,
    /// The files that the PBX was given last.
    pub files: Option<&'there ConfigMap>,
    /// What the load balancer has given.
    pub load_balancer: LoadBalancerSeen,
}

impl Known<'_> {
    /// The last configuration that could be.
    fn in_force(&self) -> Option<ExtensionsFile> {
        let text = self.files?.data.as_ref()?.get(pbx_contract::EXTENSIONS_FILE)?;
        ExtensionsFile::parse(text).ok()
    }
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
    /// What the spec says of the PBX cannot be, and there is none yet that could go on.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// What the PBX is to run with cannot be written.
    #[error("the PBX's files cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Checks an instance with what is known of it, and derives all that is wanted of it at `now`.
///
/// # Errors
/// When its host name cannot be given, or its PBX cannot be and never was.
pub fn validate(
    instance: &EcqxInstance,
    known: &Known<'_>,
    settings: &Settings,
    now: Timestamp,
) -> Result<ValidatedInstance, ValidateError> {
    let Object { namespace, name, uid, owner } = Object::of(instance)?;
    let label = hostname(instance, settings)?;
    let fqdn = settings.fqdn(&label);
    let mut situation = situation_of(instance, known.licenses, settings, now);
    // What is on record of the trial outlives the status.
    situation.life.trial = known.trial.or(situation.life.trial);
    let entitlements = ledger::standing(&situation.facts, &settings.catalogue, now).entitlements;
    let (extensions, window, refused) = configuration(instance, &entitlements, known)?;
    situation.extensions = numbers_of(&extensions);
    let life = LifeNow::of(&situation, now);
    let limits = entitlements.limits();
    let (reach, network) = Reach::of(instance.spec.exposure.as_ref(), &limits, &known.load_balancer, &settings.pbx);
    let file = LimitsFile {
        schema: 0,
        generation: String::new(),
        instance: pbx_contract::Instance {
            unique_id: UniqueId::from_uid(&uid).to_string(),
            fqdn: fqdn.clone(),
            display_name: instance.spec.display_name.clone().unwrap_or_else(|| label.to_string()),
        },
        suspended: !life.phase.in_service(),
        limits,
        policy: settings.pbx.policy.clone(),
        network,
        extensions: extensions.generation.clone(),
    };
    Ok(ValidatedInstance {
        names: Names::of(&name),
        limits: file.seal()?,
        extensions,
        runs: life.phase.in_service(),
        life,
        pbx: instance.spec.pbx.clone(),
        planned_move_at: instance.spec.planned_move_at.as_ref().map(|at| at.0),
        namespace,
        name,
        uid,
        owner,
        fqdn,
        entitlements,
        reach,
        window_is_wrong: window.is_none() && instance.spec.maintenance_window.is_some(),
        window,
        refused,
    })
}

/// What an API server gives to every object.
struct Object {
    namespace: String,
    name: String,
    uid: String,
    owner: OwnerReference,
}

impl Object {
    fn of(instance: &EcqxInstance) -> Result<Self, ValidateError> {
        let meta = &instance.metadata;
        Ok(Self {
            namespace: meta.namespace.clone().ok_or(ValidateError::Incomplete("namespace"))?,
            name: meta.name.clone().ok_or(ValidateError::Incomplete("name"))?,
            uid: meta.uid.clone().ok_or(ValidateError::Incomplete("UID"))?,
            owner: instance.controller_owner_ref(&()).ok_or(ValidateError::Incomplete("owner reference"))?,
        })
    }
}

/// The host name as asked for. One that was given stays given, whatever is reserved later.
fn hostname(instance: &EcqxInstance, settings: &Settings) -> Result<Label, HostnameError> {
    let label = Label::parse(&instance.spec.hostname)?;
    let given = instance.status.as_ref().and_then(|status| status.fqdn.as_ref()) == Some(&settings.fqdn(&label));
    if given { Ok(label) } else { label.unless_reserved(&settings.reserved_hostnames) }
}

/// The numbers of the PBX's extensions in the order in which they are enabled: exactly those, so that what is announced is what will be
/// disabled.
fn numbers_of(file: &ExtensionsFile) -> Vec<String> {
    let mut numbers: Vec<String> = file.extensions.iter().map(|extension| extension.number.clone()).collect();
    numbers.sort_by(|a, b| extension_order(a, b));
    numbers
}

/// Whom the PBX serves, and when its pod may be replaced. A list that cannot be is refused as a whole, and the last that could be
/// goes on; while a window cannot be, nobody knows when the pod may be replaced.
fn configuration(
    instance: &EcqxInstance,
    entitlements: &Entitlements,
    known: &Known<'_>,
) -> Result<(ExtensionsFile, Option<Window>, Option<Refused>), ConfigurationError> {
    let spec = &instance.spec;
    let (window, wrong_window) = match spec.maintenance_window.as_ref().map(window).transpose() {
        Ok(window) => (window, None),
        Err(error) => (None, Some(Refused::from(ConfigurationError::from(error)))),
    };
    match configuration::extensions_file(&spec.pbx, entitlements, &known.passwords) {
        Ok(file) => Ok((file, window, wrong_window)),
        Err(error) => match known.in_force() {
            Some(in_force) => Ok((in_force, window, Some(error.into()))),
            None => Err(error),
        },
    }
}

fn window(wanted: &MaintenanceWindow) -> Result<Window, ecqx_domain::maintenance::WindowError> {
    let days: Vec<String> = wanted.days.iter().map(|day| format!("{day:?}")).collect();
    Window::new(&days, &wanted.start, &wanted.duration, &wanted.time_zone)
}

#[cfg(test)]
pub(crate) mod tests;
