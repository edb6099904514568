//! From a delivery's body to the content of an order. Pure.
//!
//! All text is data: what cannot be printed is taken out, lengths are bounded, and nothing is guessed.

use ecqx_crds::{OrderLine, PortalOrderSpec};
use ecqx_domain::order::{OrderTerm, Payment};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

pub mod own;
pub mod woocommerce;

/// The most lines that an order can have.
const LINES: usize = 50;
/// The longest note.
const NOTE: usize = 4000;
/// The longest company name.
const COMPANY: usize = 100;
/// The longest article number.
const SKU: usize = 100;
/// The longest name of a device.
const DEVICE: usize = 253;
/// The longest id of a customer: it is a label value.
const CUSTOMER: usize = 63;
/// The largest quantity that is recorded: what JSON numbers carry everywhere.
const QUANTITY: u64 = 9_000_000_000_000_000;
/// The end of the times that are recorded: the start of the year 2900.
const FAR: Timestamp = Timestamp::constant(29_348_006_400, 0);
/// The longest number of an order.
const NUMBER: usize = 64;

/// Why a body is no order: where in it, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Fault {
    /// The JSON path, `.` for the whole.
    pub path: String,
    /// What is wrong, and what is possible.
    pub problem: String,
}

impl Fault {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

/// What an order says, apart from its payment.
#[derive(Debug, Serialize)]
struct Content {
    shop: String,
    number: String,
    customer: String,
    term: OrderTerm,
    note: String,
    company: Option<String>,
    lines: Vec<OrderLine>,
    #[serde(skip)]
    placed_at: Option<Timestamp>,
}

impl Content {
    /// The record's content, with the digest that tells a repeated delivery from one with other content. Neither payment nor
    /// time is in the digest: these change without the order changing.
    fn seal(self, payment: Payment) -> Result<PortalOrderSpec, Fault> {
        let canonical = serde_json::to_vec(&self).map_err(|error| Fault::new(".", error.to_string()))?;
        let digest = Sha256::digest(canonical);
        let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let content_digest = nibbles.map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])).collect();
        let Self { shop, number, customer, term, note, company, lines, placed_at } = self;
        let placed_at = placed_at.map(Time);
        Ok(PortalOrderSpec { shop, number, customer, term, note, company, placed_at, lines, content_digest, payment })
    }
}

/// Reads JSON, with the path of what does not fit.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let reader = &mut serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        let path = error.path().to_string();
        Fault::new(path, error.into_inner().to_string())
    })?;
    reader.end().map_err(|error| Fault::new(".", error.to_string()))?;
    Ok(value)
}

/// Printable text within a length.
fn text(path: &str, given: &str, limit: usize) -> Result<String, Fault> {
    let clean: String = given.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let length = clean.chars().count();
    if length > limit {
        return Err(Fault::new(path, format!("{length} characters, at most {limit} are possible")));
    }
    Ok(clean)
}

/// Printable text on one line, without blanks around it.
fn one_line(path: &str, given: &str, limit: usize) -> Result<String, Fault> {
    let spaced: String = given.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text(path, spaced.trim(), limit)
}

/// The device of a line: its own, else the order's.
fn device(path: &str, own: Option<&str>, of_order: Option<&str>) -> Result<Option<String>, Fault> {
    let given = own.map(str::trim).filter(|own| !own.is_empty()).or(of_order);
    let device = given.map(|given| one_line(path, given, DEVICE)).transpose()?;
    Ok(device.filter(|device| !device.is_empty()))
}

/// A time that the record can hold.
fn recordable(path: &str, at: Timestamp) -> Result<Timestamp, Fault> {
    let (least, most) = (Timestamp::UNIX_EPOCH, FAR);
    if (least..most).contains(&at) {
        return Ok(at);
    }
    Err(Fault::new(path, format!("{at} is no time of an order; it must be from {least} until {most}")))
}

fn count_lines(path: &str, count: usize) -> Result<(), Fault> {
    if count > LINES {
        return Err(Fault::new(path, format!("{count} lines, at most {LINES} are possible; split the order")));
    }
    Ok(())
}

/// A quantity that the record can hold; whether it can be ordered is judged later.
fn quantity(path: &str, given: i64) -> Result<i64, Fault> {
    if given.unsigned_abs() > QUANTITY {
        return Err(Fault::new(path, format!("{given} is beyond all sense; at most {QUANTITY} can be recorded")));
    }
    Ok(given)
}
