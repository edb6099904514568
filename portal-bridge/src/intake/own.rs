//! The product's own JSON of an order, as `docs/orders.md` describes it. Pure.

use ecqx_crds::{OrderLine, PortalOrderSpec};
use ecqx_domain::order::{OrderTerm, Payment};
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use super::{
    COMPANY, CUSTOMER, Content, Fault, NOTE, NUMBER, SKU, count_lines, device, json, one_line, recordable, text,
};
use crate::config::{Config, is_shop};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    shop: Option<String>,
    number: String,
    customer: String,
    #[serde(default = "paid")]
    term: OrderTerm,
    #[serde(default)]
    payment: Payment,
    #[serde(default)]
    note: String,
    company: Option<String>,
    placed_at: Option<Timestamp>,
    device: Option<String>,
    lines: Vec<BodyLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BodyLine {
    sku: String,
    quantity: i64,
    device: Option<String>,
}

const fn paid() -> OrderTerm {
    OrderTerm::Paid
}

/// Reads an order.
///
/// # Errors
/// With the path of what does not fit.
pub fn read(body: &[u8], config: &Config) -> Result<PortalOrderSpec, Fault> {
    let body: Body = json(body)?;
    let shop = body.shop.unwrap_or_else(|| config.shop.clone());
    if !is_shop(&shop) {
        return Err(Fault::new("shop", "must be 1 to 63 letters, digits, dots, hyphens or underscores"));
    }
    if !is_customer(&body.customer) {
        let problem = format!(
            "must be 1 to {CUSTOMER} letters, digits, dots, hyphens or underscores, with a letter or digit at both ends"
        );
        return Err(Fault::new("customer", problem));
    }
    let number = one_line("number", &body.number, NUMBER)?;
    if number.is_empty() || number != body.number {
        return Err(Fault::new("number", "must be printable, not empty, and without blanks around it"));
    }
    count_lines("lines", body.lines.len())?;
    let of_order = body.device.as_deref();
    let lines = body.lines.iter().enumerate().map(|(index, line)| read_line(index, line, of_order));
    let company = body.company.map(|company| one_line("company", &company, COMPANY)).transpose()?;
    let content = Content {
        lines: lines.collect::<Result<_, _>>()?,
        customer: body.customer,
        term: body.term,
        note: text("note", &body.note, NOTE)?,
        placed_at: body.placed_at.map(|at| recordable("placedAt", at)).transpose()?,
        company: company.filter(|company| !company.is_empty()),
        shop,
        number,
    };
    content.seal(body.payment)
}

fn read_line(index: usize, line: &BodyLine, of_order: Option<&str>) -> Result<OrderLine, Fault> {
    Ok(OrderLine {
        sku: one_line(&format!("lines[{index}].sku"), &line.sku, SKU)?,
        quantity: super::quantity(&format!("lines[{index}].quantity"), line.quantity)?,
        device: device(&format!("lines[{index}].device"), line.device.as_deref(), of_order)?,
    })
}

/// Whether this can be a reseller's id: it is a label value.
fn is_customer(id: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = id.as_bytes();
    bytes.len() <= CUSTOMER
        && alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn order(change: impl FnOnce(&mut Value)) -> Result<PortalOrderSpec, Fault> {
        let mut body = json!({
            "number": "4711", "customer": "1042", "note": "syunikwin", "payment": "Confirmed",
            "lines": [{"sku": "ECQX", "quantity": 1}],
        });
        change(&mut body);
        read(body.to_string().as_bytes(), &Config::parse("{}").unwrap())
    }

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let order = order(|body| drop(body.as_object_mut().unwrap().remove("payment"))).unwrap();
        assert_eq!((order.shop.as_str(), order.term, order.payment), ("default", OrderTerm::Paid, Payment::Awaiting));
    }

    #[test]
    fn the_examples_of_the_documentation_are_read() {
        let config = Config::parse("{}").unwrap();
        let order = read(include_bytes!("../../../examples/orders/v1-order.json"), &config).unwrap();
        assert_eq!((order.shop.as_str(), order.payment, order.lines.len()), ("partner-portal", Payment::Confirmed, 2));
        let add_on = read(include_bytes!("../../../examples/orders/v1-add-on.json"), &config).unwrap();
        assert_eq!(add_on.lines[0].device.as_deref(), Some("syunikwin.epygicloud.com"));
    }

    #[rstest]
    #[case(|b: &mut Value| b["payment"] = json!("Awaiting"), true)]
    #[case(|b: &mut Value| b["note"] = json!("syunikwin\u{0}\u{1b}"), true)]
    #[case(|b: &mut Value| b["note"] = json!("other"), false)]
    #[case(|b: &mut Value| b["placedAt"] = json!("2026-11-02T09:00:00+01:00"), true)]
    #[case(|b: &mut Value| b["customer"] = json!("1043"), false)]
    #[case(|b: &mut Value| b["lines"][0]["quantity"] = json!(2), false)]
    #[case(|b: &mut Value| b["company"] = json!("Syunik Win"), false)]
    fn only_a_change_of_content_changes_the_digest(#[case] change: fn(&mut Value), #[case] same: bool) {
        let (one, other) = (order(|_| {}).unwrap(), order(change).unwrap());
        assert_eq!(one.content_digest == other.content_digest, same);
    }

    #[rstest]
    #[case(|b: &mut Value| b["coupon"] = json!("x"), "coupon")]
    #[case(|b: &mut Value| b["customer"] = json!(""), "customer")]
    #[case(|b: &mut Value| b["customer"] = json!("../kube-system"), "customer")]
    #[case(|b: &mut Value| b["shop"] = json!("a/b"), "shop")]
    #[case(|b: &mut Value| b["number"] = json!(4711), "number")]
    #[case(|b: &mut Value| b["number"] = json!(" 4711"), "number")]
    #[case(|b: &mut Value| b["number"] = json!("1".repeat(65)), "number")]
    #[case(|b: &mut Value| b["note"] = json!("a".repeat(4001)), "note")]
    #[case(|b: &mut Value| b["company"] = json!("a".repeat(101)), "company")]
    #[case(|b: &mut Value| b["placedAt"] = json!("yesterday"), "placedAt")]
    #[case(|b: &mut Value| b["placedAt"] = json!("2026-11-02T09:00:00"), "placedAt")]
    #[case(|b: &mut Value| b["placedAt"] = json!("0001-01-01T00:00:00Z"), "placedAt")]
    #[case(|b: &mut Value| b["term"] = json!("Promotion"), "term")]
    #[case(|b: &mut Value| b["lines"][0]["quantity"] = json!(1.5), "lines[0].quantity")]
    #[case(|b: &mut Value| b["lines"][0]["quantity"] = json!(i64::MAX), "lines[0].quantity")]
    #[case(|b: &mut Value| b["lines"][0]["sku"] = json!("a".repeat(101)), "lines[0].sku")]
    #[case(|b: &mut Value| b["lines"] = json!(vec![json!({"sku": "ECQX", "quantity": 1}); 51]), "lines")]
    fn a_body_that_does_not_fit_is_refused_with_its_path(#[case] change: fn(&mut Value), #[case] path: &str) {
        assert_eq!(order(change).unwrap_err().path, path);
    }

    #[rstest]
    #[case(b"".as_slice())]
    #[case(b"not json".as_slice())]
    #[case(b"[]".as_slice())]
    #[case(b"\xff\xfe".as_slice())]
    fn what_is_no_json_is_refused(#[case] body: &[u8]) {
        assert!(read(body, &Config::parse("{}").unwrap()).is_err());
    }
}
