//! When which key does what, so that a rollover has no gap (RFC 6781, section 4.1; RFC 7583). Pure.
//!
//! All times are beginnings of ticks, since keys change with the tick.

use super::Role;
use crate::dnssec::{
    Tick,
    key::{Instant, Times},
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// How long a changed Secret may take to reach all replicas.
const MOUNTED: u64 = HOUR;
/// How long a key stands in the zone before it signs: longer than the TTL of DNSKEY (an hour) and the delay of secondaries.
const AHEAD: u64 = DAY;
/// How long a key stays after its last signature: longer than the TTLs of a zone.
const AFTER: u64 = 8 * DAY;

/// The times of a key that is in use from now on.
pub fn first(tick: Tick, role: Role) -> Times {
    let now = Some(tick.begins());
    Times { publish: now, activate: now, sync_publish: now.filter(|_| role != Role::Zsk), ..Times::default() }
}

/// The times of a key and of its successor.
pub fn replaced(old: Times, role: Role, now: Instant) -> (Times, Times) {
    let publish = Tick::at_or_after(now + MOUNTED).begins();
    let turn = Tick::at_or_after(publish + AHEAD).begins();
    let entry = (role != Role::Zsk).then_some(turn);
    let before = Times {
        inactive: Some(turn),
        // Only who looks at the parent zone knows when nobody needs an entry point any more.
        delete: (role == Role::Zsk).then(|| Tick::at_or_after(turn + AFTER).begins()),
        sync_delete: entry,
        ..old
    };
    let after = Times { publish: Some(publish), activate: Some(turn), sync_publish: entry, ..Times::default() };
    (before, after)
}

/// When a replaced entry point may leave: not while caches hold its signatures.
pub fn retired(old: &Times, now: Instant) -> Instant {
    let last = old.inactive.map_or(now, |inactive| inactive + AFTER);
    Tick::at_or_after((now + DAY).max(last)).begins()
}

/// The plan as lines.
pub fn told(before: &Times, after: &Times) -> String {
    format!("the old key:\n{}the new key:\n{}", before.text(), after.text())
}
