//! The order of a `WooCommerce` webhook (REST API v3). Pure.
//!
//! A body carries far more than is read here; the rest, personal data above all, is neither kept nor looked at.

use ecqx_crds::{OrderLine, PortalOrderSpec};
use ecqx_domain::order::{OrderTerm, Payment};
use k8s_openapi::jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::{COMPANY, Content, Fault, NOTE, SKU, count_lines, device, json, one_line, recordable, text};
use crate::config::Config;

/// What a webhook delivered.
#[derive(Debug)]
pub enum Delivery {
    /// An order.
    Order(Box<PortalOrderSpec>),
    /// A cart that the customer is still filling: not an order yet, and its content will change.
    Draft,
}

#[derive(Debug, Deserialize)]
struct Body {
    id: u64,
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    customer_id: u64,
    #[serde(default, deserialize_with = "or_default")]
    payment_method: String,
    #[serde(default, deserialize_with = "or_default")]
    customer_note: String,
    #[serde(default, deserialize_with = "or_default")]
    date_created_gmt: String,
    #[serde(default, deserialize_with = "or_default")]
    billing: Billing,
    line_items: Vec<LineItem>,
    #[serde(default, deserialize_with = "or_default")]
    meta_data: Vec<Meta>,
}

#[derive(Debug, Default, Deserialize)]
struct Billing {
    #[serde(default, deserialize_with = "or_default")]
    company: String,
}

#[derive(Debug, Deserialize)]
struct LineItem {
    #[serde(default, deserialize_with = "or_default")]
    sku: String,
    quantity: Number,
    #[serde(default, deserialize_with = "or_default")]
    meta_data: Vec<Meta>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    key: Value,
    value: Value,
}

/// The shop writes null where it has nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(reader: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(reader).map(Option::unwrap_or_default)
}

/// Reads an order.
///
/// # Errors
/// With the path of what does not fit.
pub fn read(body: &[u8], config: &Config) -> Result<Delivery, Fault> {
    let body: Body = json(body)?;
    if matches!(body.status.as_str(), "checkout-draft" | "auto-draft" | "draft" | "new") {
        return Ok(Delivery::Draft);
    }
    if body.id == 0 {
        return Err(Fault::new("id", "0 is no order"));
    }
    count_lines("line_items", body.line_items.len())?;
    let of_order = named_device(&body.meta_data, &config.device_meta_keys);
    let lines =
        body.line_items.iter().enumerate().map(|(index, item)| read_line(index, item, of_order.as_deref(), config));
    // A longer company name is cut: it is shown, never compared, and must not cost the reseller the order.
    let company: String =
        one_line("billing.company", &body.billing.company, usize::MAX)?.chars().take(COMPANY).collect();
    let trial = config.trial_payment_methods.contains(&body.payment_method);
    let content = Content {
        shop: config.shop.clone(),
        number: body.id.to_string(),
        // The shop writes 0 for a guest.
        customer: if body.customer_id == 0 { String::new() } else { body.customer_id.to_string() },
        term: if trial { OrderTerm::Trial } else { OrderTerm::Paid },
        note: text("customer_note", &body.customer_note, NOTE)?,
        placed_at: placed_at(&body.date_created_gmt)?,
        company: Some(company.trim().to_owned()).filter(|company| !company.is_empty()),
        lines: lines.collect::<Result<_, _>>()?,
    };
    Ok(Delivery::Order(Box::new(content.seal(payment(&body.status))?)))
}

/// When the order was placed. The shop writes the time in UTC and leaves the zone out.
fn placed_at(date_created_gmt: &str) -> Result<Option<Timestamp>, Fault> {
    let path = "date_created_gmt";
    if date_created_gmt.is_empty() {
        return Ok(None);
    }
    let in_utc = date_created_gmt.trim_end_matches('Z').parse::<DateTime>();
    let at = in_utc.and_then(|at| TimeZone::UTC.to_timestamp(at));
    let at = at.map_err(|error| Fault::new(path, format!("no time such as 2026-11-02T08:00:00: {error}")))?;
    recordable(path, at).map(Some)
}

