//! Lines with times. I/O: standard output.

use std::time::Instant;

/// Tells steps with the time since its start.
pub struct Told(Instant);

impl Told {
    /// From now on.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Something has happened.
    pub fn step(&self, what: &str) {
        println!("  {:>7.2} s  {what}", self.0.elapsed().as_secs_f64());
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
