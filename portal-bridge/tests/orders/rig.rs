//! A bridge in this process, with the rights that the chart grants it, and the words that the tests speak in.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use ecqx_crds::{EcqxInstance, LicenseSet, OrderPhase, PortalOrder};
use ecqx_domain::settings::Settings;
use ecqx_portal_bridge::{Bridge, config::Config, controller, http, secrets::SecretFiles, turns::Turns};
use ecqx_tests::{ControlPlane, fault::Fault, kinds};
use hmac::{Hmac, KeyInit, Mac};
use k8s_openapi::{
    api::{
        core::v1::Namespace,
        rbac::v1::{ClusterRole, ClusterRoleBinding},
    },
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams},
    client::ClientBuilder,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    net::TcpListener,
    sync::{Mutex, OnceCell},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub const SECRET: &str = "marked-webhook-secret";
pub const TOKEN: &str = "marked-api-token";
const USER: &str = "bridge-under-test";
const DEADLINE: Duration = Duration::from_secs(30);

/// One for all tests of this program: it ends with the program.
static CONTROL_PLANE: OnceCell<ControlPlane> = OnceCell::const_new();

pub struct Rig {
    pub admin: Client,
    namespace: String,
    config: Value,
    settings: Value,
    address: String,
    secrets: tempfile::TempDir,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// What a delivery was answered with.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: bool,
    pub body: Value,
}

impl Answer {
    pub fn state(&self) -> &str {
        self.body["state"].as_str().unwrap()
    }

    pub fn codes(&self) -> Vec<&str> {
        self.body["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
    }
}

/// Whose test has which customer. All of them are in one cluster: two that share a customer would see each other's instances, or not,
/// as time has it.
static CUSTOMERS: std::sync::Mutex<BTreeMap<u64, String>> = std::sync::Mutex::new(BTreeMap::new());

fn belongs_to_this_test(customer: u64) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let holder = CUSTOMERS.lock().unwrap().entry(customer).or_insert_with(|| test.clone()).clone();
    assert_eq!(holder, test, "customer {customer} is another test's");
}

/// An order of a `WooCommerce` shop.
pub fn order(number: u64, customer: u64, note: &str, lines: &[(&str, i64)]) -> Value {
    belongs_to_this_test(customer);
    let line = |(sku, quantity): &(&str, i64)| json!({"sku": sku, "quantity": quantity, "meta_data": []});
    json!({
        "id": number, "status": "processing", "customer_id": customer, "payment_method": "stripe", "customer_note": note,
        "billing": {"first_name": "Anna", "company": "Syunik Win LLC", "email": "marked@example.com"},
        "line_items": lines.iter().map(line).collect::<Vec<_>>(),
    })
}

pub fn trial(mut order: Value) -> Value {
    order["payment_method"] = json!("trial");
    order
}

pub fn add_on(number: u64, customer: u64, device: &str, lines: &[(&str, i64)]) -> Value {
    let mut order = order(number, customer, "", lines);
    order["meta_data"] = json!([{"key": "device", "value": device}]);
    order
}

impl Rig {
    /// A bridge whose orders are in a namespace of this test's own.
    pub async fn start(test: &str) -> Self {
        Self::start_with(test, json!({}), None).await
    }

    /// A bridge with other settings than the defaults.
    pub async fn start_with_settings(test: &str, settings: Value) -> Self {
        let mut rig = Self::prepare(test, json!({})).await;
        rig.settings = settings;
        rig.run(None).await;
        rig
    }

    pub async fn start_with(test: &str, config: Value, fault: Option<Fault>) -> Self {
        let mut rig = Self::prepare(test, config).await;
        rig.run(fault).await;
        rig
    }

    async fn prepare(test: &str, config: Value) -> Self {
        let admin = Client::try_from(control_plane().await.config()).unwrap();
        let namespace = format!("orders-{test}");
        apply(
            &Api::all(admin.clone()),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        )
        .await
        .map(|_: Namespace| ())
        .unwrap();
        let secrets = tempfile::tempdir().unwrap();
        std::fs::write(secrets.path().join("webhook"), format!("{SECRET}\n")).unwrap();
        std::fs::write(secrets.path().join("tokens"), format!("other\n{TOKEN}\n")).unwrap();
        let (stop, tasks, address) = (CancellationToken::new(), Vec::new(), String::new());
        Self { admin, namespace, config, settings: json!({}), address, secrets, stop, tasks }
    }

