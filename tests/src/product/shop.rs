//! The shop's side: WooCommerce v3 orders and their signature. Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::RESELLER;

/// The body of an order for an ecQX with additional extensions and a note, paid, as WooCommerce delivers it.
pub fn ecqx_order(number: u64, extensions: u32, note: &str) -> Value {
    let mut lines = vec![line(1, "ECQX", 1)];
    if extensions > 0 {
        lines.push(line(2, "IP-PHONE-EXT", extensions));
    }
    json!({
        "id": number,
        "status": "processing",
        "customer_id": RESELLER.0,
        "payment_method": "paypal",
        "customer_note": note,
        "billing": { "company": "Syunik Win LLC", "email": "orders@example.com" },
        "line_items": lines,
    })
}

/// One line of an order.
pub fn line(id: u64, sku: &str, quantity: u32) -> Value {
    json!({ "id": id, "sku": sku, "quantity": quantity, "meta_data": [] })
}

/// `X-WC-Webhook-Signature`: base64 of the HMAC-SHA256 of the raw body.
pub fn signature(secret: &str, body: &str) -> String {
    // A key of any length is a key for HMAC; the error is there for other constructions.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| STANDARD.encode(mac.chain_update(body.as_bytes()).finalize().into_bytes()))
        .unwrap_or_default()
}
