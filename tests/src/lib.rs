//! The local cluster for tests, as a library: a control plane or a whole node in one line, ended with the value that stands for it.
//!
//! The parts run under a supervisor process (`ecqx-cluster run`), so that a test that panics, is interrupted or is killed
//! still leaves nothing behind: its end closes a pipe, and the supervisor takes everything down.

pub mod cluster;
pub mod control_plane;
pub mod fault;
pub mod kinds;
pub mod local;
pub mod netns;
pub mod pbx;
pub mod ports;
pub mod product;
mod supervisor;

pub use cluster::Cluster;
pub use control_plane::ControlPlane;
