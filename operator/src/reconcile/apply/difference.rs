//! Whether an object needs to be written, told from what the watch shows: at rest there are no writes. Pure.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::quantity;
use crate::names::DESIRED_DIGEST;

/// The fields whose values are quantities, which the API server stores in a spelling of its own.
const AMOUNTS: &[&str] = &["requests", "limits"];

/// The fields that choose other objects: one more condition is another choice. The API server takes them as a whole, so writing ours anew
/// puts that right.
const CHOICES: &[&str] = &["matchLabels", "podSelector", "selector"];

/// The object as it is sent: with a digest of itself, by which a field that is no longer wanted is noticed.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn prepare(desired: &impl Serialize) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(desired)?;
    let digest: String =
        Sha256::digest(value.to_string()).iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::default()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(DESIRED_DIGEST.to_owned(), Value::String(digest));
        }
    }
    Ok(value)
}

/// True when anything of `prepared` is missing or other in `live`. What the API server or others added is not looked at, but in
/// what chooses other objects.
///
/// # Errors
/// When the live object cannot be written as JSON.
pub fn differs(prepared: &Value, live: &impl Serialize) -> Result<bool, serde_json::Error> {
    Ok(!covers(&serde_json::to_value(live)?, prepared))
}

fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted.iter().all(|(key, value)| {
            let same = match key.as_str() {
                key if AMOUNTS.contains(&key) => same_amounts,
                key if CHOICES.contains(&key) => Value::eq,
                _ => covers,
            };
            live.get(key).is_some_and(|live| same(live, value))
        }),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| covers(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

/// As [`covers`], of amounts by name.
fn same_amounts(live: &Value, wanted: &Value) -> bool {
    let (Some(live), Some(wanted)) = (live.as_object(), wanted.as_object()) else { return covers(live, wanted) };
    wanted.iter().all(|(name, wanted)| {
        let amounts = (live.get(name).and_then(Value::as_str), wanted.as_str());
        matches!(amounts, (Some(live), Some(wanted)) if quantity::same(live, wanted))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::defaults_are_added_by_the_server(json!({"a": 1, "b": 2}), json!({"a": 1}), false)]
    #[case::a_value_was_changed(json!({"a": 2}), json!({"a": 1}), true)]
    #[case::a_field_was_removed(json!({}), json!({"a": 1}), true)]
    #[case::a_list_grew(json!([{"a": 1}, {"a": 2}]), json!([{"a": 1}]), true)]
    #[case::an_amount_is_spelt_otherwise(json!({"limits": {"a": "1Gi"}}), json!({"limits": {"a": "1024Mi"}}), false)]
    #[case::an_amount_is_another(json!({"limits": {"a": "1Gi"}}), json!({"limits": {"a": "1Mi"}}), true)]
    #[case::an_amount_is_missing(json!({"limits": {}}), json!({"limits": {"a": "1Mi"}}), true)]
    #[case::a_choice_was_narrowed(json!({"selector": {"a": "1", "b": "2"}}), json!({"selector": {"a": "1"}}), true)]
    #[case::a_choice_of_all_was_narrowed(json!({"podSelector": {"matchLabels": {"a": "1"}}}), json!({"podSelector": {}}), true)]
    #[case::a_choice_is_the_same(json!({"selector": {"a": "1"}, "x": 1}), json!({"selector": {"a": "1"}}), false)]
    #[case::a_list_item_has_defaults(json!([{"a": 1, "d": 0}]), json!([{"a": 1}]), false)]
    fn an_object_is_written_only_when(#[case] live: Value, #[case] wanted: Value, #[case] expected: bool) {
        assert_eq!(differs(&wanted, &live).unwrap(), expected);
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_is_noticed_by_the_digest() {
        let before = prepare(&json!({"metadata": {"name": "x"}, "spec": {"a": 1, "b": 2}})).unwrap();
        let after = prepare(&json!({"metadata": {"name": "x"}, "spec": {"a": 1}})).unwrap();
        assert!(differs(&after, &before).unwrap());
        assert!(!differs(&before, &before).unwrap());
    }
}
