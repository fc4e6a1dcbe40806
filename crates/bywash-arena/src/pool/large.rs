//! Large, longer-lived values on the heap, counted and limited by the pool that made them.

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use super::ClassPool;
use super::shared::Shared;
use crate::budget::Budget;
use crate::error::{ArenaError, refuse};
use crate::tag::TagUse;

/// Owns a value on the heap. Its bytes count against its pool's heap budget, and under its tag,
/// until it is dropped.
pub struct HeapBox<T> {
    value: Box<T>,
    account: Account,
}

/// What a pool's boxes hold, all together and by tag.
#[derive(Debug)]
pub(super) struct Books {
    budget: Budget,
    live: usize,
    tags: Vec<TagUse>,
}

impl Books {
    pub(super) const fn new() -> Self {
        Self {
            budget: Budget::NONE,
            live: 0,
            tags: Vec::new(),
        }
    }
}

/// Gives the bytes back to the pool's books, also if the value's drop panics.
struct Account {
    shared: Arc<Shared>,
    tag: Option<usize>,
    bytes: usize,
}

impl Drop for Account {
    fn drop(&mut self) {
        let mut books = self.shared.books();
        books.live -= self.bytes;
        if let Some(tag) = self.tag {
            books.tags[tag].live -= self.bytes;
        }
    }
}

impl ClassPool {
    /// Limits the bytes that [`heap_box`](Self::heap_box) may hold at once; none is the beginning.
    ///
    /// What is held already counts. A soft mark's event is called once, by the thread that crosses
    /// it.
    pub fn set_heap_budget(&self, budget: Budget) {
        self.shared.books().budget = budget.afresh();
    }

    /// Bytes that boxes made by [`heap_box`](Self::heap_box) hold now, over all threads.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.shared.books().live
    }

    /// Runs `run` with a handle whose heap boxes count under `tag`, as those of
    /// [`Arena::with_tag`](crate::Arena::with_tag) do for an arena. The innermost tag counts.
    ///
    /// ```
    /// let pool = bywash_arena::ClassPool::new();
    /// let level = pool.with_tag("level", |pool| pool.heap_box([0u8; 10_000]));
    /// assert_eq!(pool.tag_use("level").unwrap().live, 10_000);
    /// drop(level);
    /// let level = pool.tag_use("level").unwrap();
    /// assert_eq!((level.count, level.live, level.peak), (1, 0, 10_000));
    /// ```
    pub fn with_tag<R>(&self, tag: &'static str, run: impl FnOnce(&Self) -> R) -> R {
        let place = TagUse::place(&mut self.shared.books().tags, tag);
        run(&Self {
            shared: Arc::clone(&self.shared),
            tag: Some(place),
        })
    }

    /// What heap boxes were made under `tag`, if it was ever used.
    #[must_use]
    pub fn tag_use(&self, tag: &str) -> Option<TagUse> {
        self.tags().into_iter().find(|used| used.name == tag)
    }

    /// What heap boxes were made under each tag, in the order of their first use.
    #[must_use]
    pub fn tags(&self) -> Vec<TagUse> {
        self.shared.books().tags.clone()
    }

    /// Moves a value of any size to the heap, counted in this pool.
    ///
    /// Allocates, and takes a lock that all threads share, here and when the box is dropped.
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
        let bytes = size_of::<T>();
        let crossed = {
            let mut books = self.shared.books();
            if let Some(error) = books.budget.refusal(books.live, bytes) {
                return Err((error, value));
            }
            books.live += bytes;
            if let Some(tag) = self.tag {
                books.tags[tag].add(1, bytes);
            }
            let live = books.live;
            books.budget.crossed(live)
        };
        let account = Account {
            shared: Arc::clone(&self.shared),
            tag: self.tag,
            bytes,
        };
        let value = Box::new(value);
        if let Some((event, overrun)) = crossed {
            event(overrun);
        }
        Ok(HeapBox { value, account })
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
