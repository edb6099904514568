//! DNSSEC (RFC 4033 to 4035, RFC 5155): the zone signed, with proofs of what does not exist.
//!
//! A signature is a function of the records, the keys and the [`Tick`]: the schemes are deterministic, and the times in it are
//! quantised. So replicas that hold the same objects and keys make the same signed zone, octet for octet, and a signature can be
//! made when it is first asked for and kept from then on (`docs/adr/0050-signed-when-asked-with-nsec3.md`).
//!
//! Pure but for [`renewal`] and [`manage`], which read the clock and files.

pub mod algorithm;
pub mod cache;
pub mod canonical;
pub mod chain;
pub mod key;
pub mod keyring;
pub mod manage;
pub mod names;
pub mod proof;
pub mod renewal;
pub mod seal;
pub mod signing;
pub mod tick;

pub use chain::{Chain, Hash, Link};
pub use key::{Key, KeyError};
pub use keyring::{Keyring, Signers};
pub use proof::complete;
pub use seal::Seal;
pub use signing::Signing;
pub use tick::Tick;
