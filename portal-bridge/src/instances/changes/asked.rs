//! A request for less, as it is asked. Pure.

use ecqx_crds::{Change, ChangeKind};
use ecqx_domain::item::Item;
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use serde::Deserialize;

use crate::intake::{self, Fault};

/// The longest id: with the words before it, it is the name of a field manager.
const ID: usize = 100;
/// The most that a request can leave.
const QUANTITY: i32 = 100_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    id: String,
    service: Item,
    kind: ChangeKind,
    new_quantity: Option<i32>,
}

/// A request that can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its id, unique on the instance.
    pub id: String,
    /// Of which service.
    pub service: Item,
    /// Decrease or Unsubscribe.
    pub kind: ChangeKind,
    /// Of a decrease: how many are to be left of those that are paid.
    pub new_quantity: Option<i32>,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// With the path of what does not fit.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let Body { id, service, kind, new_quantity } = intake::json(body)?;
        if !is_id(&id) {
            let problem = format!(
                "must be 1 to {ID} letters, digits and inner hyphens, dots, underscores, slashes or colons; choose another"
            );
            return Err(Fault::new("id", problem));
        }
        match (kind, new_quantity) {
            (ChangeKind::Decrease, None) => {
                Err(Fault::new("newQuantity", "is needed for a Decrease: how many are to be left"))
            }
            (ChangeKind::Unsubscribe, Some(_)) => {
                Err(Fault::new("newQuantity", "has no meaning for an Unsubscribe; leave it out, or ask for a Decrease"))
            }
            (_, Some(quantity)) if !(0..=QUANTITY).contains(&quantity) => {
                Err(Fault::new("newQuantity", format!("{quantity} is not possible; it must be from 0 to {QUANTITY}")))
            }
            _ => Ok(Self { id, service, kind, new_quantity }),
        }
    }

    /// Whether this is the same request.
    pub(super) fn is(&self, made: &Change) -> bool {
        (self.service, self.kind, self.new_quantity) == (made.service, made.kind, made.new_quantity)
    }

    /// The fact.
    pub(super) fn made_at(&self, now: Timestamp) -> Change {
        Change {
            id: self.id.clone(),
            service: self.service,
            kind: self.kind,
            new_quantity: self.new_quantity,
            requested_at: Some(MicroTime(now)),
            cancelled: false,
            cancelled_at: None,
        }
    }
}

/// As the kind has it.
fn is_id(id: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = id.as_bytes();
    bytes.len() <= ID
        && alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._/:".contains(byte))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn read(change: impl FnOnce(&mut Value)) -> Result<Asked, Fault> {
        let mut body = json!({"id": "r-1", "service": "CallRecording", "kind": "Decrease", "newQuantity": 12});
        change(&mut body);
        Asked::read(body.to_string().as_bytes())
    }

    #[rstest]
    #[case(|b: &mut Value| b["id"] = json!(""), "id")]
    #[case(|b: &mut Value| b["id"] = json!("a b"), "id")]
    #[case(|b: &mut Value| b["id"] = json!("-a"), "id")]
    #[case(|b: &mut Value| b["id"] = json!("a".repeat(101)), "id")]
    #[case(|b: &mut Value| b["service"] = json!("Phones"), "service")]
    #[case(|b: &mut Value| b["kind"] = json!("Increase"), "kind")]
    #[case(|b: &mut Value| b["newQuantity"] = json!(-1), "newQuantity")]
    #[case(|b: &mut Value| b["newQuantity"] = json!(100_001), "newQuantity")]
    #[case(|b: &mut Value| b["newQuantity"] = json!(1.5), "newQuantity")]
    #[case(|b: &mut Value| b["newQuantity"] = json!(null), "newQuantity")]
    #[case(|b: &mut Value| b["kind"] = json!("Unsubscribe"), "newQuantity")]
    #[case(|b: &mut Value| b["requestedAt"] = json!("2026-01-01T00:00:00Z"), "requestedAt")]
    fn a_body_that_does_not_fit_is_refused_with_its_path(#[case] change: fn(&mut Value), #[case] path: &str) {
        assert_eq!(read(change).unwrap_err().path, path);
    }

    #[test]
    fn the_same_request_is_told_from_another() {
        let made = read(|_| {}).unwrap().made_at(Timestamp::UNIX_EPOCH);
        assert!(read(|_| {}).unwrap().is(&made));
        assert!(!read(|b| b["newQuantity"] = json!(11)).unwrap().is(&made));
        assert!(!read(|b| b["service"] = json!("CallCenter")).unwrap().is(&made));
    }
}
