//! What the API tells and takes of one instance: how it will stand, requests for less, and its payment. I/O: the API server.

use ecqx_crds::{EcqxInstance, LicenseSet};
use ecqx_domain::{foresight::Situation, hostname::Label, settings::Settings};
use k8s_openapi::jiff::Timestamp;
use kube::{Api, ResourceExt};

pub use error::InstanceError;

use crate::bridge::Bridge;

pub mod changes;
mod error;
pub mod forecast;
pub mod payment;
pub mod view;

/// How often a write is judged anew when somebody changed the object meanwhile.
const ATTEMPTS: usize = 30;

/// Which instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// From a path, of which any part may be anything.
    ///
    /// # Errors
    /// When no instance can have these names.
    pub fn new(namespace: String, name: String) -> Result<Self, InstanceError> {
        match (Label::parse(&namespace), Label::parse(&name)) {
            (Ok(_), Ok(_)) => Ok(Self { namespace, name }),
            _ => Err(InstanceError::Unknown),
        }
    }

    fn instances(&self, bridge: &Bridge) -> Api<EcqxInstance> {
        Api::namespaced(bridge.client.clone(), &self.namespace)
    }

    fn license_sets(&self, bridge: &Bridge) -> Api<LicenseSet> {
        Api::namespaced(bridge.client.clone(), &self.namespace)
    }
}

/// An instance and its licences, as they are.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The instance.
    pub instance: EcqxInstance,
    /// Its licences.
    pub licenses: Option<LicenseSet>,
}

impl Seen {
    /// All that is known of it.
    pub fn situation<'a>(&self, settings: &'a Settings, now: Timestamp) -> Situation<'a> {
        ecqx_crds::facts::situation_of(&self.instance, self.licenses.as_ref(), settings, now)
    }

    /// The same instance with other licences.
    fn with(&self, licenses: LicenseSet) -> Self {
        Self { instance: self.instance.clone(), licenses: Some(licenses) }
    }

    /// Its licences, which may be none as yet.
    fn licenses(&self) -> LicenseSet {
        let empty = || LicenseSet::new(&self.instance.name_any(), ecqx_crds::LicenseSetSpec::default());
        self.licenses.clone().unwrap_or_else(empty)
    }
}

/// Reads an instance and its licences, from the API server itself.
///
/// # Errors
/// [`InstanceError::Unknown`], or when the API server cannot be asked.
pub async fn look_up(bridge: &Bridge, key: &Key) -> Result<Seen, InstanceError> {
    let (instances, license_sets) = (key.instances(bridge), key.license_sets(bridge));
    let (instance, licenses) = tokio::try_join!(instances.get_opt(&key.name), license_sets.get_opt(&key.name))
        .map_err(InstanceError::api("read", key))?;
    Ok(Seen { instance: instance.ok_or(InstanceError::Unknown)?, licenses })
}
