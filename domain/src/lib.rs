//! The business of ecQX: what is sold, to what limits, under which name. No Kubernetes, no clock, no I/O.
//!
//! Every function takes its facts, its settings and `now` as arguments and returns data, so each rule can be read, tested
//! and replayed on its own. `§n` in a comment is the section of the reseller guide that a rule comes from; *Decision* marks
//! what the guide leaves open and a setting answers.
//!
//! | module | rule |
//! | --- | --- |
//! | [`feature`] | what can be licensed (§2) |
//! | [`item`] | what is sold: the ecQX, or some of a feature (§2) |
//! | [`catalogue`] | what the base configuration includes, and the maxima (§2) |
//! | [`ledger`] | from facts (grants) to entitlements at an instant (§6, §7) |
//! | [`calendar`] | when a change takes effect: month starts, working days, the cut-off (§7) |
//! | [`hostname`] | labels, reserved names, the wanted name in an order's notes (§6) |
//! | [`order`] | what an order asks for, whether it can take effect, why it is held (§6) |
//! | [`unique_id`] | the identity of an instance that never changes |
//! | [`lifecycle`] | trial, paid, grace, suspended, ended, expired (§6, §7) |
//! | [`trial`] | who may try what, once (§6) |
//! | [`promotion`] | what an order brings without its being ordered (§5) |
//! | [`foresight`] | everything that will happen to an instance, and how it will stand at any date |
//! | [`pbx`] | how every PBX is run: what holds in it, how it is reached, how long it waits for calls |
//! | [`maintenance`] | when a PBX may be replaced: weekly windows |
//! | [`name_change`] | when resolvers are to keep a name's records for a shorter time |
//! | [`sip`] | by which ways a caller reaches a PBX |
//! | [`settings`] | the provider's decisions, validated |

pub mod calendar;
pub mod catalogue;
pub mod feature;
pub mod foresight;
pub mod hostname;
pub mod item;
pub mod ledger;
pub mod lifecycle;
pub mod maintenance;
pub mod name_change;
pub mod order;
pub mod pbx;
pub mod promotion;
pub mod settings;
pub mod sip;
pub mod trial;
pub mod unique_id;
