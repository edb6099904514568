//! `PortalOrder`: the durable inbox and the record of each order. Wire type, no I/O.

use ecqx_domain::order::{Line, Order, OrderTerm, Payment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::license_set::TIME;

/// An order as it was received. All but the payment is the order's content, and never changes: the same number with other
/// content is refused, not merged.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ecqx.epygicloud.com",
    version = "v1alpha1",
    kind = "PortalOrder",
    plural = "portalorders",
    namespaced,
    status = "PortalOrderStatus",
    derive = "PartialEq",
    shortname = "po-ecqx",
    category = "ecqx",
    doc = "One order of a shop: received once, whatever is delivered, and the record of what became of it. Its name is derived from the shop and the order's number, so the API server lets one exist.",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reseller", type_ = "string", json_path = ".spec.customer"),
    printcolumn(name = "Instance", type_ = "string", json_path = ".status.instanceRef.name"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reasons[0].code"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Shop", type_ = "string", json_path = ".spec.shop", priority = 1),
    printcolumn(name = "Number", type_ = "string", json_path = ".spec.number", priority = 1),
    printcolumn(name = "Payment", type_ = "string", json_path = ".spec.payment", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.reasons[0].message", priority = 1),
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name must have at most 63 characters: it is a label of what the order brings about")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.company) == has(oldSelf.company)").message("company is immutable: it is part of the order's content; place a new order"))]
#[x_kube(validation = Rule::new("has(self.placedAt) == has(oldSelf.placedAt)").message("placedAt is immutable: promotions go by it; place a new order"))]
pub struct PortalOrderSpec {
    /// The shop that the order came from.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("shop is immutable: it is part of the order's identity"))]
    pub shop: String,

    /// The order's number in the shop.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("number is immutable: it is part of the order's identity"))]
    pub number: String,

    /// The reseller's id. Empty where the shop named none; such an order is held.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("customer is immutable: it is part of the order's content; place a new order"))]
    pub customer: String,

    /// Paid or Trial, as the payment method said when the order was received.
    #[x_kube(validation = Rule::new("self == oldSelf").message("term is immutable: it is part of the order's content; place a new order"))]
    pub term: OrderTerm,

    /// The order's notes, in which the wanted host name stands.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("note is immutable: it is part of the order's content; place a new order"))]
    pub note: String,

    /// The end customer for whom the reseller orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("company is immutable: it is part of the order's content; place a new order"))]
    pub company: Option<String>,

    /// When it was placed, as the shop says (RFC 3339); left out, it counts as placed when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIME))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("placedAt is immutable: promotions go by it; place a new order"))]
    pub placed_at: Option<Time>,

    /// What is ordered, in the shop's own articles.
    #[schemars(length(max = 50))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("lines are immutable: they are the order's content; place a new order"))]
    pub lines: Vec<OrderLine>,

    /// SHA-256 over the content, by which a delivery with other content is told from a repeated one.
    #[schemars(length(max = 64), regex(pattern = r"^[0-9a-f]{64}$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("contentDigest is immutable: the same number with other content is another order"))]
    pub content_digest: String,

    /// How the payment stands. It only goes up, Awaiting, Void, Confirmed, so deliveries in any order end alike.
    #[serde(default)]
    #[x_kube(validation = Rule::new("self == oldSelf || oldSelf == 'Awaiting' || (oldSelf == 'Void' && self == 'Confirmed')").message("payment only goes up: Awaiting, Void, Confirmed; a confirmed payment is undone by a change request"))]
    pub payment: Payment,
}

/// One line of an order.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// The shop's article number; which service it stands for is configuration of the bridge.
    #[schemars(length(max = 100))]
    pub sku: String,
    /// How many. Zero and less are recorded too, so that the record can say why the order is held.
    #[schemars(range(min = -9_000_000_000_000_000_i64, max = 9_000_000_000_000_000_i64))]
    pub quantity: i64,
    /// The instance that the line is for: its host name, full name, object name, display name or Unique ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub device: Option<String>,
}

impl PortalOrder {
    /// The order that the domain judges. However often it is asked, it was placed when the shop says, or was recorded.
    pub fn to_order(&self) -> Order {
        let spec = &self.spec;
        let line =
            |line: &OrderLine| Line { sku: line.sku.clone(), quantity: line.quantity, device: line.device.clone() };
        Order {
            customer: spec.customer.clone(),
            term: spec.term,
            placed_at: spec.placed_at.as_ref().or(self.metadata.creation_timestamp.as_ref()).map(|at| at.0),
            note: spec.note.clone(),
            company: spec.company.clone(),
            lines: spec.lines.iter().map(line).collect(),
        }
    }
}

/// What became of an order.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalOrderStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the order stands; absent until it was looked at for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<OrderPhase>,
    /// The instance that the order made or added to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_ref: Option<InstanceRef>,
    /// Why the order is held: all reasons, each with its remedy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub reasons: Vec<OrderReason>,
    /// The same for tools that read conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// Where an order stands.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderPhase {
    /// Nothing stands against it but the payment.
    AwaitingPayment,
    /// Something is wrong with it; see the reasons. It has had no effect.
    OnHold,
    /// It has taken effect, once and for all.
    Fulfilled,
    /// Cancelled, refunded or failed before it took effect. It has had no effect.
    Void,
}

/// An instance in the reseller's namespace.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceRef {
    /// The reseller's namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// The instance's name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// A reason to hold an order.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderReason {
    /// One word for programs, such as `HostnameTaken`.
    #[schemars(length(min = 1, max = 64))]
    pub code: String,
    /// The field of the order that it is about, such as note or lines[1].sku.
    #[schemars(length(min = 1, max = 64))]
    pub field: String,
    /// What is wrong, and what to do.
    #[schemars(length(max = 1000))]
    pub message: String,
}