    async fn run(&mut self, fault: Option<Fault>) {
        let client = bridge_client(fault).await;
        let controller = controller::controller(client.clone(), &self.namespace);
        let at = |name: &str| self.secrets.path().join(name);
        let bridge = Arc::new(Bridge {
            client,
            orders_namespace: self.namespace.clone(),
            settings: Settings::parse(&self.settings.to_string()).unwrap(),
            config: Config::parse(&self.config.to_string()).unwrap(),
            secrets: SecretFiles { webhook_secret: at("webhook"), api_tokens: at("tokens") },
            known: controller.store(),
            turns: Turns::default(),
            notes: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = format!("http://{}", listener.local_addr().unwrap());
        self.stop = CancellationToken::new();
        let server = axum::serve(listener, http::router(Arc::clone(&bridge)));
        let server = server.with_graceful_shutdown(self.stop.clone().cancelled_owned());
        self.tasks = vec![
            tokio::spawn(async move { server.await.unwrap() }),
            tokio::spawn(controller::run(bridge, controller, self.stop.clone())),
        ];
    }

    /// The process is gone at once, and another one starts, in good health, with another configuration.
    pub async fn restart_with(&mut self, config: Value) {
        self.config = config;
        self.restart().await;
    }

    pub async fn restart(&mut self) {
        self.restart_into(None).await;
    }

    pub async fn restart_into(&mut self, fault: Option<Fault>) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            task.abort();
            let _ = task.await;
        }
        self.run(fault).await;
    }

    /// The one instance of a reseller, and its licence set.
    pub async fn only(&self, customer: u64) -> (EcqxInstance, Option<LicenseSet>) {
        let mut instances = self.instances(customer).await;
        assert_eq!(instances.len(), 1, "{instances:?}");
        (instances.remove(0), self.license_sets(customer).await.into_iter().next())
    }

    pub fn sets_of(&self, customer: u64) -> Api<LicenseSet> {
        Api::namespaced(self.admin.clone(), &format!("reseller-{customer}"))
    }

    pub fn instances_of(&self, customer: u64) -> Api<EcqxInstance> {
        Api::namespaced(self.admin.clone(), &format!("reseller-{customer}"))
    }

