//! Requests to have less, and what becomes of each (§7 of the guide). Pure.

use jiff::Timestamp;

use crate::item::Item;

/// A fact: somebody asked for less of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// When it was asked.
    pub requested_at: Timestamp,
    /// Unique among the changes; the same id is the same fact.
    pub id: String,
    /// Of what.
    pub service: Item,
    /// What was asked.
    pub ask: Ask,
    /// When it takes effect: the date that was given at the first sight of the request, which never moves.
    pub effective_at: Timestamp,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// It is on record that it has taken effect: a clock that is set back to before its date does not undo that.
    pub taken: bool,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// So many are to be left, of those that are paid.
    Decrease {
        /// The new quantity.
        new_quantity: u32,
    },
    /// The service is to go: what was paid of it at the request.
    Unsubscribe,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It cannot be; nothing changes, a pending request least of all.
    Refused(Refusal),
    /// It will take effect.
    Pending {
        /// By how much the paid quantity falls then: measured against the quantity at the request.
        reduction: u64,
        /// When.
        effective_at: Timestamp,
    },
    /// It has taken effect.
    Applied {
        /// By how much the paid quantity fell.
        reduction: u64,
        /// When.
        at: Timestamp,
    },
    /// It was taken back in time.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// A later request for the same service took its place.
    Replaced {
        /// The later one's id.
        by: String,
    },
    /// The instance had ended before it could take effect.
    Void,
}

/// Why a request cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Increases are orders.
    #[error("{wanted} are asked for, and {present} are paid; order the increase instead")]
    Increase {
        /// What was asked.
        wanted: u32,
        /// What was paid at the request.
        present: u64,
    },
    /// The cut-offs differ, so nobody is unsubscribed by a number.
    #[error("a decrease to 0 is an unsubscription, which has a cut-off of its own; unsubscribe instead")]
    ToZero,
    /// Neither base configuration, trials nor promotions can be reduced.
    #[error("nothing of it is paid; the base configuration, trials and promotions cannot be reduced")]
    NothingPaid,
    /// The ecQX is there or not.
    #[error("the ecQX itself has no quantity; unsubscribe it instead")]
    NoQuantity,
    /// There is nothing left to change.
    #[error("the instance has ended")]
    Ended,
}
