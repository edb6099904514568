//! The state of an order's payment, which only ever goes up. Pure.

use serde::{Deserialize, Serialize};

/// How the payment of an order stands.
///
/// The states are ordered, and a delivery raises the recorded state to the higher of the two: deliveries that are repeated,
/// or that come in another order than they were sent, end in the same state. `Void` stands below `Confirmed` so that a payment
/// that failed once and then succeeded counts, while a cancellation after the payment undoes nothing (that is a change request).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Payment {
    /// Not paid yet.
    #[default]
    Awaiting,
    /// Cancelled, refunded or failed before it was paid.
    Void,
    /// Paid.
    Confirmed,
}

impl Payment {
    /// What is known after both were heard, in whichever order.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use Payment::{Awaiting, Confirmed, Void};

    #[rstest]
    #[case(Awaiting, Void, Void)]
    #[case(Awaiting, Confirmed, Confirmed)]
    #[case(Void, Confirmed, Confirmed)]
    #[case(Confirmed, Awaiting, Confirmed)]
    fn the_higher_state_stands(#[case] one: Payment, #[case] other: Payment, #[case] joined: Payment) {
        assert_eq!(one.join(other), joined);
    }

    proptest! {
        #[test]
        fn deliveries_in_any_order_and_repeated_end_in_the_same_state(
            mut heard in proptest::collection::vec(proptest::sample::select(vec![Awaiting, Void, Confirmed]), 1..12),
            seed in any::<u64>(),
        ) {
            let once = heard.iter().copied().fold(Awaiting, Payment::join);
            let turn = usize::try_from(seed % 12).unwrap() % heard.len();
            heard.rotate_left(turn);
            heard.extend_from_within(..);
            prop_assert_eq!(heard.into_iter().fold(Awaiting, Payment::join), once);
        }
    }
}
