//! A whole cluster for a test: a node of this machine, simulated nodes where that cannot be, or the one that `KUBECONFIG` names.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use kube::{Client, Config};

use crate::{
    local::{
        ability, client, images,
        ready::{Kind, Ready},
    },
    supervisor::Supervisor,
};

/// What a test's cluster is.
enum Origin {
    /// Started for the test.
    Own(Box<Supervisor>),
    /// Named by the user.
    Given(PathBuf),
}

/// A cluster for the PBX. Dropping it ends what was started, and waits until all of it has gone.
///
/// A machine runs one at a time: a second start waits until the first has ended, in this process or in another.
///
/// ```no_run
/// # async fn test() -> anyhow::Result<()> {
/// let cluster = ecqx_tests::Cluster::start().await?;
/// cluster.load_image("dist/images/pbx.tar".as_ref()).await?;
/// # Ok(()) }
/// ```
pub struct Cluster {
    origin: Origin,
    config: Config,
    client: Client,
}

impl Cluster {
    /// Takes the cluster that `KUBECONFIG` names as it is, else starts one: about ten seconds.
    ///
    /// Without root or Linux containers the nodes are simulated; that is said on standard error, and [`Self::runs_containers`] tells.
    ///
    /// # Errors
    /// When a part does not start; the message names it and quotes its log. Nothing is left running then.
    pub async fn start() -> Result<Self> {
        if let Some(path) = given() {
            let config =
                Config::infer().await.context("KUBECONFIG names no usable configuration; correct it or unset it")?;
            return Self::of(Origin::Given(path), config);
        }
        let kind = match ability::obstacle() {
            None => Kind::Cluster,
            Some(obstacle) => {
                eprintln!("{obstacle}: {}", ability::SIMULATED);
                Kind::Kwok
            }
        };
        let supervisor = Supervisor::start(kind).await?;
        let mut config = client::config(&supervisor.ready.kubeconfig).await?;
        config.proxy_url = None;
        Self::of(Origin::Own(Box::new(supervisor)), config)
    }

    fn of(origin: Origin, config: Config) -> Result<Self> {
        let client = Client::try_from(config.clone())?;
        Ok(Self { origin, config, client })
    }

    /// A client with an administrator's (or the given kubeconfig's) rights.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The client's configuration, for clients that differ in something.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// The kubeconfig.
    pub fn kubeconfig_path(&self) -> &Path {
        match &self.origin {
            Origin::Own(supervisor) => &supervisor.ready.kubeconfig,
            Origin::Given(path) => path,
        }
    }

    /// How the cluster was started; `None` for a given one.
    pub fn ready(&self) -> Option<&Ready> {
        match &self.origin {
            Origin::Own(supervisor) => Some(&supervisor.ready),
            Origin::Given(_) => None,
        }
    }

    /// Whether pods really run: not on simulated nodes.
    pub fn runs_containers(&self) -> bool {
        self.ready().is_none_or(|ready| ready.kind != Kind::Kwok)
    }

    /// The node's address, where it is this machine's.
    pub fn node_address(&self) -> Option<IpAddr> {
        self.ready()?.node_address
    }

    /// The audit log, where the API server is ours.
    pub fn audit_log_path(&self) -> Option<&Path> {
        Some(&self.ready()?.audit_log)
    }

    /// Brings the images of a docker-archive to the node, unless they are there with the same content.
    ///
    /// # Errors
    /// When the file is no docker-archive, or the cluster's nodes are not ours: there, push the image to its registry.
    pub async fn load_image(&self, archive: &Path) -> Result<()> {
        let given = "the cluster that KUBECONFIG names takes its images from a registry: push this one there";
        let (ready, archive) = (self.ready().context(given)?.clone(), archive.to_owned());
        tokio::task::spawn_blocking(move || images::load(&ready, &archive)).await?.map(drop)
    }

    /// Kills a part (`kube-apiserver`, `kubelet` …) and waits until it has gone, as an outage.
    ///
    /// # Errors
    /// When it does not run, or the cluster is not ours.
    pub fn stop_part(&self, part: &str) -> Result<()> {
        self.order(&format!("stop {part}"))
    }

    /// Starts a stopped part again.
    ///
    /// # Errors
    /// When it was not stopped, or does not come up.
    pub fn start_part(&self, part: &str) -> Result<()> {
        self.order(&format!("start {part}"))
    }

    fn order(&self, order: &str) -> Result<()> {
        match &self.origin {
            Origin::Own(supervisor) => supervisor.order(order),
            Origin::Given(path) => anyhow::bail!("cannot {order}: the cluster of {} is not ours", path.display()),
        }
    }

    /// Ends what was started and waits until all has gone. Dropping does the same, but cannot tell of a failure.
    ///
    /// # Errors
    /// When something could not be ended or removed.
    pub async fn stop(self) -> Result<()> {
        match self.origin {
            Origin::Own(mut supervisor) => tokio::task::spawn_blocking(move || supervisor.end()).await?,
            Origin::Given(_) => Ok(()),
        }
    }
}

/// What `KUBECONFIG` names, when it names something.
fn given() -> Option<PathBuf> {
    std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()).map(PathBuf::from)
}
