//! How a deque is made: its flavour, and the capacities it moves between.

use super::worker::Worker;
use crate::reclaim::{Epoch, Reclaim};
use crate::{Error, Item};

/// Which end the owner takes from. Thieves always take the oldest item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Newest first: best for work that is divided and still warm in the cache.
    Lifo,
    /// Oldest first: best for work that should finish in the order it came.
    Fifo,
}

/// The largest capacity: one that an allocation of pointers can hold.
const LARGEST: usize = 1 << (usize::BITS - 5);

/// A deque in the making.
///
/// ```
/// use bywash_deque::chase_lev::{Options, Worker};
///
/// let worker: Worker<Box<u32>> = Options::fifo().initial_capacity(8).maximum_capacity(1000).build()?;
/// # assert!(worker.is_empty());
/// # Ok::<(), bywash_deque::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "the deque is made by `build`"]
pub struct Options {
    pub(super) flavor: Flavor,
    pub(super) initial: usize,
    pub(super) maximum: usize,
    pub(super) shrinks: bool,
    pub(super) first_index: u64,
}

impl Options {
    /// Newest first, 64 items to begin with, no maximum.
    pub const fn lifo() -> Self {
        Self::of(Flavor::Lifo)
    }

    /// Oldest first, 64 items to begin with, no maximum.
    pub const fn fifo() -> Self {
        Self::of(Flavor::Fifo)
    }

    /// The given flavour, 64 items to begin with, no maximum.
    pub const fn of(flavor: Flavor) -> Self {
        Self {
            flavor,
            initial: 64,
            maximum: LARGEST,
            shrinks: true,
            first_index: 0,
        }
    }

    /// How many items fit before the buffer first grows, and below which it never shrinks; rounded
    /// up to a power of two.
    pub const fn initial_capacity(mut self, items: usize) -> Self {
        self.initial = items;
        self
    }

    /// How many items the deque holds at most; a push beyond gives its item back.
    pub const fn maximum_capacity(mut self, items: usize) -> Self {
        self.maximum = items;
        if self.initial > items && self.initial == 64 {
            self.initial = items;
        }
        self
    }

    /// Keeps the buffer as large as it ever was: a deque that is filled and emptied over and over then
    /// allocates no more.
    pub const fn keep_capacity(mut self) -> Self {
        self.shrinks = false;
        self
    }

    /// The first index, to test what lies near the integer's end.
    #[doc(hidden)]
    pub const fn first_index(mut self, index: u64) -> Self {
        self.first_index = index;
        self
    }

    /// Makes the deque. Allocates its first buffer.
    ///
    /// # Errors
    ///
    /// When the maximum is 0 or below the initial capacity, and when the initial capacity is more
    /// than an allocation can hold.
    pub fn build<T: Item>(self) -> Result<Worker<T>, Error> {
        self.build_with::<T, Epoch>()
    }

    /// As `build`, with another way to free replaced buffers.
    #[doc(hidden)]
    pub fn build_with<T: Item, R: Reclaim>(mut self) -> Result<Worker<T, R>, Error> {
        if self.maximum == 0 {
            return Err(Error::NoCapacity);
        }
        if self.initial > self.maximum {
            return Err(Error::InitialAboveMaximum {
                initial: self.initial,
                maximum: self.maximum,
            });
        }
        if self.initial > LARGEST {
            return Err(Error::TooLarge {
                asked: self.initial,
                limit: LARGEST,
            });
        }
        self.maximum = self.maximum.min(LARGEST);
        Ok(Worker::new(self))
    }
}
