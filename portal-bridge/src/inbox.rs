//! The durable inbox: each order recorded once, as a `PortalOrder`, before anything comes of it. I/O: the API server.

use std::collections::BTreeMap;

use ecqx_crds::{PortalOrder, PortalOrderSpec};
use ecqx_domain::order::names;
use kube::{
    api::{ObjectMeta, Patch, PatchParams, PostParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;

use crate::bridge::{Bridge, FIELD_MANAGER};

mod conflict;

/// The label that says whose an object is.
pub const RESELLER_LABEL: &str = "ecqx.epygicloud.com/reseller";

/// How often a write that lost a race is tried again.
const ATTEMPTS: usize = 8;

/// What the inbox made of a delivery.
#[derive(Debug)]
pub enum Recorded {
    /// The order is recorded, now or before.
    Order {
        /// The record.
        order: Box<PortalOrder>,
        /// Whether this delivery was the first.
        first: bool,
    },
    /// The number is taken by an order with other content, which stands as it was.
    Conflict {
        /// The record's name.
        name: String,
    },
}

/// Why a delivery could not be recorded. The shop has to deliver it again.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The API server did not do as asked.
    #[error("cannot {action} PortalOrder {name}: {source}")]
    Api {
        /// What was tried.
        action: &'static str,
        /// On which object.
        name: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// Others changed the order each time between reading and writing.
    #[error("cannot record PortalOrder {name}: it changed {ATTEMPTS} times meanwhile; deliver the order again")]
    Contended {
        /// On which object.
        name: String,
    },
}

impl InboxError {
    fn api(action: &'static str, name: &str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Api { action, name: name.to_owned(), source: Box::new(source) }
    }
}

/// Records a delivery: the first of an order makes the record, any other finds it and at most raises its payment.
///
/// # Errors
/// When the API server cannot be asked. Nothing has come of the delivery then, or it is recorded and the answer was lost:
/// delivered again, it is the same order.
pub async fn record(bridge: &Bridge, spec: PortalOrderSpec) -> Result<Recorded, InboxError> {
    let name = names::order_record(&spec.shop, &spec.number);
    let known = bridge.known.get(&ObjectRef::new(&name).within(&bridge.orders_namespace));
    if let Some(order) = known.filter(|known| is_repeated(&known.spec, &spec)) {
        return Ok(Recorded::Order { order: Box::new(PortalOrder::clone(&order)), first: false });
    }
    let orders = bridge.orders();
    for _ in 0..ATTEMPTS {
        match orders
            .create(
                &PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() },
                &draft(&name, &spec),
            )
            .await
        {
            Ok(order) => return Ok(Recorded::Order { order: Box::new(order), first: true }),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => return Err(InboxError::api("create", &name)(error)),
        }
        let Some(live) = orders.get_opt(&name).await.map_err(InboxError::api("read", &name))? else { continue };
        if !is_same(&live.spec, &spec) {
            conflict::note(bridge, &name).await?;
            return Ok(Recorded::Conflict { name });
        }
        if let Some(order) = raise_payment(bridge, live, &spec).await? {
            return Ok(Recorded::Order { order: Box::new(order), first: false });
        }
    }
    Err(InboxError::Contended { name })
}

/// Whether the recorded order says all that this delivery says.
fn is_repeated(recorded: &PortalOrderSpec, delivered: &PortalOrderSpec) -> bool {
    is_same(recorded, delivered) && recorded.payment.join(delivered.payment) == recorded.payment
}

fn is_same(recorded: &PortalOrderSpec, delivered: &PortalOrderSpec) -> bool {
    recorded.content_digest == delivered.content_digest
}

/// The record of the order, none if another writer was quicker.
async fn raise_payment(
    bridge: &Bridge,
    live: PortalOrder,
    delivered: &PortalOrderSpec,
) -> Result<Option<PortalOrder>, InboxError> {
    let payment = live.spec.payment.join(delivered.payment);
    if payment == live.spec.payment {
        return Ok(Some(live));
    }
    let name = live.metadata.name.unwrap_or_default();
    let patch = json!({"metadata": {"resourceVersion": live.metadata.resource_version}, "spec": {"payment": payment}});
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    match bridge.orders().patch(&name, &params, &Patch::Merge(&patch)).await {
        Ok(order) => Ok(Some(order)),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(None),
        Err(error) => Err(InboxError::api("raise the payment of", &name)(error)),
    }
}

fn draft(name: &str, spec: &PortalOrderSpec) -> PortalOrder {
    let reseller =
        (!spec.customer.is_empty()).then(|| BTreeMap::from([(RESELLER_LABEL.to_owned(), spec.customer.clone())]));
    let metadata = ObjectMeta { name: Some(name.to_owned()), labels: reseller, ..ObjectMeta::default() };
    PortalOrder { metadata, spec: spec.clone(), status: None }
}
