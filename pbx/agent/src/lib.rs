//! PID 1 of the PBX pod: renders Asterisk's files from the mounted limits, applies changes without a restart,
//! and answers readiness, liveness and usage. Pure: [`wanted`], [`render`], [`control::answers`], [`ami::message`], [`observe::Ears`], [`observe::said`]. The rest does I/O.

pub mod ami;
pub mod applier;
pub mod args;
pub mod asterisk;
pub mod certificate;
pub mod console;
pub mod control;
pub mod events;
pub mod files;
pub mod http;
pub mod init;
pub mod mail;
pub mod metrics;
pub mod observe;
pub mod recordings;
pub mod render;
pub mod source;
pub mod status;
pub mod supervise;
pub mod tally;
pub mod throttle;
pub mod usage;
pub mod wanted;
pub mod watch;
pub mod worker;
