//! Large, longer-lived values on the heap, counted and limited by the pool that made them.

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::boxed::Box;
use std::sync::Arc;

use bywash_sync::atomic::Ordering;

use super::ClassPool;
use super::shared::Shared;
use crate::error::{ArenaError, refuse};

/// Owns a value on the heap. Its bytes count against its pool's heap budget until it is dropped.
pub struct HeapBox<T> {
    value: Box<T>,
    account: Account,
}

/// Gives the bytes back to the pool's account, also if the value's drop panics.
struct Account {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for Account {
    fn drop(&mut self) {
        // Relaxed: a sum that orders nothing.
        self.shared
            .heap_bytes
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl ClassPool {
    /// Limits the bytes that [`heap_box`](Self::heap_box) may hold at once; none is the beginning.
    pub fn set_heap_budget(&self, bytes: usize) {
        // Relaxed: whoever allocates next reads it sooner or later.
        self.shared.heap_budget.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that boxes made by [`heap_box`](Self::heap_box) hold now, over all threads.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.shared.heap_bytes.load(Ordering::Relaxed)
    }

    /// Moves a value of any size to the heap, counted in this pool.
    ///
    /// Allocates; two additions to counters that all threads share.
    ///
    /// # Panics
    /// When the heap budget forbids it.
    pub fn heap_box<T>(&self, value: T) -> HeapBox<T> {
        self.try_heap_box(value)
            .unwrap_or_else(|(error, _)| refuse(error))
    }

    /// Like [`heap_box`](Self::heap_box), or gives the value back.
    ///
    /// # Errors
    /// [`ArenaError::OverBudget`] when the heap budget forbids it.
    pub fn try_heap_box<T>(&self, value: T) -> Result<HeapBox<T>, (ArenaError, T)> {
        let requested = size_of::<T>();
        let limit = self.shared.heap_budget.load(Ordering::Relaxed);
        // Relaxed: a sum that orders nothing; two threads cannot both take the last bytes.
        let held = self
            .shared
            .heap_bytes
            .fetch_add(requested, Ordering::Relaxed);
        let account = Account {
            shared: Arc::clone(&self.shared),
            bytes: requested,
        };
        if requested > limit.saturating_sub(held) {
            drop(account);
            let left = limit.saturating_sub(held);
            return Err((
                ArenaError::OverBudget {
                    requested,
                    left,
                    limit,
                },
                value,
            ));
        }
        Ok(HeapBox {
            value: Box::new(value),
            account,
        })
    }
}

impl<T> HeapBox<T> {
    /// Moves the value out and gives its memory back.
    #[must_use]
    pub fn into_inner(this: Self) -> T {
        let Self { value, account } = this;
        drop(account);
        *value
    }
}

impl<T> Deref for HeapBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for HeapBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for HeapBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
