//! What an order asks for, and whether it can take effect (§6 of the guide). Pure.
//!
//! An order is judged from itself, what its reseller already has, and the settings: [`evaluate`] gives either the one effect
//! that it has or every reason for which it is held.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use evaluate::{Decision, LineGrant, PromotionGrant, evaluate, wanted_hostname};
pub use hold::{End, Hold};
pub use payment::Payment;
pub use portfolio::{Instance, Portfolio};
pub use skus::SkuMap;
pub use trials::wanted_trials;

pub use crate::item::{Item, UnknownItem};

use crate::ledger::Term;

mod contents;
mod devices;
mod evaluate;
mod hold;
mod maxima;
pub mod names;
mod payment;
mod portfolio;
mod skus;
mod trials;

/// The most of one service that one line can ask for, whatever the maxima are set to.
pub const QUANTITY_LIMIT: i64 = 100_000;

/// Whether an order is paid for, or asks for a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OrderTerm {
    /// 30 days without payment; takes effect at once.
    Trial,
    /// Takes effect when its payment is confirmed.
    Paid,
}

impl From<OrderTerm> for Term {
    fn from(term: OrderTerm) -> Self {
        match term {
            OrderTerm::Trial => Self::Trial,
            OrderTerm::Paid => Self::Paid,
        }
    }
}

/// An order, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The reseller's id; empty when the shop named none.
    pub customer: String,
    /// Paid or trial.
    pub term: OrderTerm,
    /// When it was placed; promotions go by it.
    pub placed_at: Option<Timestamp>,
    /// Free text; the wanted host name stands in it.
    pub note: String,
    /// The end customer that it is for.
    pub company: Option<String>,
    /// What is ordered.
    pub lines: Vec<Line>,
}

/// One line of an order, as the shop gave it: any of it may be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The shop's article number.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// The instance that an add-on is for, by any of its names.
    pub device: Option<String>,
}
