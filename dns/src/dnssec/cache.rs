//! What is made when it is first asked for. Pure: what is kept follows from what it is kept with.

use std::sync::OnceLock;

/// A place for something that can be made again at any time. So all are equal, and a copy is empty.
#[derive(Debug)]
pub struct Cache<T>(OnceLock<T>);

impl<T> Cache<T> {
    /// What is kept; made first if nothing is.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(make)
    }
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> PartialEq for Cache<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Cache<T> {}
