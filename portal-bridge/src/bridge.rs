//! What every part of the bridge works with. No I/O of its own.

use ecqx_crds::PortalOrder;
use ecqx_domain::settings::Settings;
use kube::{Api, Client, runtime::reflector::Store};
use tokio::sync::Mutex;

use crate::{config::Config, secrets::SecretFiles, turns::Turns};

/// The field manager of what the bridge itself writes.
pub const FIELD_MANAGER: &str = "ecqx-portal-bridge";

/// The parts of a running bridge.
pub struct Bridge {
    /// The way to the API server.
    pub client: Client,
    /// Where all `PortalOrder` objects are.
    pub orders_namespace: String,
    /// The provider's settings.
    pub settings: Settings,
    /// The bridge's own configuration.
    pub config: Config,
    /// The secrets' files.
    pub secrets: SecretFiles,
    /// The orders as last seen by the controller: a first look that costs nothing, never the last word.
    pub known: Store<PortalOrder>,
    /// Taken while an order is judged and brought about: two for one name, or for the last place below a maximum, must not
    /// both find it free.
    pub turns: Turns,
    /// Held while a refused delivery is noted on its order, so that ten at once leave one note.
    pub notes: Mutex<()>,
}

impl Bridge {
    /// The orders.
    pub fn orders(&self) -> Api<PortalOrder> {
        Api::namespaced(self.client.clone(), &self.orders_namespace)
    }
}
