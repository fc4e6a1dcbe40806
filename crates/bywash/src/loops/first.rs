//! What was found first, in the order of indices, whoever found it and whenever.

use std::sync::{Mutex, PoisonError};

use bywash_sync::atomic::{AtomicUsize, Ordering};

/// What was found at the lowest index so far.
pub(super) struct First<R> {
    lowest: AtomicUsize,
    found: Mutex<Option<(usize, R)>>,
}

impl<R> First<R> {
    pub(super) fn new() -> Self {
        Self {
            // No index of a half-open range is as high as this.
            lowest: AtomicUsize::new(usize::MAX),
            found: Mutex::new(None),
        }
    }

    /// Whether nothing was found yet.
    pub(super) fn is_open(&self) -> bool {
        self.lowest.load(Ordering::Relaxed) == usize::MAX
    }

    /// Whether something was found below `index`. May say no too often.
    pub(super) fn is_before(&self, index: usize) -> bool {
        self.lowest.load(Ordering::Relaxed) < index
    }

    /// Keeps what was found, unless something was found below it; what is not kept is dropped
    /// outside the lock.
    pub(super) fn keep(&self, index: usize, found: R) {
        let mut first = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock orders those who found something; the loads elsewhere are advice.
        let rest = if index < self.lowest.load(Ordering::Relaxed) {
            self.lowest.store(index, Ordering::Relaxed);
            first.replace((index, found))
        } else {
            Some((index, found))
        };
        drop(first);
        drop(rest);
    }

    /// What was found, and where.
    pub(super) fn into_inner(self) -> Option<(usize, R)> {
        self.found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The first error of a loop that tells `self` what it meets.
    pub(super) fn error_of(walk: impl FnOnce(&Self)) -> Result<(), R> {
        let first = Self::new();
        walk(&first);
        first.into_inner().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Runs `body` on items with their indices, in order, until it fails or something was found before.
    #[inline(always)]
    pub(super) fn probe<I>(
        &self,
        items: impl Iterator<Item = (usize, I)>,
        body: impl Fn(I) -> Result<(), R>,
    ) {
        for (index, item) in items {
            if self.is_before(index) {
                return;
            }
            if let Err(found) = body(item) {
                return self.keep(index, found);
            }
        }
    }
}
