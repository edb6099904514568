//! The operator: turns `EcqxInstance` and `LicenseSet` into a running PBX. Knows nothing of shops.
//!
//! A reconcile is five named steps, and only those marked so touch the client:
//!
//! | step | client | does |
//! | --- | --- | --- |
//! | [`reconcile::dereference`] | reads | gathers what is there |
//! | [`validate`] | - | wire types to domain types, or a reason why not |
//! | [`build`] | - | the objects that should be |
//! | [`reconcile::apply`] | writes | claims the name, applies what differs, and nothing at rest |
//! | [`reconcile::update_status`] | writes | says what holds, when it has changed |

pub mod agent;
pub mod args;
pub mod build;
pub mod clock;
pub mod context;
pub mod controller;
pub mod health;
pub mod licensing;
pub mod names;
pub mod naming;
pub mod notes;
pub mod reconcile;
pub mod reservation;
pub mod rollout;
pub mod status;
pub mod trials;
pub mod validate;
pub mod watches;
