//! What the lines of an order ask for. Pure.

use std::collections::BTreeSet;

use super::{Hold, Item, LineGrant, Order, QUANTITY_LIMIT, SkuMap};

/// The lines of an order, by what they order.
#[derive(Default)]
pub(super) struct Contents {
    /// How many lines order an ecQX.
    pub ecqx_lines: usize,
    /// How many ecQX they order together.
    pub ecqx: i64,
    /// Whether there is an article that nobody knows.
    pub unknown: bool,
    /// What is ordered of features.
    pub grants: Vec<LineGrant>,
}

impl Contents {
    pub fn read(order: &Order, skus: &SkuMap, holds: &mut Vec<Hold>) -> Self {
        let mut contents = Self::default();
        for (index, line) in order.lines.iter().enumerate() {
            if !(1..=QUANTITY_LIMIT).contains(&line.quantity) {
                holds.push(Hold::QuantityOutOfRange { line: index, quantity: line.quantity });
            }
            match skus.item(&line.sku) {
                Some(Item::Ecqx) => {
                    contents.ecqx_lines += 1;
                    contents.ecqx = contents.ecqx.saturating_add(line.quantity.max(0));
                }
                Some(Item::Feature(feature)) => {
                    contents.grants.push(LineGrant { line: index, feature, quantity: line.quantity });
                }
                None => {
                    contents.unknown = true;
                    holds.push(Hold::UnknownSku { line: index, sku: line.sku.clone() });
                }
            }
        }
        contents
    }

    /// Each service that is ordered, once.
    pub fn services(&self) -> BTreeSet<Item> {
        let features = self.grants.iter().map(|grant| Item::Feature(grant.feature));
        (self.ecqx_lines > 0).then_some(Item::Ecqx).into_iter().chain(features).collect()
    }
}
