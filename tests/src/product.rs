//! The product in a cluster, as demo and end-to-end tests use it: installed by Helm, ordered from by HTTP, called by SIP.
//!
//! All traffic starts in a pod of the run's own (the *phones* pod), so the same steps work in any cluster.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use ecqx_crds::{EcqxInstance, LicenseSet, PortalOrder};
use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use kube::{Api, Client, ResourceExt};
use tokio::time::Instant;

pub mod helm;
pub mod images;
pub mod phones;
pub mod shop;

pub use images::Image;
pub use phones::Phones;

/// The namespace of the product's own parts.
pub const NAMESPACE: &str = "ecqx-system";
/// The Helm release.
pub const RELEASE: &str = "ecqx";
/// The reseller of the demo's orders, and its namespace.
pub const RESELLER: (u64, &str) = (7, "reseller-7");
/// The zone of the default settings.
pub const ZONE: &str = "epygicloud.com";

/// The installed product.
#[derive(Clone)]
pub struct Product {
    /// An administrator's client.
    pub client: Client,
    /// Where SIPp, dig and curl run.
    pub phones: Phones,
    /// The secret that the shop signs with.
    pub webhook_secret: String,
    /// A token of `/v1/orders`.
    pub api_token: String,
    /// `address:port` of the portal bridge's Service.
    pub bridge: String,
    /// The address of the name server's Service.
    pub dns: String,
}

impl Product {
    /// Installs (or upgrades) the charts by Helm with these values (`path=value`), starts the phones pod and reads what the chart
    /// has made.
    ///
    /// # Errors
    /// When a step fails or does not come to an end within minutes.
    pub async fn install(client: Client, kubeconfig: PathBuf, images: &[Image], values: &[&str]) -> Result<Self> {
        let phones = Phones::start(client.clone(), images::named(images, "phones")?);
        let helm = helm::install(kubeconfig, images, values);
        let (phones, ()) = tokio::try_join!(phones, helm)?;
        Self::find(client, phones).await
    }

    async fn find(client: Client, phones: Phones) -> Result<Self> {
        let secret: Secret = Api::namespaced(client.clone(), NAMESPACE).get("ecqx-bridge").await?;
        let data = secret.data.unwrap_or_default();
        let value = |key: &str| -> Result<String> {
            let bytes = data.get(key).with_context(|| format!("Secret ecqx-bridge has no {key}"))?;
            Ok(String::from_utf8(bytes.0.clone())?.trim().to_owned())
        };
        let (webhook_secret, api_token) = (value("webhook-secret")?, value("api-tokens")?);
        let bridge = format!("{}:80", cluster_ip(&client, "ecqx-bridge").await?);
        let dns = cluster_ip(&client, "ecqx-dns").await?;
        Ok(Self { client, phones, webhook_secret, api_token, bridge, dns })
    }

    /// Delivers a body as the shop does, signed.
    ///
    /// # Errors
    /// When the bridge gives no answer at all.
    pub async fn deliver(&self, body: &str) -> Result<phones::Answer> {
        let signature = shop::signature(&self.webhook_secret, body);
        self.phones.post(&self.url("/webhooks/woocommerce"), &[("X-WC-Webhook-Signature", &signature)], body).await
    }

    /// The bridge's URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.bridge)
    }

    /// Instances in a namespace.
    pub fn instances(&self, namespace: &str) -> Api<EcqxInstance> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Licence sets in a namespace.
    pub fn license_sets(&self, namespace: &str) -> Api<LicenseSet> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The bridge's inbox.
    pub fn orders(&self) -> Api<PortalOrder> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Pods in a namespace.
    pub fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Waits until an instance has a condition with a status that was judged on its present spec, and returns the instance as it
    /// was then.
    ///
    /// # Errors
    /// When it has not within `patience`; the message has its conditions.
    pub async fn until(
        &self,
        (namespace, name): (&str, &str),
        (type_, status): (&str, &str),
        patience: Duration,
    ) -> Result<EcqxInstance> {
        let (instances, deadline) = (self.instances(namespace), Instant::now() + patience);
        loop {
            let found = instances.get_opt(name).await?;
            let conditions = found.iter().flat_map(|i| &i.status).flat_map(|s| s.conditions.clone());
            let conditions: Vec<_> = conditions.collect();
            match found {
                // A condition of an earlier spec says nothing of what was just asked for.
                Some(instance)
                    if conditions.iter().any(|c| {
                        let judged = c.observed_generation >= instance.metadata.generation;
                        c.type_ == type_ && c.status == status && judged
                    }) =>
                {
                    return Ok(instance);
                }
                _ if Instant::now() > deadline => {
                    bail!("{namespace}/{name} had no {type_}={status} within {patience:?}: {conditions:#?}")
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The SIP passwords of an instance, by extension.
    ///
    /// # Errors
    /// When its Secret is not there.
    pub async fn passwords(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, String>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = secrets.get(&format!("ecqx-{name}-sip")).await?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("a password is not text");
        let data = secret.data.unwrap_or_default().into_iter();
        // Beside the passwords stand PINs and tokens, under keys that are no numbers.
        let of_phones = data.filter(|(key, _)| key.bytes().all(|byte| byte.is_ascii_digit()));
        of_phones.map(|(number, bytes)| Ok((number, text(bytes.0)?))).collect()
    }

    /// What `dig` says of a name and type, short: one line a record, nothing when there is none.
    ///
    /// # Errors
    /// When the name server does not answer.
    pub async fn dig(&self, name: &str, type_: &str) -> Result<Vec<String>> {
        self.phones.dig(&self.dns, name, type_).await
    }

    /// Waits until a name has an address, or has none.
    ///
    /// # Errors
    /// When it does not come so within `patience`.
    pub async fn until_resolves(&self, name: &str, wanted: bool, patience: Duration) -> Result<Vec<String>> {
        let deadline = Instant::now() + patience;
        loop {
            let addresses = self.dig(name, "A").await?;
            if addresses.is_empty() != wanted {
                return Ok(addresses);
            }
            if Instant::now() > deadline {
                bail!("{name} gave {addresses:?} for {patience:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn cluster_ip(client: &Client, name: &str) -> Result<String> {
    let service: Service = Api::namespaced(client.clone(), NAMESPACE).get(name).await?;
    let name = service.name_any();
    service.spec.and_then(|spec| spec.cluster_ip).with_context(|| format!("Service {name} has no address"))
}