/// What a status of the shop says of the payment. One that is not known says nothing.
fn payment(status: &str) -> Payment {
    match status {
        "processing" | "completed" => Payment::Confirmed,
        "cancelled" | "refunded" | "failed" | "trash" => Payment::Void,
        _ => Payment::Awaiting,
    }
}

fn read_line(index: usize, item: &LineItem, of_order: Option<&str>, config: &Config) -> Result<OrderLine, Fault> {
    let own = named_device(&item.meta_data, &config.device_meta_keys);
    Ok(OrderLine {
        sku: one_line(&format!("line_items[{index}].sku"), &item.sku, SKU)?,
        quantity: whole(&format!("line_items[{index}].quantity"), &item.quantity)?,
        device: device(&format!("line_items[{index}].meta_data"), own.as_deref(), of_order)?,
    })
}

/// The device that meta data names. Two that differ are both given, so that the order is held and shows them.
fn named_device(meta: &[Meta], keys: &[String]) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in meta.iter().filter(|entry| keys.iter().any(|key| entry.key == **key)) {
        let name = match &entry.value {
            Value::String(name) => name.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { None } else { Some(names.join(" | ")) }
}

/// A whole number, however the shop writes it.
fn whole(path: &str, number: &Number) -> Result<i64, Fault> {
    let whole = number.as_i64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
    let whole = whole.ok_or_else(|| Fault::new(path, format!("{number} is no whole number")))?;
    super::quantity(path, whole)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        serde_json::from_str(include_str!("../../../examples/orders/woocommerce.json")).unwrap()
    }

    fn order(change: impl FnOnce(&mut Value)) -> Result<PortalOrderSpec, Fault> {
        let mut body = body();
        change(&mut body);
        match read(body.to_string().as_bytes(), &Config::parse("{}").unwrap())? {
            Delivery::Order(order) => Ok(*order),
            Delivery::Draft => Err(Fault::new("status", "draft")),
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_read_and_no_address_is_kept() {
        let order = order(|_| {}).unwrap();
        assert_eq!((order.shop.as_str(), order.number.as_str(), order.customer.as_str()), ("default", "4711", "1042"));
        assert_eq!((order.term, order.payment), (OrderTerm::Paid, Payment::Confirmed));
        assert_eq!((order.note.as_str(), order.company.as_deref()), ("hostname: syunikwin", Some("Syunik Win LLC")));
        assert_eq!(order.lines[1], OrderLine { sku: "IP-PHONE-EXT".into(), quantity: 10, device: None });
        let text = serde_json::to_string(&order).unwrap();
        for personal in ["Anna", "anna@", "Teryan", "+374"] {
            assert!(!text.contains(personal), "{personal}");
        }
    }

    #[rstest]
    #[case("processing", Payment::Confirmed)]
    #[case("completed", Payment::Confirmed)]
    #[case("pending", Payment::Awaiting)]
    #[case("on-hold", Payment::Awaiting)]
    #[case("a-status-of-a-plugin", Payment::Awaiting)]
    #[case("cancelled", Payment::Void)]
    #[case("refunded", Payment::Void)]
    #[case("failed", Payment::Void)]
    #[case("trash", Payment::Void)]
    fn the_status_is_payment_and_no_content(#[case] status: &str, #[case] payment: Payment) {
        let delivered = order(|body| body["status"] = json!(status)).unwrap();
        assert_eq!(delivered.payment, payment);
        assert_eq!(delivered.content_digest, order(|_| {}).unwrap().content_digest);
    }

    #[test]
    fn another_card_is_the_same_order_but_a_trial_is_another() {
        let digest = |method: &str| order(|body| body["payment_method"] = json!(method)).unwrap().content_digest;
        assert_eq!(digest("stripe"), digest("paypal"));
        assert_ne!(digest("stripe"), digest("trial"));
    }

    #[rstest]
    #[case(json!("2026-11-02T08:00:00"), Some("2026-11-02T08:00:00Z"))]
    #[case(json!("2026-11-02T08:00:00Z"), Some("2026-11-02T08:00:00Z"))]
    #[case(json!(null), None)]
    #[case(json!(""), None)]
    fn an_order_was_placed_when_the_shop_says_and_that_is_no_content(
        #[case] given: Value,
        #[case] placed: Option<&str>,
    ) {
        let delivered = order(|body| body["date_created_gmt"] = given).unwrap();
        assert_eq!(delivered.placed_at.map(|at| at.0.to_string()).as_deref(), placed);
        assert_eq!(delivered.content_digest, order(|_| {}).unwrap().content_digest);
    }

    #[test]
    fn a_draft_is_no_order_yet() {
        assert_eq!(order(|body| body["status"] = json!("checkout-draft")).unwrap_err().problem, "draft");
    }

    #[rstest]
    #[case(json!([{"key": "device", "value": " syunikwin "}]), Some("syunikwin"))]
    #[case(json!([{"key": "device", "value": "a"}, {"key": "_device", "value": "a"}]), Some("a"))]
    #[case(json!([{"key": "device", "value": "a"}, {"key": "Device", "value": "b"}]), Some("a | b"))]
    #[case(json!([{"key": "Device Name", "value": 17}]), Some("17"))]
    #[case(json!([{"key": "device", "value": {"id": 1}}, {"key": null}, {"value": []}]), None)]
    #[case(json!([{"key": "colour", "value": "red"}]), None)]
    #[case(json!(null), None)]
    fn the_device_stands_in_the_meta_data(#[case] meta: Value, #[case] device: Option<&str>) {
        let of_line = order(|body| body["line_items"][1]["meta_data"] = meta.clone()).unwrap();
        assert_eq!(of_line.lines[1].device.as_deref(), device);
        let of_order = order(|body| body["meta_data"] = meta).unwrap();
        assert_eq!(of_order.lines[0].device.as_deref(), device);
    }

    #[test]
    fn a_guest_a_null_sku_and_a_long_company_are_recorded() {
        let order = order(|body| {
            body["customer_id"] = json!(0);
            body["line_items"][0]["sku"] = json!(null);
            body["billing"]["company"] = json!("x".repeat(300));
            body["line_items"][1]["quantity"] = json!(2.0);
        });
        let order = order.unwrap();
        assert_eq!((order.customer.as_str(), order.lines[0].sku.as_str(), order.lines[1].quantity), ("", "", 2));
        assert_eq!(order.company.unwrap().len(), 100);
    }

    #[rstest]
    #[case(|b: &mut Value| b["id"] = json!(0), "id")]
    #[case(|b: &mut Value| b["id"] = json!(-1), "id")]
    #[case(|b: &mut Value| b["id"] = json!(1e30), "id")]
    #[case(|b: &mut Value| b["id"] = json!("4711"), "id")]
    #[case(|b: &mut Value| b["customer_note"] = json!(7), "customer_note")]
    #[case(|b: &mut Value| b["customer_note"] = json!("a".repeat(4001)), "customer_note")]
    #[case(|b: &mut Value| b["line_items"][1]["quantity"] = json!(1.5), "line_items[1].quantity")]
    #[case(|b: &mut Value| b["line_items"][1]["quantity"] = json!("2"), "line_items[1].quantity")]
    #[case(|b: &mut Value| b["line_items"] = json!({}), "line_items")]
    #[case(|b: &mut Value| b["date_created_gmt"] = json!("0000-00-00T00:00:00"), "date_created_gmt")]
    #[case(|b: &mut Value| b["date_created_gmt"] = json!(1_762_070_400), "date_created_gmt")]
    fn a_body_that_does_not_fit_is_refused_with_its_path(#[case] change: fn(&mut Value), #[case] path: &str) {
        assert_eq!(order(change).unwrap_err().path, path);
    }
}
