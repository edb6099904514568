//! Promotions: features that an order with an ecQX brings without their being ordered (§5 of the guide). Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::feature::Feature;

/// The most of a feature that one grant can hold.
const MOST: u32 = 100_000;

/// The most days that a promotion can last: ten years. What is longer has no end.
const LONGEST: u32 = 3660;

/// A promotion as it is written in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PromotionDocument {
    /// Names it for ever: an instance gets each promotion once.
    pub id: String,
    /// The first instant of its window (RFC 3339).
    pub from: Timestamp,
    /// The first instant after its window.
    pub until: Timestamp,
    /// What it gives, by feature.
    pub grants: BTreeMap<String, u32>,
    /// For how many days of 24 hours an instance has it; left out: as long as the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// A promotion that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Its name.
    pub id: String,
    /// The first instant of its window.
    pub from: Timestamp,
    /// The first instant after its window.
    pub until: Timestamp,
    /// What it gives: at least one feature, none of it zero.
    pub grants: BTreeMap<Feature, u32>,
    /// For how many days of 24 hours; none: as long as the instance.
    pub days: Option<u32>,
}

/// Why promotions are refused.
#[derive(Debug, thiserror::Error)]
pub enum PromotionError {
    /// Its name stands in ids of grants.
    #[error("field promotions: id {0:?} must be 1 to 40 lower-case letters, digits and inner hyphens")]
    Id(String),
    /// Two of one name.
    #[error("field promotions: id {0:?} stands twice; give each promotion an id of its own")]
    Twice(String),
    /// A window that no order can be in.
    #[error("field promotions: the window of {0:?} ends before it begins; until must be later than from")]
    Window(String),
    /// Nothing is given.
    #[error("field promotions: {0:?} gives nothing; name at least one feature with a quantity of 1 or more")]
    Empty(String),
    /// Something is given that does not exist.
    #[error("field promotions: {id:?}: {name:?} is no feature; known are {}", Feature::ALL.map(Feature::name).join(", "))]
    Feature {
        /// Which promotion.
        id: String,
        /// The key.
        name: String,
    },
    /// More than a grant can hold.
    #[error("field promotions: {id:?}: {feature}: {quantity} must be at most {MOST}")]
    Quantity {
        /// Which promotion.
        id: String,
        /// Of what.
        feature: Feature,
        /// As it was written.
        quantity: u32,
    },
    /// No time that a promotion can last.
    #[error("field promotions: {id:?}: days: {days} must be 1 to {LONGEST}")]
    Days {
        /// Which promotion.
        id: String,
        /// As it was written.
        days: u32,
    },
}

impl TryFrom<PromotionDocument> for Promotion {
    type Error = PromotionError;

    fn try_from(document: PromotionDocument) -> Result<Self, PromotionError> {
        let PromotionDocument { id, from, until, grants, days } = document;
        let in_range = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=40).contains(&id.len()) || !id.bytes().all(in_range) || id.starts_with('-') || id.ends_with('-') {
            return Err(PromotionError::Id(id));
        }
        if until <= from {
            return Err(PromotionError::Window(id));
        }
        let mut by_feature = BTreeMap::new();
        for (name, quantity) in grants {
            let feature = Feature::from_name(&name).ok_or(PromotionError::Feature { id: id.clone(), name })?;
            if quantity > MOST {
                return Err(PromotionError::Quantity { id, feature, quantity });
            }
            by_feature.insert(feature, quantity);
        }
        if by_feature.is_empty() || by_feature.values().any(|quantity| *quantity == 0) {
            return Err(PromotionError::Empty(id));
        }
        match days {
            Some(days) if !(1..=LONGEST).contains(&days) => Err(PromotionError::Days { id, days }),
            _ => Ok(Self { id, from, until, grants: by_feature, days }),
        }
    }
}

/// Checks all promotions.
///
/// # Errors
/// With the promotion and what to do about it.
pub fn check(documents: Vec<PromotionDocument>) -> Result<Vec<Promotion>, PromotionError> {
    let mut all: Vec<Promotion> = Vec::new();
    for document in documents {
        let promotion = Promotion::try_from(document)?;
        if all.iter().any(|other| other.id == promotion.id) {
            return Err(PromotionError::Twice(promotion.id));
        }
        all.push(promotion);
    }
    Ok(all)
}

/// The promotions that an order with an ecQX gets which is placed at `placed_at`: from included, until excluded.
pub fn running(promotions: &[Promotion], placed_at: Timestamp) -> impl Iterator<Item = &Promotion> {
    promotions.iter().filter(move |promotion| promotion.from <= placed_at && placed_at < promotion.until)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn document(change: impl FnOnce(&mut PromotionDocument)) -> PromotionDocument {
        let mut document = PromotionDocument {
            id: "autumn".to_owned(),
            from: "2026-09-01T00:00:00Z".parse().unwrap(),
            until: "2026-12-01T00:00:00Z".parse().unwrap(),
            grants: [("CallRecording".to_owned(), 2)].into(),
            days: Some(90),
        };
        change(&mut document);
        document
    }

    #[rstest]
    #[case("2026-08-31T23:59:59Z", false)]
    #[case("2026-09-01T00:00:00Z", true)]
    #[case("2026-11-30T23:59:59Z", true)]
    #[case("2026-12-01T00:00:00Z", false)]
    fn an_order_inside_the_window_gets_it(#[case] placed_at: &str, #[case] gets: bool) {
        let all = check(vec![document(|_| ())]).unwrap();
        assert_eq!(running(&all, placed_at.parse().unwrap()).count() == 1, gets);
    }

    #[rstest]
    #[case(document(|d| d.id = "Autumn".to_owned()), "id \"Autumn\"")]
    #[case(document(|d| d.until = d.from), "window")]
    #[case(document(|d| d.grants.clear()), "gives nothing")]
    #[case(document(|d| d.grants = [("Phones".to_owned(), 1)].into()), "\"Phones\" is no feature")]
    #[case(document(|d| d.grants = [("CallRecording".to_owned(), 0)].into()), "gives nothing")]
    #[case(document(|d| d.grants = [("CallRecording".to_owned(), 100_001)].into()), "CallRecording: 100001")]
    #[case(document(|d| d.days = Some(0)), "days: 0")]
    fn a_wrong_promotion_is_refused_with_the_reason(#[case] document: PromotionDocument, #[case] reason: &str) {
        let message = check(vec![document]).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }

    #[test]
    fn two_promotions_of_one_id_are_refused() {
        assert!(check(vec![document(|_| ()), document(|_| ())]).unwrap_err().to_string().contains("twice"));
    }
}
