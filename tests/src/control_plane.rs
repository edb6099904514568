//! A control plane of a test's own: etcd, API server and the controllers for garbage collection, namespaces and credentials.

use std::path::Path;

use anyhow::Result;
use kube::{Client, Config};

use crate::{
    local::{client, ready::Kind},
    supervisor::Supervisor,
};

/// A running control plane. Several can run side by side; dropping one ends it and waits until all of it has gone.
///
/// Programs come from `KUBEBUILDER_ASSETS` where that is set. `KUBECONFIG` is not looked at: tests delete namespaces and
/// definitions, and a control plane is never somebody's cluster.
///
/// ```no_run
/// # async fn test() -> anyhow::Result<()> {
/// let control_plane = ecqx_tests::ControlPlane::start().await?;
/// let client = control_plane.client();
/// # Ok(()) }
/// ```
pub struct ControlPlane {
    supervisor: Supervisor,
    config: Config,
    client: Client,
}

impl ControlPlane {
    /// Starts one: some seconds, and some minutes the very first time, when its programs are built.
    ///
    /// # Errors
    /// When a part does not start; the message names it and quotes its log. Nothing is left running then.
    pub async fn start() -> Result<Self> {
        let supervisor = Supervisor::start(Kind::ControlPlane).await?;
        let mut config = client::config(&supervisor.ready.kubeconfig).await?;
        config.proxy_url = None;
        let client = Client::try_from(config.clone())?;
        Ok(Self { supervisor, config, client })
    }

    /// A client with an administrator's rights.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The administrator's client configuration, for clients that differ in something.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// A client that acts as another user, for tests of rights.
    ///
    /// # Errors
    /// When no client can be made of the configuration.
    pub fn client_as(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let mut config = self.config();
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = Some(groups.iter().map(|group| (*group).to_owned()).collect());
        Ok(Client::try_from(config)?)
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig_path(&self) -> &Path {
        &self.supervisor.ready.kubeconfig
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.supervisor.ready.server
    }

    /// The audit log: one JSON event (`audit.k8s.io/v1`, level Metadata) a line for each answered request.
    pub fn audit_log_path(&self) -> &Path {
        &self.supervisor.ready.audit_log
    }

    /// The folder of `kubectl` and other programs of the cluster.
    pub fn binaries(&self) -> &Path {
        &self.supervisor.ready.binaries
    }

    /// Kills the API server and waits until it has gone, as an outage.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop_api_server(&self) -> Result<()> {
        self.supervisor.order("stop kube-apiserver")
    }

    /// Starts the API server again, at the same address with the same data, and waits until it is ready.
    ///
    /// # Errors
    /// When it was not stopped, or does not come up.
    pub fn start_api_server(&self) -> Result<()> {
        self.supervisor.order("start kube-apiserver")
    }

    /// The supervisor's process id, for tests of its end.
    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.ready.supervisor
    }

    /// Ends it and waits until all has gone. Dropping does the same, but cannot tell of a failure.
    ///
    /// # Errors
    /// When something could not be ended or removed.
    pub async fn stop(mut self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.supervisor.end()).await?
    }
}
