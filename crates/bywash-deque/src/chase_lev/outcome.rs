//! What comes of a steal and of a push.

use std::fmt;

/// What became of an attempt to steal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a steal may have taken an item, or ask to be tried again"]
pub enum Steal<T> {
    /// There was nothing to take.
    Empty,
    /// Somebody else was faster: there may be more.
    Retry,
    /// Taken.
    Taken(T),
}

impl<T> Steal<T> {
    /// What was taken, if anything was.
    pub fn taken(self) -> Option<T> {
        match self {
            Self::Taken(item) => Some(item),
            Self::Empty | Self::Retry => None,
        }
    }

    /// Whether it is worth trying again at once.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry)
    }
}

/// The deque holds its maximum; here is the item back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(_)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deque holds its maximum; pop an item, or set a higher maximum capacity")
    }
}

impl<T> std::error::Error for Full<T> {}