    /// What the operator would record.
    pub async fn set_status(&self, customer: u64, name: &str, status: Value) {
        let patch = Patch::Merge(json!({"status": status}));
        self.instances_of(customer).patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// A trial of 30 days that ends so many hours from now; fewer than none: it is over.
    pub async fn set_trial(&self, customer: u64, name: &str, ends_in_hours: i64) {
        let at = |hours: i64| Time(Timestamp::now() + SignedDuration::from_hours(hours));
        let trial = json!({"startedAt": at(ends_in_hours - 720), "endsAt": at(ends_in_hours)});
        self.set_status(customer, name, json!({"trial": trial})).await;
    }

    /// Where the bridge takes connections.
    pub fn address(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    pub async fn deliver(&self, order: &Value) -> Answer {
        let body = order.to_string().into_bytes();
        let signature = sign(SECRET, &body);
        self.post("/webhooks/woocommerce", &[("x-wc-webhook-signature", &signature)], body).await
    }

    pub async fn place(&self, order: &Value) -> Answer {
        self.post("/v1/orders", &[("authorization", &format!("Bearer {TOKEN}"))], order.to_string().into_bytes()).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        read(request.body(body).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{}{path}", self.address));
        read(request.bearer_auth(TOKEN).send().await.unwrap()).await
    }

    /// A call about an instance of a reseller: `path` goes on after its name.
    pub async fn call(&self, method: &str, (customer, name): (u64, &str), path: &str, body: &Value) -> Answer {
        let url = format!("{}/v1/instances/reseller-{customer}/{name}{path}", self.address);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method.parse().unwrap(), url).bearer_auth(TOKEN);
        read(request.body(body.to_string()).send().await.unwrap()).await
    }

    pub fn orders(&self) -> Api<PortalOrder> {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    pub async fn recorded(&self) -> Vec<PortalOrder> {
        self.orders().list(&ListParams::default()).await.unwrap().items
    }

    pub async fn instances(&self, customer: u64) -> Vec<EcqxInstance> {
        self.of_reseller(customer).await
    }

    pub async fn license_sets(&self, customer: u64) -> Vec<LicenseSet> {
        self.of_reseller(customer).await
    }

    async fn of_reseller<K>(&self, customer: u64) -> Vec<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let api: Api<K> = Api::namespaced(self.admin.clone(), &format!("reseller-{customer}"));
        api.list(&ListParams::default()).await.unwrap().items
    }

    pub async fn has_namespace(&self, customer: u64) -> bool {
        let namespaces: Api<Namespace> = Api::all(self.admin.clone());
        namespaces.get_opt(&format!("reseller-{customer}")).await.unwrap().is_some()
    }

    /// The version of every object that an order of this reseller could move.
    pub async fn versions(&self, customer: u64) -> Vec<String> {
        let namespaces: Api<Namespace> = Api::all(self.admin.clone());
        let namespace = namespaces.get_opt(&format!("reseller-{customer}")).await.unwrap();
        let mut versions: Vec<String> = namespace.iter().map(version).collect();
        versions.extend(self.recorded().await.iter().map(version));
        versions.extend(self.instances(customer).await.iter().map(version));
        versions.extend(self.license_sets(customer).await.iter().map(version));
        versions
    }

    /// Waits until the one order of this test is in this phase.
    pub async fn until(&self, name: &str, phase: OrderPhase) -> PortalOrder {
        let reached = |order: Option<&PortalOrder>| {
            order.and_then(|order| order.status.as_ref()).is_some_and(|status| status.phase == Some(phase))
        };
        let waited = kube::runtime::wait::await_condition(self.orders(), name, reached);
        match tokio::time::timeout(DEADLINE, waited).await {
            Ok(order) => order.unwrap().unwrap(),
            Err(late) => panic!("{late}: {name} is not {phase:?}: {:?}", self.orders().get_opt(name).await.unwrap()),
        }
    }

    pub async fn apply<K>(&self, api: Api<K>, object: Value) -> K
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug,
    {
        apply(&api, object).await.unwrap()
    }
}

fn version(object: &impl ResourceExt) -> String {
    format!("{}@{}", object.name_any(), object.resource_version().unwrap_or_default())
}

async fn read(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response.headers().contains_key("retry-after");
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: no JSON: {text}"));
    Answer { status, retry_after, body }
}

pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn apply<K>(api: &Api<K>, object: Value) -> kube::Result<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug,
{
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    api.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(object)).await
}

async fn control_plane() -> &'static ControlPlane {
    CONTROL_PLANE
        .get_or_init(|| async {
            let plane = ControlPlane::start().await.unwrap();
            // A client of its own: the connections of a client end with the test that made it.
            let client = Client::try_from(plane.config()).unwrap();
            kinds::install(&client).await.unwrap();
            grant_rights(&client).await;
            plane
        })
        .await
}

/// What the chart grants, cut to what is used: a test that needs more fails.
async fn grant_rights(admin: &Client) {
    let may = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let ours = "ecqx.epygicloud.com";
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": USER},
        "rules": [
            may(ours, &["portalorders"], &["get", "list", "watch", "create", "patch"]),
            may(ours, &["portalorders/status"], &["patch"]),
            may(ours, &["ecqxinstances", "licensesets"], &["get", "list", "create", "patch"]),
            may(ours, &["fqdnclaims", "trialclaims"], &["get"]),
            may("", &["namespaces"], &["get", "create", "patch"]),
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": USER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
    });
    apply::<ClusterRole>(&Api::all(admin.clone()), role).await.unwrap();
    apply::<ClusterRoleBinding>(&Api::all(admin.clone()), binding).await.unwrap();
}

async fn bridge_client(fault: Option<Fault>) -> Client {
    let mut config = control_plane().await.config();
    config.auth_info.impersonate = Some(USER.to_owned());
    let builder = ClientBuilder::try_from(config).unwrap();
    match fault {
        Some(fault) => builder.with_layer(&fault).build(),
        None => builder.build(),
    }
}
