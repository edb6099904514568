//! The cluster with the product installed, and the words that the tests speak in.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use ecqx_crds::condition;
use ecqx_tests::{
    Cluster,
    product::{
        Product, images,
        phones::{Answer, Registrar},
    },
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
};

use crate::signed;

/// The longest that anything may take.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Nobody moves the clock of a pod, so trials are short here: long enough for an instance to come up and a call to be made.
const SHORT_TRIALS: [&str; 2] = ["settings.lifecycle.trial.length=45s", "settings.lifecycle.trial.reminders={10s}"];

#[derive(Clone)]
pub struct Stage {
    pub product: Product,
    pub audit_log: Option<PathBuf>,
    pub kubeconfig: PathBuf,
    pub runs_containers: bool,
    cluster: Arc<Cluster>,
}

impl Stage {
    /// Starts a cluster, or takes the one that `KUBECONFIG` names, and installs the product.
    pub async fn set() -> Result<Self> {
        let built = images::build().await?;
        let cluster = Cluster::start().await?;
        if cluster.ready().is_some() {
            for image in &built {
                cluster.load_image(&image.archive).await?;
            }
        }
        let kubeconfig = cluster.kubeconfig_path().to_owned();
        signed::give_key(&cluster.client()).await?;
        // The zone is signed, so that all that is seen here is seen with signatures.
        let signed = format!("dns.dnssec.keysSecret={}", signed::KEYS);
        let values = [&SHORT_TRIALS[..], &[&signed]].concat();
        let product = Product::install(cluster.client(), kubeconfig.clone(), &built, &values).await?;
        Ok(Self {
            product,
            audit_log: cluster.audit_log_path().map(PathBuf::from),
            runs_containers: cluster.runs_containers(),
            cluster: Arc::new(cluster),
            kubeconfig,
        })
    }

    /// Ends the cluster and waits until all of it has gone.
    pub async fn strike(self) -> Result<()> {
        Arc::into_inner(self.cluster).context("a test still holds the cluster")?.stop().await
    }

    /// Delivers an order and expects that it is taken.
    pub async fn order(&self, body: &serde_json::Value) -> Result<Answer> {
        let answer = self.product.deliver(&body.to_string()).await?;
        ensure!((200..300).contains(&answer.code), "{}: {}", answer.code, answer.body);
        Ok(answer)
    }

    /// Waits until an instance is ready and its name resolves: where its phones register.
    pub async fn in_service(&self, namespace: &str, name: &str) -> Result<Registrar> {
        let object = (namespace, name);
        let instance = self.product.until(object, (condition::READY, "True"), PATIENCE).await?;
        let fqdn = instance.status.and_then(|status| status.fqdn).context("ready without a name")?;
        let addresses = self.product.until_resolves(&fqdn, true, PATIENCE).await?;
        Ok(Registrar { address: addresses.first().context("no address")?.clone(), fqdn })
    }

    /// Extensions of an instance with their passwords.
    pub async fn phones(&self, namespace: &str, name: &str) -> Result<Vec<(String, String)>> {
        Ok(self.product.passwords(namespace, name).await?.into_iter().collect())
    }

    /// Expects that all of these register with 200.
    pub async fn register(&self, at: &Registrar, phones: &[(String, String)]) -> Result<()> {
        let output = self.product.phones.register(at, &borrowed(phones)).await?;
        ensure!(output.success, "not all of {} phones registered:\n{}{}", phones.len(), output.stdout, output.stderr);
        Ok(())
    }

    /// Expects that a REGISTER gets 403.
    pub async fn refused(&self, at: &Registrar, number: &str, password: &str) -> Result<()> {
        let output = self.product.phones.register_is_forbidden(at, &[(number, password)]).await?;
        ensure!(output.success, "{number} was not refused with 403:\n{}{}", output.stdout, output.stderr);
        Ok(())
    }

    /// Waits until something holds. What cannot be asked now is asked again; at the deadline the last error is told.
    pub async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let outcome = holds().await;
            if let Ok(true) = outcome {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                outcome.with_context(|| format!("not within {PATIENCE:?}: {what}"))?;
                bail!("not within {PATIENCE:?}: {what}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Deletes an instance with its licences and waits until its children have gone.
    pub async fn remove(&self, namespace: &str, name: &str) -> Result<()> {
        self.product.instances(namespace).delete(name, &DeleteParams::default()).await?;
        // The licence set may never have been.
        drop(self.product.license_sets(namespace).delete(name, &DeleteParams::default()).await);
        let pods = self.product.pods(namespace);
        self.eventually("the pod has gone", async || Ok(pods.get_opt(&format!("ecqx-{name}-0")).await?.is_none())).await
    }

    /// The pods of one of the product's own parts.
    pub async fn part(&self, component: &str) -> Result<Vec<Pod>> {
        let pods: Api<Pod> = self.product.pods(ecqx_tests::product::NAMESPACE);
        let of_part = ListParams::default().labels(&format!("app.kubernetes.io/component={component}"));
        Ok(pods.list(&of_part).await?.items)
    }

    /// Kills a part at once; its Deployment starts another.
    pub async fn kill_part(&self, component: &str) -> Result<()> {
        let pods: Api<Pod> = self.product.pods(ecqx_tests::product::NAMESPACE);
        for pod in self.part(component).await? {
            drop(pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await);
        }
        Ok(())
    }

    /// The kubelet is away until something has been done; nothing when the cluster is not ours.
    pub async fn without_kubelet(&self, meanwhile: impl Future<Output = Result<()>>) -> Result<()> {
        self.cluster.stop_part("kubelet")?;
        let outcome = meanwhile.await;
        self.cluster.start_part("kubelet")?;
        outcome
    }

    /// Whether the cluster was started for these tests, so that its parts can be stopped.
    pub fn is_ours(&self) -> bool {
        self.cluster.ready().is_some()
    }

    /// How often the containers of a pod were restarted.
    pub fn restarts(pod: &Pod) -> i32 {
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        statuses.map(|status| status.restart_count).sum()
    }
}

/// Phones as the SIP client takes them.
pub fn borrowed(phones: &[(String, String)]) -> Vec<(&str, &str)> {
    phones.iter().map(|(number, password)| (number.as_str(), password.as_str())).collect()
}
