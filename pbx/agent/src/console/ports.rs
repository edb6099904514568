//! The ports that were bought: one a connection, given back by dropping it. Pure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many are taken. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ports(Arc<AtomicU32>);

/// A port that is taken, until it is dropped.
#[derive(Debug)]
pub struct Port(Arc<AtomicU32>);

impl Ports {
    /// A port, if fewer than `limit` are taken: of two who race for the last one, one gets it. A limit that has fallen takes none away.
    pub fn take(&self, limit: u32) -> Option<Port> {
        let more = |taken: u32| (taken < limit).then(|| taken + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Port(Arc::clone(&self.0)))
    }

    /// How many are taken.
    pub fn taken(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_threads_exactly_as_many_get_a_port_as_there_are() {
        for limit in [0, 1, 2, 152] {
            let ports = Ports::default();
            let taken: Vec<Option<Port>> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..limit + 5).map(|_| scope.spawn(|| ports.take(limit))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(taken.iter().flatten().count(), limit as usize);
            assert_eq!(ports.taken(), limit);
            drop(taken);
            assert_eq!(ports.taken(), 0);
        }
    }

    #[test]
    fn a_limit_that_falls_takes_no_port_away_and_gives_none_until_it_fits() {
        let ports = Ports::default();
        let mut taken: Vec<Port> = (0..4).filter_map(|_| ports.take(4)).collect();
        assert!(ports.take(2).is_none() && ports.taken() == 4);
        taken.truncate(2);
        assert!(ports.take(2).is_none());
        taken.truncate(1);
        assert!(ports.take(2).is_some());
    }
}
